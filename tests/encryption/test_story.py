"""The whole story with keys: no word of a client lies in plain on a disk or in a database."""

import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx

from app.own_service import own_service
from app.platform.encryption import plain_folder
from app.platform.sealing import MAGIC, new_key
from app.platform.settings import Settings
from tests.e2e.test_story import create, finished
from tests.encryption.watching import tables_holding, watched

SAMPLE = Path(str(files("app.corpora") / "sample"))
# As long as what it is put in the place of, for the offsets of annotations.
DISEASE, WORD = "hepatitis", "zebraitis"
NAME = "Quokka"
Json = dict[str, Any]


def marked(split: str) -> bytes:
    text = (SAMPLE / f"{split}.pubtator.txt").read_text()
    return text.replace(DISEASE, WORD).encode()


def story(client: httpx.Client) -> Json:
    """All that a client may write and read; gives what there is to be looked at again."""
    upload = [
        ("file", (f"{NAME}.train.txt", marked("train"))),
        ("file", (f"{NAME}.dev.txt", marked("dev"))),
    ]
    form = {"name": NAME, "split": ["train", "test"]}
    dataset = finished(client, create(client, "/v1/datasets", files=upload, data=form))
    assert dataset["status"] == "ready", dataset
    assert dataset["name"] == NAME
    bad = [("file", (f"{NAME}.zip", b"PK\3\4 " + WORD.encode()))]
    assert finished(client, create(client, "/v1/datasets", files=bad))["status"] == "failed"
    vocabulary = [("file", (f"{NAME}.tsv", f"MESH:D006505\t{WORD}|{WORD} viral\n".encode()))]
    location = create(
        client, "/v1/vocabularies", files=vocabulary, data={"name": "names", "type": "Disease"}
    )
    assert finished(client, location)["status"] in ("ready", "failed")
    request: Json = {"dataset_id": dataset["id"], "splits": ["train"]}
    rows = finished(client, create(client, "/v1/training-files", json=request))
    request = {"training_file_id": rows["id"], "name": NAME, "hyperparameters": {"preset": "fast"}}
    headers = {"Idempotency-Key": "once"}
    location = create(client, "/v1/fine-tunes", json=request, headers=headers)
    again = client.post("/v1/fine-tunes", json=request, headers=headers)
    assert again.headers["Idempotency-Replayed"]
    assert again.json()["name"] == NAME
    fine_tune = finished(client, location)
    assert fine_tune["status"] == "succeeded", fine_tune
    model = fine_tune["model_id"]
    asked = {"model": model, "text": f"The patient had {WORD}."}
    answer = client.post("/v1/extractions", json=asked).json()
    request = {"models": [model], "dataset_id": dataset["id"], "split": "test", "name": NAME}
    evaluation = finished(client, create(client, "/v1/evaluations", json=request))
    assert evaluation["status"] == "succeeded", evaluation
    lines = "\n".join(json.dumps({"id": str(n), "text": asked["text"]}) for n in range(20))
    batch = create(
        client,
        "/v1/extraction-batches",
        files={"file": (f"{NAME}.jsonl", lines.encode())},
        data={"model": model, "name": NAME},
    )
    assert finished(client, batch)["status"] == "succeeded"
    target = {"kind": "email", "name": NAME, "address": f"{NAME.lower()}@example.org"}
    client.post("/v1/notification-targets", json=target)
    return {
        "answer": {key: answer[key] for key in ("diseases", "chemicals", "relations")},
        "asked": asked,
        "batch": batch,
        "dataset": dataset["id"],
        "names": [fine_tune["name"], evaluation["name"]],
        **looked_at(client, dataset["id"], batch),
    }


def looked_at(client: httpx.Client, dataset: str, batch: str) -> Json:
    return {
        "documents": client.get(f"/v1/datasets/{dataset}/documents").json(),
        "export": client.get(f"/v1/datasets/{dataset}/export?format=pubtator").text,
        "results": client.get(f"{batch}/results").text,
    }


def test_no_word_lies_in_plain(
    tmp_path: Path, settings_of_store: dict[str, str], database_url: str | None
) -> None:
    """All the time; it is read back, before and after a restart; and memory is left empty."""
    data, tmp = tmp_path / "data", tmp_path / "tmp"
    data.mkdir()
    tmp.mkdir()
    settings = settings_of_store | {
        "MEDTUNE_ENCRYPTION_KEYS": json.dumps([new_key()]),
        "TMPDIR": str(tmp),
    }
    words = [WORD.encode(), NAME.encode(), NAME.lower().encode()]
    with watched(tmp_path, words) as found:
        with own_service(data, settings) as service:
            told = story(service.client)
            assert WORD in told["export"]
            assert WORD in told["results"]
            assert told["names"] == [NAME, NAME]
        with own_service(data, settings) as service:
            again = looked_at(service.client, told["dataset"], told["batch"])
            assert again == {key: told[key] for key in again}
            answer = service.client.post("/v1/extractions", json=told["asked"]).json()
            assert {key: answer[key] for key in told["answer"]} == told["answer"]
    assert found == set()
    memory = plain_folder(Settings(data_dir=data, _env_file=None))
    assert [path.name for path in memory.rglob("*") if path.is_file()] == ["lock"]
    shutil.rmtree(memory)
    if database_url is not None:
        assert tables_holding(database_url, words) == []
        return
    stored = [p for f in ("blobs", "local/models") for p in (data / f).rglob("*") if p.is_file()]
    plain = [path.name for path in stored if not path.read_bytes().startswith(MAGIC)]
    assert plain == ["encryption-keys.json"]
