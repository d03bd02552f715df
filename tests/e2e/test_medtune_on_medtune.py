"""One Medtune as the Cohere server of another: no key, and every line of the Cohere backend."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from app.own_service import own_service
from tests.e2e.test_story import SAMPLE, create, finished

Json = dict[str, Any]
BASE = "cohere:local:rules"


@pytest.fixture(scope="module")
def near_and_far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, ...]]:
    """The service asked, and the one that does the work."""
    with ExitStack() as stack:
        far = stack.enter_context(own_service(tmp_path_factory.mktemp("far")))
        settings = {
            "MEDTUNE_COHERE_BASE_URL": f"{far.address}/cohere",
            "MEDTUNE_REMOTE_POLL_SECONDS": "0.3",
        }
        near = stack.enter_context(own_service(tmp_path_factory.mktemp("near"), settings))
        yield near.client, far.client


def training_file(client: httpx.Client, dataset_id: str, split: str) -> str:
    request = {"dataset_id": dataset_id, "splits": [split]}
    return str(finished(client, create(client, "/v1/training-files", json=request))["id"])


def names(client: httpx.Client, model: str, texts: list[str]) -> list[set[str]]:
    answer = client.post(
        "/v1/extractions", json={"model": model, "texts": texts, "tasks": ["chemicals"]}
    )
    assert answer.status_code == 200, answer.text
    return [{item["text"] for item in each["chemicals"]} for each in answer.json()["items"]]


def test_the_whole_way(near_and_far: tuple[httpx.Client, httpx.Client]) -> None:
    """Upload here, train there, extract here: what it finds is nearer to the annotations."""
    near, far = near_and_far
    content = [
        ("file", (f"{split}.txt", (SAMPLE / f"{split}.pubtator.txt").read_bytes()))
        for split in ("train", "dev")
    ]
    form = {"split": ["train", "dev"]}
    dataset = finished(near, create(near, "/v1/datasets", files=content, data=form))
    request = {
        "training_file_id": training_file(near, dataset["id"], "train"),
        "evaluation_file_id": training_file(near, dataset["id"], "dev"),
        "backend": "cohere",
        "name": "over there",
    }
    location = create(near, "/v1/fine-tunes", json=request)
    fine_tune = finished(near, location)
    assert fine_tune["status"] == "succeeded", fine_tune
    curve = near.get(f"{location}/metrics").json()["items"]
    assert any(metric["name"] == "chemicals_f1" for metric in curve), curve[-3:]

    (there,) = far.get("/v1/fine-tunes").json()["items"]
    assert (there["status"], there["backend"]) == ("succeeded", "local")

    page = near.get(f"/v1/datasets/{dataset['id']}/documents", params={"split": "dev"}).json()
    texts = [
        "\n".join(passage["text"] for passage in document["passages"]) for document in page["items"]
    ]
    gold = [
        {m["text"] for m in document["mentions"] if m["type"] == "Chemical"}
        for document in page["items"]
    ]
    hits = {
        model: sum(
            len(found & wanted)
            for found, wanted in zip(names(near, model, texts), gold, strict=True)
        )
        for model in (BASE, fine_tune["model_id"])
    }
    assert hits[fine_tune["model_id"]] > hits[BASE] > 0, hits

    # To ask the model there, or through the backend here, is the same.
    (text, *_) = texts
    over_there = names(far, there["model_id"], [text])
    assert names(near, fine_tune["model_id"], [text]) == over_there

    assert near.delete(location, params={"cascade": True}).status_code == 204
    assert far.get("/v1/models", params={"limit": 1000}).json()["items"] == [
        model for model in far.get("/v1/models").json()["items"] if model["kind"] == "base"
    ]
