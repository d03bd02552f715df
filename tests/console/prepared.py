"""What pages are about, made over the API: datasets, training files, fine-tunes."""

import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx

Json = dict[str, Any]
SAMPLE = Path(str(files("app.corpora") / "sample"))
TERMINAL = {"ready", "succeeded", "failed", "cancelled"}


def settled(client: httpx.Client, location: str, seconds: float = 60) -> Json:
    """The resource once its job has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        resource: Json = client.get(location).json()
        if resource["status"] in TERMINAL:
            return resource
        time.sleep(0.05)
    raise TimeoutError(location)


def upload(client: httpx.Client, *contents: str | bytes, **data: Any) -> Json:
    """A dataset of these files, once it has been read."""
    parts = [("file", (f"file-{n}.txt", each)) for n, each in enumerate(contents)]
    answer = client.post("/v1/datasets", files=parts, data=data)
    assert answer.status_code == 202, answer.text
    return settled(client, answer.headers["Location"])


def sample(client: httpx.Client) -> Json:
    """The synthetic sample, in splits train and dev."""
    contents = [(SAMPLE / f"{split}.pubtator.txt").read_bytes() for split in ("train", "dev")]
    return upload(client, *contents, split=["train", "dev"], name="sample")


def training_file(client: httpx.Client, dataset: Json, **asked: Any) -> Json:
    """A training file of a dataset, built."""
    answer = client.post("/v1/training-files", json={"dataset_id": dataset["id"]} | asked)
    assert answer.status_code == 202, answer.text
    return settled(client, answer.headers["Location"])


def fine_tune(client: httpx.Client, file: Json, **asked: Any) -> Json:
    """A quick fine-tune on a training file, ended: its model is of little use."""
    quick = {"preset": "fast", "iterations": 5, "folds": 0}
    request = {"training_file_id": file["id"], "hyperparameters": quick, "name": "quick"} | asked
    answer = client.post("/v1/fine-tunes", json=request)
    assert answer.status_code == 202, answer.text
    return settled(client, answer.headers["Location"])
