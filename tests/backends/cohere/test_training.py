"""Fine-tuning through the real SDK on a stand-in: handed over, followed, ended, cleared away."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.backends.base import BackendError, JobState, JobStatus
from app.backends.cohere.training import CohereTraining
from app.prompts.render import to_turns
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from tests.backends.cohere.tuning import NAME, REFERENCE, TEXT, alive, job, training_on
from tests.stand_ins.cohere import Dataset, Fault, FineTune, StandIn, stand_in

_TUNES = "/v1/finetuning"


@pytest.fixture(scope="module")
def lasting() -> Iterator[StandIn]:
    with stand_in() as running:
        yield running


@pytest.fixture
def server(lasting: StandIn) -> StandIn:
    lasting.reset()
    return lasting


@pytest.fixture
async def training(server: StandIn) -> AsyncIterator[CohereTraining]:
    async with training_on(server.url) as made:
        yield made


async def ended(training: CohereTraining) -> list[JobState]:
    """All states until the end."""
    states = [await training.poll(REFERENCE)]
    while states[-1].status is JobStatus.RUNNING:
        states.append(await training.poll(REFERENCE))
    return states


async def test_trains_on_the_rows_and_the_evaluation_rows(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """Both files are uploaded as chat rows, and the fine-tune is what the job says."""
    await training.launch(job(tmp_path, evaluated=True, hyperparameters={"train_epochs": 3}))
    (dataset,) = server.state.datasets.values()
    assert (dataset.name, dataset.type) == (NAME, "chat-finetune-input")
    rows = [json.loads(line)["messages"] for line in dataset.data.splitlines()]
    assert [[turn["role"] for turn in row] for row in rows] == [["System", "User", "Chatbot"]] * 3
    contents = tuple(turn["content"] for turn in rows[0])
    assert contents == (*to_turns(TEXT, Task.DISEASES, BUILT_IN), "- bar disease")
    assert dataset.evaluation == dataset.data
    (tune,) = alive(server)
    assert tune.request["name"] == NAME
    settings = tune.request["settings"]
    assert settings["base_model"] == {"base_type": "BASE_TYPE_CHAT", "name": "command-r-08-2024"}
    assert settings["dataset_id"] == dataset.id
    assert settings["hyperparameters"] == {
        "train_epochs": 3,
        "learning_rate": 0.01,
        "train_batch_size": 16,
        "early_stopping_threshold": 0.001,
        "early_stopping_patience": 10,
    }


async def test_is_followed_to_its_model(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """Stages, progress that only grows, the whole curve, warnings; then the model's name."""
    server.state.validation_warnings = ["1 example has too many tokens"]
    assert (await training.poll(REFERENCE)).status is JobStatus.LOST
    await training.launch(job(tmp_path, evaluated=True))
    states = await ended(training)
    stages = list(dict.fromkeys(state.stage for state in states))
    assert stages == ["queued", "finetuning", "deploying_api", "ready"]
    progress = [state.progress for state in states]
    assert progress == sorted(progress)
    assert (progress[0] > 0, progress[-1]) == (True, 1.0)
    last = states[-1]
    assert (last.status, last.model) == (JobStatus.SUCCEEDED, alive(server)[0].model)
    losses = [(p.step, p.value) for p in last.metrics if p.name == "cross_entropy"]
    assert losses == [(0, 2.0), (1, 1.0), (2, 0.6667)]
    assert {point.stage for point in last.metrics} == {"training"}
    assert "step" not in {point.name for point in last.metrics}
    assert last.warnings == ("1 example has too many tokens",)
    assert [status for status, _at in last.details["events"]] == stages


async def test_reads_every_page(server: StandIn, training: CohereTraining, tmp_path: Path) -> None:
    """However small the server's pages: other datasets and fine-tunes do not hide ours."""
    server.state.largest_page = 2
    server.state.steps_measured = 7
    for number in range(5):
        other = FineTune(request={"name": f"other-{number}", "settings": {}})
        server.state.fine_tunes[other.id] = other
    server.faults.add(_TUNES, Fault.error(500), method="POST")
    with pytest.raises(BackendError):
        await training.launch(job(tmp_path))
    for number in range(5):
        newer = Dataset(name=f"other-{number}", type="chat-finetune-input")
        server.state.datasets[newer.id] = newer
    await training.launch(job(tmp_path))
    await training.launch(job(tmp_path))
    assert len(server.asked("POST", "/v1/datasets")) == 1
    assert len([tune for tune in alive(server) if tune.name == NAME]) == 1
    last = (await ended(training))[-1]
    assert {point.step for point in last.metrics} == set(range(7))
    assert len(last.details["events"]) == 4


async def test_refused_data(server: StandIn, training: CohereTraining, tmp_path: Path) -> None:
    """What the server says against the rows reaches the client, within bounds."""
    server.state.validation_error = "preambles too long " * 100
    server.state.validation_warnings = [f"warning {number}" for number in range(50)]
    for _ in range(2):
        with pytest.raises(BackendError) as caught:
            await training.launch(job(tmp_path))
        assert (caught.value.code, caught.value.retryable) == ("training_data_refused", False)
        assert "preambles too long" in caught.value.message
        assert "warning 0" in caught.value.message
        assert len(caught.value.message) < 1500
    assert not alive(server)


async def test_says_what_it_is_doing_while_it_is_launched(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """A poll beside the launch tells its stage and asks the server nothing."""
    states: list[JobState] = []
    server.state.looks_a_step = 2
    server.faults.add("/v1/datasets/", Fault.slow(0.05))

    launching = asyncio.create_task(training.launch(job(tmp_path)))
    while not launching.done():
        states.append(await training.poll(REFERENCE))
        await asyncio.sleep(0.01)
    await launching
    assert JobState(JobStatus.RUNNING, stage="validating") in states


async def test_failed_training(server: StandIn, training: CohereTraining, tmp_path: Path) -> None:
    """A fine-tune that fails ends the job; forgetting it leaves nothing there."""
    server.state.fine_tunes_fail = True
    await training.launch(job(tmp_path))
    last = (await ended(training))[-1]
    assert (last.status, last.error_code) == (JobStatus.FAILED, "training_failed")
    assert "cohere" in str(last.error_message)
    await training.forget(REFERENCE)
    assert (alive(server), server.state.datasets) == ([], {})


async def test_unknown_status_is_still_running(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """A status that nobody has heard of does not end a job."""
    await training.launch(job(tmp_path))
    server.state.stop_training_at = "STATUS_MEDITATING"
    state = await training.poll(REFERENCE)
    assert (state.status, state.stage) == (JobStatus.RUNNING, "meditating")


@pytest.mark.parametrize("kept", [True, False])
async def test_deleted_from_outside(
    server: StandIn, training: CohereTraining, tmp_path: Path, kept: bool
) -> None:
    """A fine-tune that someone deleted there is cancelled, or lost if the server drops it."""
    server.state.deleted_are_listed = kept
    await training.launch(job(tmp_path))
    assert (await training.poll(REFERENCE)).status is JobStatus.RUNNING
    alive(server)[0].deleted = True
    state = await training.poll(REFERENCE)
    assert state.status is (JobStatus.CANCELLED if kept else JobStatus.LOST)


async def test_replaced_behind_its_back(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """When the fine-tune of the known id is gone, the name is looked up again."""
    await training.launch(job(tmp_path))
    await training.poll(REFERENCE)
    gone = alive(server)[0]
    gone.deleted = True
    other = FineTune(request=gone.request)
    server.state.fine_tunes[other.id] = other
    assert (await training.poll(REFERENCE)).details["finetuned_model"] == other.id


@pytest.mark.parametrize("stage", ["QUEUED", "FINETUNING", "DEPLOYING_API", "READY"])
async def test_cancel_in_every_state(
    server: StandIn, training: CohereTraining, tmp_path: Path, stage: str
) -> None:
    """Cancelling leaves neither fine-tune nor rows, wherever the job is; twice is once."""
    server.state.stop_training_at = f"STATUS_{stage}"
    await training.launch(job(tmp_path))
    while (await training.poll(REFERENCE)).stage != stage.lower():
        pass
    for _ in range(2):
        await training.cancel(REFERENCE)
        assert (alive(server), server.state.datasets) == ([], {})
    assert (await training.poll(REFERENCE)).status is JobStatus.LOST


async def test_forget_keeps_the_model_only(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """The uploaded rows go, the model stays; nothing else of the server is touched."""
    await training.forget(REFERENCE)
    await training.launch(job(tmp_path))
    model = (await ended(training))[-1].model
    other = FineTune(request={"name": "other", "settings": {}})
    server.state.fine_tunes[other.id] = other
    for _ in range(2):
        await training.forget(REFERENCE)
        assert server.state.datasets == {}
        assert [tune.model for tune in alive(server)] == [model, other.model]


async def test_delete_model(server: StandIn, training: CohereTraining, tmp_path: Path) -> None:
    """The model is deleted, and deleting it again is no error."""
    await training.launch(job(tmp_path))
    model = (await ended(training))[-1].model
    assert model is not None
    await training.delete_model(model)
    await training.delete_model(model)
    assert not alive(server)


async def test_retired_fine_tuning(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """A server that does not fine-tune is never sent the rows; what to do instead is said."""
    server.state.fine_tuning_offered = False
    with pytest.raises(BackendError) as caught:
        await training.launch(job(tmp_path))
    assert caught.value.code == "capability_unavailable"
    assert "September 15 2025" in caught.value.message
    assert "/repeat" in str(caught.value.hint)
    assert not server.asked("POST", "/v1/datasets")
    with pytest.raises(BackendError) as caught:
        await training.poll(REFERENCE)
    assert caught.value.code == "capability_unavailable"
    assert f"/{REFERENCE}/repeat" in str(caught.value.hint)
    for end in (training.cancel, training.forget, training.delete_model):
        await end(REFERENCE)


@pytest.mark.parametrize("status", [400, 404, 405, 410, 422])
async def test_refused_create(
    server: StandIn, training: CohereTraining, tmp_path: Path, status: int
) -> None:
    """A create that is refused outright says so in the server's words."""
    server.faults.add(_TUNES, Fault.error(status, "no more " * 200), method="POST")
    with pytest.raises(BackendError) as caught:
        await training.launch(job(tmp_path))
    assert (caught.value.code, caught.value.retryable) == ("capability_unavailable", False)
    assert "no more no more" in caught.value.message
    assert len(caught.value.message) < 500
    await training.cancel(REFERENCE)
    assert server.state.datasets == {}


@pytest.mark.parametrize("status", [401, 402, 403, 429])
async def test_refused_caller(
    server: StandIn, training: CohereTraining, tmp_path: Path, status: int
) -> None:
    """A wrong key, an unpaid bill and a rate limit do not say that fine-tuning is no more."""
    server.faults.add(_TUNES, Fault.error(status))
    with pytest.raises(BackendError) as caught:
        await training.launch(job(tmp_path))
    assert caught.value.code in ("backend_failed", "backend_unavailable")
    assert caught.value.retryable is (status == 429)


async def test_garbled_poll_is_worth_another(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """A proxy's page, or `{}`, in the place of an answer does not end a training of hours."""
    await training.launch(job(tmp_path))
    await training.poll(REFERENCE)
    for fault in (Fault.html(200), Fault.answer(b""), Fault.answer(b"{}"), Fault.answer(b"[1]")):
        server.faults.add(_TUNES, fault)
        with pytest.raises(BackendError) as caught:
            await training.poll(REFERENCE)
        assert (caught.value.code, caught.value.retryable) == ("backend_failed", True)
    assert (await ended(training))[-1].status is JobStatus.SUCCEEDED


async def test_stored_hyperparameters_are_checked(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """What this version does not know is refused before anything is asked of the server."""
    with pytest.raises(BackendError) as caught:
        await training.launch(job(tmp_path, hyperparameters={"preset": "fast"}))
    assert (caught.value.code, server.log) == ("invalid_hyperparameters", [])
