"""One of everything, made over the API by one client."""

import asyncio
from dataclasses import dataclass

import httpx

from app.prompts.tasks import Task
from tests.api.conftest import QUICK, SAMPLE, Json, settled, upload
from tests.cohere_api.training_rows import jsonl
from tests.notifications.conftest import ended, target
from tests.vocabularies.samples import PLAIN_CHEMICALS

MARK = "marigold"  # in each name that is given here, and nowhere else
ALIAS = f"{MARK}-best"
VOCABULARY = f"{MARK}-names"
COHERE_DATASETS = "/cohere/v1/datasets"
FINETUNED = "/cohere/v1/finetuning/finetuned-models"


@dataclass(frozen=True)
class Made:
    """Ids, by kind; `alias` and `vocabulary_name` are names."""

    dataset: str
    vocabulary: str
    vocabulary_name: str
    target: str
    delivery: str
    training_file: str
    evaluation_file: str
    fine_tune: str
    model: str
    alias: str
    evaluation: str
    batch: str
    key: str
    cohere_dataset: str
    cohere_model: str

    @property
    def all(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(vars(self).values())


async def done(client: httpx.AsyncClient, path: str, body: Json) -> Json:
    """What was created by POST, once its job has ended well."""
    answer = await client.post(path, json=body)
    assert answer.status_code == 202, answer.text
    ended_as = await settled(client, answer.headers["Location"])
    assert ended_as["status"] in ("ready", "succeeded"), ended_as
    return ended_as


async def make_vocabulary(client: httpx.AsyncClient, concepts: str = PLAIN_CHEMICALS) -> Json:
    """A vocabulary of the name that all workspaces here give theirs."""
    files = {"file": (f"{MARK}.tsv", concepts.encode())}
    form = {"name": VOCABULARY, "type": "Chemical"}
    answer = await client.post("/v1/vocabularies", files=files, data=form)
    assert answer.status_code == 202, answer.text
    return await settled(client, answer.headers["Location"])


async def make_dataset(client: httpx.AsyncClient) -> Json:
    """The sample, in splits train and dev."""
    contents = [(SAMPLE / f"{split}.pubtator.txt").read_bytes() for split in ("train", "dev")]
    names = [f"{MARK}-train.txt", f"{MARK}-dev.txt"]
    return await upload(
        client, *contents, splits=["train", "dev"], name=f"{MARK} sample", filenames=names
    )


async def make_all(client: httpx.AsyncClient, hook: str) -> Made:
    """One of everything that this client can make; messages go to `hook`."""
    dataset = await make_dataset(client)
    vocabulary = await make_vocabulary(client)
    told = await target(client, hook, name=f"{MARK} hook", events=["*"])
    tested = await client.post(f"/v1/notification-targets/{told['id']}/test")
    delivery = await ended(client, tested.json()["id"])
    built = [
        await done(client, "/v1/training-files", {"dataset_id": dataset["id"], "splits": [split]})
        for split in ("train", "dev")
    ]
    fine_tune = await done(
        client,
        "/v1/fine-tunes",
        {
            "training_file_id": built[0]["id"],
            "evaluation_file_id": built[1]["id"],
            "hyperparameters": QUICK,
            "vocabularies": [VOCABULARY],
            "notify": [told["id"]],
            "name": f"{MARK} tune",
        },
    )
    model = fine_tune["model_id"]
    put = await client.put(f"/v1/model-aliases/{ALIAS}", json={"model": model})
    assert put.status_code == 200, put.text
    on_dataset = {"dataset_id": dataset["id"], "split": "dev"}
    asked = on_dataset | {"models": [ALIAS, "local:rules"], "resamples": 100, "name": f"{MARK} ev"}
    evaluation = await done(client, "/v1/evaluations", asked)
    asked = on_dataset | {"model": ALIAS, "notify": [told["id"]], "name": f"{MARK} batch"}
    batch = await done(client, "/v1/extraction-batches", asked)
    key = await client.post("/v1/keys", json={"name": f"{MARK} key", "scope": "read"})
    cohere_dataset = await make_cohere_dataset(client)
    return Made(
        dataset=dataset["id"],
        vocabulary=vocabulary["id"],
        vocabulary_name=VOCABULARY,
        target=told["id"],
        delivery=delivery["id"],
        training_file=built[0]["id"],
        evaluation_file=built[1]["id"],
        fine_tune=fine_tune["id"],
        model=model,
        alias=ALIAS,
        evaluation=evaluation["id"],
        batch=batch["id"],
        key=key.json()["id"],
        cohere_dataset=cohere_dataset,
        cohere_model=await _make_cohere_model(client, cohere_dataset),
    )


def cohere_settings(dataset_id: str) -> Json:
    """What a finetuned model of Cohere's API is to be trained on."""
    return {"base_model": {"base_type": "BASE_TYPE_CHAT"}, "dataset_id": dataset_id}


async def make_cohere_dataset(client: httpx.AsyncClient) -> str:
    """The id of a dataset that was uploaded over Cohere's API, once it is validated."""
    rows = jsonl(tasks=(Task.DISEASES,), row_format="chat")
    created = await client.post(
        COHERE_DATASETS,
        params={"name": f"{MARK} rows", "type": "chat-finetune-input"},
        files={"data": (f"{MARK}.jsonl", rows)},
    )
    assert created.status_code == 200, created.text
    path = f"{COHERE_DATASETS}/{created.json()['id']}"
    async with asyncio.timeout(60):
        while True:
            found = (await client.get(path)).json()["dataset"]
            if found["validation_status"] == "validated":
                return str(found["id"])
            await asyncio.sleep(0.05)


async def _make_cohere_model(client: httpx.AsyncClient, dataset_id: str) -> str:
    body = {"name": f"{MARK} model", "settings": cohere_settings(dataset_id)}
    created = await client.post(FINETUNED, json=body)
    assert created.status_code == 200, created.text
    model_id = str(created.json()["finetuned_model"]["id"])
    async with asyncio.timeout(60):
        while True:
            found = (await client.get(f"{FINETUNED}/{model_id}")).json()["finetuned_model"]
            if found["status"] == "STATUS_READY":
                return model_id
            await asyncio.sleep(0.05)
