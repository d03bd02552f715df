"""Cohere's `/v1/finetuning`, as its SDK uses it: train, follow, rename, delete."""

import asyncio
from typing import Any

import cohere
import pytest
from cohere.errors import BadRequestError, NotFoundError
from cohere.finetuning import (
    BaseModel,
    FinetunedModel,
    Hyperparameters,
    WandbConfig,
)

from app.own_service import OwnService
from app.prompts.tasks import Task
from tests.cohere_api.finetuned import (
    CHAT,
    ROWS,
    SECONDS,
    ended,
    got,
    launched,
    message,
    model_on,
    until,
    uploaded,
)
from tests.cohere_api.training_rows import jsonl

HYPERPARAMETERS = Hyperparameters(train_epochs=2, learning_rate=0.01)


@pytest.fixture(scope="module")
def dataset_id(co: cohere.Client) -> str:
    """Training and evaluation rows; not to be deleted."""
    evaluation = jsonl("dev", 4, (Task.DISEASES,), "chat")
    return uploaded(co, eval_data=("eval.jsonl", evaluation))


@pytest.fixture(scope="module")
def ready(co: cohere.Client, dataset_id: str) -> FinetunedModel:
    """A model that is ready; read only."""
    begun = launched(
        co,
        dataset_id,
        hyperparameters=HYPERPARAMETERS,
        wandb=WandbConfig(project="trials", api_key="zyx-secret", entity="us"),
    )
    assert begun.status == "STATUS_QUEUED"
    assert begun.id is not None
    model = ended(co, begun.id)
    assert model.status == "STATUS_READY"
    return model


def test_a_model_is_trained_and_answers(
    co: cohere.Client, served: OwnService, ready: FinetunedModel, dataset_id: str
) -> None:
    """From rows to a model that chats, through Cohere's SDK alone; it is one of our fine-tunes."""
    assert (ready.name, ready.settings.dataset_id) == ("sample", dataset_id)
    assert ready.settings.base_model.base_type == "BASE_TYPE_CHAT"
    assert ready.settings.hyperparameters == HYPERPARAMETERS
    assert ready.created_at is not None
    assert ready.completed_at is not None
    assert ready.updated_at is not None
    assert ready.created_at < ready.completed_at <= ready.updated_at
    ours = served.client.get(f"/v1/fine-tunes/{ready.id}").json()
    assert (ours["name"], ours["status"], ours["backend"]) == ("sample", "succeeded", "local")
    assert ours["evaluation_file_id"] is not None
    answer = co.generate(
        prompt="The following article contains technical terms including diseases, drugs and "
        "chemicals. Create a list only of the diseases mentioned.\n\nTwo women had hepatitis.\n\n"
        "List of extracted diseases:\n",
        model=f"{ready.id}-ft",
    )
    assert answer.generations[0].text.startswith("- ")


def test_the_key_of_weights_and_biases_is_nowhere(
    served: OwnService, ready: FinetunedModel
) -> None:
    settings = served.client.get(f"/cohere/v1/finetuning/finetuned-models/{ready.id}").json()
    assert settings["finetuned_model"]["settings"]["wandb"] == {"project": "trials", "entity": "us"}
    folder = served.log.parent
    assert not [
        path for path in folder.rglob("*") if path.is_file() and b"zyx-secret" in path.read_bytes()
    ]


def test_events_are_changes_of_status(co: cohere.Client, ready: FinetunedModel) -> None:
    answer = co.finetuning.list_events(str(ready.id))
    events = answer.events or []
    expected = ["STATUS_READY", "STATUS_FINETUNING", "STATUS_QUEUED"]
    assert [event.status for event in events] == expected
    assert (answer.total_size, answer.next_page_token) == (3, "")
    assert {event.user_id for event in events} == {""}
    times = [event.created_at for event in events if event.created_at is not None]
    assert times == sorted(times, reverse=True)
    first = co.finetuning.list_events(str(ready.id), page_size=2)
    token = first.next_page_token
    rest = co.finetuning.list_events(str(ready.id), page_size=2, page_token=token)
    assert [*(first.events or []), *(rest.events or [])] == events
    assert rest.next_page_token == ""
    oldest = co.finetuning.list_events(str(ready.id), order_by="created_at").events
    assert oldest == events[::-1]


def test_step_metrics_are_the_training_curve(
    co: cohere.Client, served: OwnService, ready: FinetunedModel
) -> None:
    """Every point of it, and the steps of all stages counted through."""
    steps: list[Any] = []
    token: str | None = None
    while token != "":
        answer = co.finetuning.list_training_step_metrics(
            str(ready.id), page_size=7, page_token=token
        )
        steps += answer.step_metrics or []
        token = answer.next_page_token
    assert [step.step_number for step in steps] == list(range(1, len(steps) + 1))
    points = served.client.get(f"/v1/fine-tunes/{ready.id}/metrics?limit=1000").json()["items"]
    assert len(points) < 1000
    assert sum(len(step.metrics) for step in steps) == len(points)
    assert len(steps) == len({(point["stage"], point["step"]) for point in points}) > 7
    assert steps[0].metrics[points[0]["name"]] == points[0]["value"]
    assert all(step.created_at is not None for step in steps)


def test_list(co: cohere.Client, ready: FinetunedModel, tuned: dict[str, Any]) -> None:
    """Page by page, by creation; what was trained through our own API is there as well."""
    everything = co.finetuning.list_finetuned_models()
    models = everything.finetuned_models or []
    assert everything.next_page_token == ""
    assert everything.total_size == len(models)
    ids = [model.id for model in models]
    assert {ready.id, tuned["id"]} <= set(ids)
    assert ids == sorted(str(model_id) for model_id in ids)
    other = next(model for model in models if model.id == tuned["id"])
    assert other.settings.base_model.name == "local:"
    assert other.settings.dataset_id.startswith("ds_")
    newest: list[str | None] = []
    token: str | None = None
    while token != "":
        page = co.finetuning.list_finetuned_models(
            page_size=1, page_token=token, order_by="created_at desc"
        )
        newest += [model.id for model in page.finetuned_models or []]
        token = page.next_page_token
    assert newest == ids[::-1]
    with pytest.raises(BadRequestError):
        co.finetuning.list_finetuned_models(order_by="name")
    with pytest.raises(BadRequestError):
        co.finetuning.list_finetuned_models(page_token="?")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"base_model": BaseModel(base_type="BASE_TYPE_RERANK")}, "/settings/base_model/base_type"),
        ({"base_model": BaseModel(base_type="BASE_TYPE_CHAT", name="x:y")}, "The backends are"),
        ({"base_model": BaseModel(base_type="BASE_TYPE_CHAT", name="local:rules")}, "/base_model"),
        ({"dataset_id": "ds_0"}, "there is no such dataset"),
        ({"hyperparameters": Hyperparameters(train_epochs=11)}, "/hyperparameters/train_epochs"),
        ({"hyperparameters": Hyperparameters(learning_rate=1.0)}, "/hyperparameters/learning_rate"),
        ({"hyperparameters": Hyperparameters(train_batch_size=1)}, "/train_batch_size"),
        ({"hyperparameters": {"early_stopping_patience": -1}}, "/early_stopping_patience"),
        ({"hyperparameters": {"lora_target_modules": "ALL"}}, "/lora_target_modules"),
        ({"name": ""}, "/name"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    co: cohere.Client, served: OwnService, dataset_id: str, more: dict[str, Any], said: str
) -> None:
    """And nothing is left of it."""
    before = served.client.get(f"/v1/training-files?dataset_id={dataset_id}").json()
    with pytest.raises(BadRequestError) as caught:
        launched(co, **{"dataset_id": dataset_id} | more)
    assert said in message(caught.value)
    assert served.client.get(f"/v1/training-files?dataset_id={dataset_id}").json() == before


def test_datasets_that_are_not_validated_are_refused(co: cohere.Client) -> None:
    one = jsonl(documents=1, tasks=(Task.DISEASES,), row_format="chat")
    few = co.datasets.create(name="few", type=CHAT, data=("rows.jsonl", one))
    with pytest.raises(BadRequestError) as caught:
        launched(co, str(few.id))
    assert "The dataset's validation status is" in message(caught.value)
    until(lambda: co.datasets.get(id=str(few.id)).dataset.validation_status == "failed")
    with pytest.raises(BadRequestError) as caught:
        launched(co, str(few.id))
    assert "validation status is failed" in message(caught.value)


def test_names_can_change_and_settings_cannot(
    co: cohere.Client, served: OwnService, tuned: dict[str, Any], ready: FinetunedModel
) -> None:
    """Also of what was trained through our own API."""
    for model in (ready, got(co, tuned["id"])):
        model_id = str(model.id)
        answer = co.finetuning.update_finetuned_model(
            model_id, name="renamed", settings=model.settings
        )
        assert answer.finetuned_model is not None
        assert answer.finetuned_model.name == got(co, model_id).name == "renamed"
        assert got(co, model_id).settings == model.settings
        assert model.updated_at is not None
        assert (got(co, model_id).updated_at or model.updated_at) > model.updated_at
        assert served.client.get(f"/v1/fine-tunes/{model_id}").json()["name"] == "renamed"
        for setting, value in {
            "dataset_id": "ds_0",
            "base_model": BaseModel(base_type="BASE_TYPE_GENERATIVE"),
            "hyperparameters": Hyperparameters(train_epochs=9),
        }.items():
            other = model.settings.model_copy(update={setting: value})
            with pytest.raises(BadRequestError) as caught:
                co.finetuning.update_finetuned_model(model_id, name="again", settings=other)
            assert f"settings.{setting}" in message(caught.value)
        co.finetuning.update_finetuned_model(model_id, name=model.name, settings=model.settings)


def test_a_deleted_dataset_is_kept_for_the_models_that_were_trained_on_it(
    co: cohere.Client, served: OwnService
) -> None:
    """For Cohere's API it is gone at once, for good with the last of them."""
    dataset_id = uploaded(co)
    model = ended(co, str(launched(co, dataset_id).id))
    assert co.datasets.delete(id=dataset_id) == {}
    with pytest.raises(NotFoundError):
        co.datasets.get(id=dataset_id)
    with pytest.raises(BadRequestError):
        launched(co, dataset_id)
    ours = served.client.get(f"/v1/fine-tunes/{model.id}").json()
    paths = [f"fine-tunes/{model.id}", f"models/{ours['model_id']}", f"datasets/{dataset_id}"]
    assert [served.client.get(f"/v1/{path}").status_code for path in paths] == [200] * 3
    assert co.finetuning.delete_finetuned_model(str(model.id)) == {}
    assert [served.client.get(f"/v1/{path}").status_code for path in paths] == [404] * 3


def test_what_runs_is_cancelled_and_removed_with_its_files(
    co: cohere.Client, served: OwnService
) -> None:
    """Once it has ended, by the next deletion; the dataset stays."""
    dataset_id = uploaded(co)
    path = f"/v1/fine-tunes/{launched(co, dataset_id).id}"
    other = launched(co, dataset_id)
    model_id = path.rpartition("/")[2]
    # What has not begun when it is deleted may be gone at once.
    until(lambda: served.client.get(path).json()["status"] == "training")
    assert co.finetuning.delete_finetuned_model(model_id) == {}
    with pytest.raises(NotFoundError):
        got(co, model_id)
    until(lambda: served.client.get(path).json()["status"] == "cancelled")
    assert ended(co, str(other.id)).status == "STATUS_READY"
    assert co.finetuning.delete_finetuned_model(str(other.id)) == {}
    assert served.client.get(path).status_code == 404
    files = served.client.get(f"/v1/training-files?dataset_id={dataset_id}").json()
    assert files["items"] == []
    assert co.datasets.get(id=dataset_id).dataset.validation_status == "validated"


def test_what_is_not_there(co: cohere.Client, served: OwnService) -> None:
    for call in (
        co.finetuning.get_finetuned_model,
        co.finetuning.delete_finetuned_model,
        co.finetuning.list_events,
        co.finetuning.list_training_step_metrics,
    ):
        with pytest.raises(NotFoundError) as caught:
            call("ft_0")
        assert "ft_0" in message(caught.value)
    for path in ("datasets/ds_%00", "finetuning/finetuned-models/ft_%00"):
        assert served.client.get(f"/cohere/v1/{path}").status_code == 400
    with pytest.raises(NotFoundError):
        co.finetuning.update_finetuned_model("ft_0", name="x", settings=model_on("ds_0").settings)


async def test_async(url: str) -> None:
    """The asynchronous client: upload, wait, train, follow, delete."""
    async with cohere.AsyncClient("", base_url=url) as co:
        created = await co.datasets.create(name="async", type=CHAT, data=("rows.jsonl", ROWS))
        dataset = (await co.wait(created, interval=0.05, timeout=SECONDS)).dataset
        answer = await co.finetuning.create_finetuned_model(request=model_on(dataset.id))
        assert answer.finetuned_model is not None
        model_id = str(answer.finetuned_model.id)
        async with asyncio.timeout(SECONDS):
            while answer.finetuned_model.status != "STATUS_READY":
                await asyncio.sleep(0.05)
                answer = await co.finetuning.get_finetuned_model(model_id)
                assert answer.finetuned_model is not None
        assert (await co.finetuning.list_events(model_id)).total_size == 3
        assert (await co.finetuning.list_training_step_metrics(model_id, page_size=1)).step_metrics
        assert await co.finetuning.delete_finetuned_model(model_id) == {}
        with pytest.raises(NotFoundError):
            await co.finetuning.get_finetuned_model(model_id)
