"""All ways to delete a thing: how each is made, full of marks, and what of it may stay."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from app.prompts.tasks import Task
from tests.api.conftest import QUICK, SAMPLE, Json, settled
from tests.cohere_api.training_rows import jsonl
from tests.notifications.conftest import ended
from tests.privacy.marks import Marks, cells
from tests.privacy.test_markers import pubtator
from tests.workspaces.made import COHERE_DATASETS, FINETUNED, cohere_settings, done

RULES = "local:rules"
_DOCUMENTS = 12
# Of a running service, whatever is in it.
_NOT_OF_THINGS = (".db", ".db-wal", ".db-shm")


@dataclass
class World:
    """A service, a dataset with a training file for all to use, and where things are stored.

    `own` are the places of the marks of what is being made. `left` is the path of what a deletion
    leaves for the next one, `later` the marks of that; `before` are the files that may stay.
    """

    client: httpx.AsyncClient
    hook: str
    folder: Path
    url: str | None
    marks: Marks = field(default_factory=Marks)
    secrets: dict[bytes, str] = field(default_factory=dict)
    doing: str = "prepare"
    own: set[str] = field(default_factory=set)
    later: set[str] = field(default_factory=set)
    left: str = ""
    before: set[Path] = field(default_factory=set)
    dataset: str = ""
    training_file: str = ""
    splits: dict[str, str] = field(default_factory=dict)  # of datasets, one each

    def name(self, what: str) -> str:
        """A name for it."""
        return self._own(self.marks.name(f"{what}, {self.doing}"))

    def text(self, what: str) -> str:
        """A word of its text."""
        return self._own(self.marks.text(f"{what}, {self.doing}"))

    def documents(self) -> bytes:
        """A file of a document of marks, and of some of the sample, to train on."""
        sample = (SAMPLE / "train.pubtator.txt").read_text("utf-8").split("\n\n")[:_DOCUMENTS]
        return pubtator(self.marks) + b"\n" + "\n\n".join(sample).encode() + b"\n"

    def stored(self) -> set[Path]:
        """Files that are there for things, finished or not."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return {path for path in files if not path.name.endswith(_NOT_OF_THINGS)}

    def found(self, content: bytes | str) -> set[str]:
        """The places of the marks and secrets in it."""
        raw = content.encode() if isinstance(content, str) else content
        secrets = {place for secret, place in self.secrets.items() if secret in raw}
        return self.marks.found(raw) | secrets

    def columns(self) -> dict[str, set[str]]:
        """Where in the rows each mark is."""
        found: dict[str, set[str]] = {}
        for column, value in cells(self.folder, self.url):
            for place in self.found(value):
                found.setdefault(place, set()).add(column)
        return found

    def _own(self, mark: str) -> str:
        self.own |= self.marks.found(mark)
        return mark


Make = Callable[[World], Awaitable[str]]


@dataclass(frozen=True)
class Case:
    """A way to delete: the call, how what it is to delete is made, which gives the path, and the
    columns in which its marks may be afterwards."""

    method: str
    path: str
    make: Make
    cascade: bool = False
    stays: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.method} {self.path}{' with cascade' if self.cascade else ''}"


async def _ended(here: World, path: str, **request: Any) -> Json:
    answer = await here.client.post(path, **request)
    assert answer.status_code == 202, answer.text
    end = await settled(here.client, answer.headers["Location"])
    assert end["status"] in ("ready", "succeeded"), end
    return end


async def _dataset(here: World) -> str:
    files = {"file": (here.name("a file of a dataset"), here.documents())}
    form = {"name": here.name("a dataset"), "split": here.name("a split")}
    made = str((await _ended(here, "/v1/datasets", files=files, data=form))["id"])
    here.splits[made] = form["split"]
    return made


async def _training_file(here: World, dataset: str) -> str:
    asked = {"dataset_id": dataset, "splits": [here.splits[dataset]]}
    return str((await done(here.client, "/v1/training-files", asked))["id"])


async def _vocabulary(here: World) -> str:
    words = f"MESH:D000001\t{here.text('a concept')}|{here.text('another name of it')}\n"
    files = {"file": (here.name("a file of a vocabulary") + ".tsv", words.encode())}
    form = {"name": here.name("a vocabulary"), "type": "Chemical"}
    return str((await _ended(here, "/v1/vocabularies", files=files, data=form))["id"])


def _asked(here: World, training_file: str) -> Json:
    name = here.name("a fine-tune")
    return {"training_file_id": training_file, "hyperparameters": QUICK, "name": name}


async def _fine_tune(here: World, training_file: str) -> Json:
    return await done(here.client, "/v1/fine-tunes", _asked(here, training_file))


async def _cancelled_fine_tune(here: World, training_file: str, **more: object) -> None:
    """Quicker than one that has a model, which it may have, too."""
    begun = await here.client.post("/v1/fine-tunes", json=_asked(here, training_file) | more)
    location = begun.headers["Location"]
    await here.client.post(f"{location}/cancel")
    await settled(here.client, location)


async def _evaluation(here: World, dataset: str, model: str = RULES) -> str:
    asked = {"dataset_id": dataset, "models": [model], "resamples": 100}
    end = await done(here.client, "/v1/evaluations", asked | {"name": here.name("an evaluation")})
    return f"/v1/evaluations/{end['id']}"


async def _batch(here: World) -> str:
    lines = [
        json.dumps({"id": here.name("an id of a text"), "text": here.text("a text of a batch")}),
        here.text("no line of a batch"),
    ]
    form = {"model": RULES, "name": here.name("a batch")}
    files = {"file": (here.name("a file of a batch"), "\n".join(lines).encode())}
    end = await _ended(here, "/v1/extraction-batches", data=form, files=files)
    return f"/v1/extraction-batches/{end['id']}"


async def prepare(here: World) -> None:
    """Make what all may use."""
    here.dataset = await _dataset(here)
    here.training_file = await _training_file(here, here.dataset)


# What is deleted


async def _target(here: World) -> str:
    secret = "whsec_" + here.name("a secret") + "A" * 40
    asked = {
        "kind": "webhook",
        "address": f"{here.hook}/{here.name('an address')}",
        "name": here.name("a target"),
        "secret": secret[: len(secret) // 4 * 4 + 2],
        "events": [],
    }
    once = {"Idempotency-Key": "a target"}
    path = "/v1/notification-targets"
    made = await here.client.post(path, json=asked, headers=once)
    assert made.status_code == 201, made.text
    tested = await here.client.post(f"{path}/{made.json()['id']}/test")
    await ended(here.client, tested.json()["id"])
    return f"{path}/{made.json()['id']}"


async def _key(here: World) -> str:
    asked = {"name": here.name("a key"), "scope": "read"}
    made = (await here.client.post("/v1/keys", json=asked)).json()
    here.secrets[made["key"].encode()] = "the secret of a key"
    return f"/v1/keys/{made['id']}/revoke"


async def _alias(here: World) -> str:
    path = f"/v1/model-aliases/{here.name('an alias')}"
    assert (await here.client.put(path, json={"model": RULES})).is_success
    return path


async def _dataset_alone(here: World) -> str:
    return f"/v1/datasets/{await _dataset(here)}"


async def _training_file_alone(here: World) -> str:
    return f"/v1/training-files/{await _training_file(here, here.dataset)}"


async def _evaluation_alone(here: World) -> str:
    return await _evaluation(here, here.dataset)


async def _vocabulary_alone(here: World) -> str:
    return f"/v1/vocabularies/{await _vocabulary(here)}"


async def _model(here: World) -> str:
    tuned = await _fine_tune(here, here.training_file)
    here.later, here.left = {*here.own}, f"/v1/fine-tunes/{tuned['id']}"
    return f"/v1/models/{tuned['model_id']}"


async def _fine_tune_without_model(here: World) -> str:
    here.own |= here.later
    return here.left


async def _fine_tune_and_model(here: World) -> str:
    tuned = await _fine_tune(here, here.training_file)
    return f"/v1/fine-tunes/{tuned['id']}"


async def _used_vocabulary(here: World) -> str:
    vocabulary = await _vocabulary(here)
    await _cancelled_fine_tune(here, here.training_file, vocabularies=[vocabulary])
    return f"/v1/vocabularies/{vocabulary}"


async def _used_training_file(here: World) -> str:
    training_file = await _training_file(here, here.dataset)
    await _cancelled_fine_tune(here, training_file)
    return f"/v1/training-files/{training_file}"


async def _used_dataset(here: World) -> str:
    dataset = await _dataset(here)
    tuned = await _fine_tune(here, await _training_file(here, dataset))
    await _evaluation(here, dataset, tuned["model_id"])
    asked = {"dataset_id": dataset, "model": tuned["model_id"], "name": here.name("a batch of it")}
    await done(here.client, "/v1/extraction-batches", asked)
    return f"/v1/datasets/{dataset}"


async def _cohere_dataset(here: World) -> str:
    rows = jsonl(tasks=(Task.DISEASES,), row_format="chat")
    rows = rows.replace(b"patient", here.text("an example").encode())
    created = await here.client.post(
        COHERE_DATASETS,
        params={"name": here.name("a dataset there"), "type": "chat-finetune-input"},
        files={"data": (here.name("its file") + ".jsonl", rows)},
    )
    path = f"{COHERE_DATASETS}/{created.json()['id']}"
    await _seen(here, path, lambda got: got["dataset"]["validation_status"] == "validated")
    return path


async def _cohere_model(here: World) -> str:
    dataset = await _cohere_dataset(here)
    here.left, here.later, here.own = dataset, {*here.own}, set()
    here.before = here.stored()
    settings = cohere_settings(dataset.rpartition("/")[2])
    body = {"name": here.name("a model there"), "settings": settings}
    created = await here.client.post(FINETUNED, json=body)
    path = f"{FINETUNED}/{created.json()['finetuned_model']['id']}"
    await _seen(here, path, lambda got: got["finetuned_model"]["status"] == "STATUS_READY")
    return path


async def _cohere_dataset_once_used(here: World) -> str:
    here.own |= here.later
    return here.left


async def _seen(here: World, path: str, holds: Callable[[Json], bool]) -> None:
    async with asyncio.timeout(60):
        while True:
            if holds((await here.client.get(path)).json()):
                return
            await asyncio.sleep(0.05)


# In this order: some use what the one before them has left.
CASES = [
    Case("DELETE", "/v1/notification-targets/{target_id}", _target),
    Case(
        "DELETE", "/v1/model-aliases/{name}", _alias, stays=frozenset({"audit_events.subject_id"})
    ),
    Case("DELETE", "/v1/datasets/{dataset_id}", _dataset_alone),
    Case("DELETE", "/v1/training-files/{training_file_id}", _training_file_alone),
    Case("DELETE", "/v1/evaluations/{evaluation_id}", _evaluation_alone),
    Case("DELETE", "/v1/extraction-batches/{batch_id}", _batch),
    Case("DELETE", "/v1/vocabularies/{vocabulary}", _vocabulary_alone),
    Case("DELETE", "/v1/models/{model_id}", _model, stays=frozenset({"fine_tunes.name"})),
    Case("DELETE", "/v1/fine-tunes/{fine_tune_id}", _fine_tune_without_model),
    Case("DELETE", "/v1/fine-tunes/{fine_tune_id}", _fine_tune_and_model, cascade=True),
    Case("DELETE", "/v1/vocabularies/{vocabulary}", _used_vocabulary, cascade=True),
    Case("DELETE", "/v1/training-files/{training_file_id}", _used_training_file, cascade=True),
    Case("DELETE", "/v1/datasets/{dataset_id}", _used_dataset, cascade=True),
    Case("DELETE", "/cohere/v1/finetuning/finetuned-models/{model_id}", _cohere_model),
    Case("DELETE", "/cohere/v1/datasets/{dataset_id}", _cohere_dataset_once_used),
    Case("POST", "/v1/keys/{key_id}/revoke", _key, stays=frozenset({"api_keys.name"})),
]
