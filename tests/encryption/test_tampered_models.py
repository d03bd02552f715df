"""A model's file that is not the one that was stored is refused, and other models go on."""

import json
import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from app.own_service import own_service
from app.platform.sealing import new_key
from tests.e2e.test_story import create, finished

SAMPLE = Path(str(files("app.corpora") / "sample"))
TEXT = "Lithium caused tremor."

TAMPER: dict[str, Callable[[bytes], bytes]] = {
    "a flipped bit": lambda file: file[:2000] + bytes([file[2000] ^ 1]) + file[2001:],
    "a flipped bit of the end": lambda file: file[:-1] + bytes([file[-1] ^ 1]),
    "half the file": lambda file: file[: len(file) // 2],
    "another file": lambda _file: os.urandom(5000),
    "nothing": lambda _file: b"",
}


@pytest.mark.parametrize("keys", [[], [new_key()]], ids=["plain", "sealed"])
def test_a_tampered_model_is_refused(tmp_path: Path, keys: list[str]) -> None:
    """One call or a batch, with the code that says so; with the true file it answers again."""
    plain = {"MEDTUNE_PLAIN_DIR": str(tmp_path / "in_memory")}
    settings = {"MEDTUNE_ENCRYPTION_KEYS": json.dumps(keys)} | plain
    with own_service(tmp_path, settings) as service:
        client = service.client
        upload = {"file": ("dev.txt", (SAMPLE / "dev.pubtator.txt").read_bytes())}
        dataset = finished(client, create(client, "/v1/datasets", files=upload))
        request = {"dataset_id": dataset["id"], "tasks": ["diseases"]}
        rows = finished(client, create(client, "/v1/training-files", json=request))
        training = {"training_file_id": rows["id"], "hyperparameters": {"preset": "fast"}}
        fine_tune = finished(client, create(client, "/v1/fine-tunes", json=training))
        asked = {"model": fine_tune["model_id"], "text": TEXT}
        (file,) = (tmp_path / "local" / "models").glob("*.medtune")
        true = file.read_bytes()
        for what, tamper in TAMPER.items():
            file.write_bytes(tamper(true))
            answer = client.post("/v1/extractions", json=asked)
            assert (answer.status_code, answer.json()["code"]) == (500, "storage_damaged"), what
        lines = {"file": ("texts.jsonl", json.dumps({"text": TEXT}).encode())}
        form = {"model": fine_tune["model_id"]}
        batch = finished(client, create(client, "/v1/extraction-batches", files=lines, data=form))
        assert batch["failed"] == 1, batch
        other = client.post("/v1/extractions", json={"model": "local:rules", "text": TEXT})
        assert other.status_code == 200
        file.write_bytes(true)
        assert client.post("/v1/extractions", json=asked).status_code == 200
