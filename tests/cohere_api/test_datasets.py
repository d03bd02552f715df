"""Cohere's `/v1/datasets`, as its SDK uses it."""

import gzip
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import cohere
import pytest
from cohere.errors import BadRequestError, NotFoundError
from cohere.types import Dataset

from app.own_service import OwnService
from app.prompts.tasks import Task
from tests.cohere_api.training_rows import csv_file, jsonl

PROMPTS, CHAT = "prompt-completion-finetune-input", "chat-finetune-input"
BROKEN = b'{"prompt": "zyxomab", "completion": "- "}\n'


def uploaded(co: cohere.Client, data: bytes, name: str = "rows.jsonl", **more: Any) -> Dataset:
    """A dataset of these rows, once it was validated, whatever came of that."""
    request = {"name": "rows", "type": PROMPTS} | more
    created = co.datasets.create(data=(name, data), **request)
    with suppress(Exception):  # no narrower one, if the validation fails
        co.wait(created, interval=0.05, timeout=60)
    dataset: Dataset = co.datasets.get(id=str(created.id)).dataset
    return dataset


def failure(co: cohere.Client, data: bytes, **more: Any) -> str:
    """What is said of rows that are not valid."""
    dataset = uploaded(co, data, **more)
    assert dataset.validation_status == "failed"
    assert dataset.validation_error
    return dataset.validation_error


def test_jsonl_with_evaluation_rows(co: cohere.Client, served: OwnService) -> None:
    """What is validated there is a ready dataset here, with the splits train and eval."""
    train, evaluation = jsonl(documents=11), jsonl("dev", 3)
    dataset = uploaded(co, train, eval_data=("eval.jsonl", evaluation), keep_fields=["id"])
    assert dataset.validation_status == "validated"
    assert dataset.validation_error is None
    assert (dataset.name, dataset.dataset_type) == ("rows", PROMPTS)
    assert dataset.required_fields == ["prompt", "completion"]
    assert dataset.preserve_fields == ["id"]
    parts = dataset.dataset_parts or []
    assert [(part.name, part.num_rows, part.size_bytes) for part in parts] == [
        ("rows.jsonl", 33, len(train)),
        ("eval.jsonl", 9, len(evaluation)),
    ]
    assert dataset.metrics is not None
    metrics = dataset.metrics.finetune_dataset_metrics
    assert metrics is not None
    assert (metrics.total_examples, metrics.train_examples, metrics.eval_examples) == (42, 33, 9)
    assert (metrics.train_size_bytes, metrics.eval_size_bytes) == (len(train), len(evaluation))
    assert metrics.trainable_token_count == -(-len(train) // 4)
    ours = served.client.get(f"/v1/datasets/{dataset.id}").json()
    assert ours["status"] == "ready"
    assert {split["name"]: split["documents"] for split in ours["splits"]} == {
        "train": 11,
        "eval": 3,
    }


@pytest.mark.parametrize(
    ("data", "name", "type_", "examples"),
    [
        (jsonl(row_format="chat", tasks=(Task.DISEASES,)), "rows.jsonl", CHAT, 12),
        (csv_file(), "rows.csv", PROMPTS, 36),
        (csv_file(delimiter=";"), "upload", PROMPTS, 36),
        (gzip.compress(jsonl()), "rows.jsonl.gz", PROMPTS, 36),
        (jsonl().replace(b"\n", b"\n\n")[:-2], "upload", PROMPTS, 36),
    ],
)
def test_files_that_are_taken(
    co: cohere.Client, data: bytes, name: str, type_: str, examples: int
) -> None:
    dataset = uploaded(co, data, name, type=type_)
    assert dataset.validation_status == "validated", dataset.validation_error
    assert [part.num_rows for part in dataset.dataset_parts or []] == [examples]


def test_files_of_two_formats(co: cohere.Client) -> None:
    dataset = uploaded(co, csv_file(), "rows.csv", eval_data=("eval.jsonl", jsonl("dev", 2)))
    assert dataset.validation_status == "validated", dataset.validation_error
    assert [part.num_rows for part in dataset.dataset_parts or []] == [36, 6]


def test_the_first_problem_is_the_error_and_the_others_are_warnings(co: cohere.Client) -> None:
    """With file and line, and without what the file says."""
    mistaken = jsonl(documents=1, tasks=(Task.DISEASES,)).replace(b"- ", b"", 1)
    dataset = uploaded(co, mistaken + BROKEN + b"{]\n")
    assert dataset.validation_status == "failed"
    error, (second, third) = dataset.validation_error or "", dataset.validation_warnings or []
    assert error.startswith("rows.jsonl, line 2: the prompt is in the words of no template. ")
    assert second.startswith("rows.jsonl, line 3: the JSON ")
    assert third.startswith("rows.jsonl, line 1: a line of the answer is not an item")
    assert "zyxomab" not in dataset.model_dump_json()


def test_rows_that_are_not_training_rows(co: cohere.Client) -> None:
    """A corpus goes to our own API, which knows what it is."""
    corpus = b"1|t|Zinc\n1|a|Zinc helps.\n1\t0\t4\tZinc\tChemical\tD015032\n"
    assert "line 1: the JSON is not well-formed" in failure(co, corpus)
    assert "no document" in failure(co, b"", eval_data=("eval", jsonl()))


@pytest.mark.parametrize(
    ("documents", "type_", "evaluation", "needed"),
    [(10, PROMPTS, None, 32), (1, CHAT, None, 2), (0, CHAT, 1, None), (1, CHAT, 1, 0)],
)
def test_there_must_be_enough_examples(
    co: cohere.Client, documents: int, type_: str, evaluation: int | None, needed: int | None
) -> None:
    """32 prompts; two chats, or one and one to evaluate on."""
    tasks = tuple(Task) if type_ == PROMPTS else (Task.DISEASES,)
    more: dict[str, Any] = {"type": type_}
    if evaluation is not None:
        more["eval_data"] = ("eval.jsonl", jsonl("dev", evaluation, tasks))
    dataset = uploaded(co, jsonl("train", documents, tasks), **more)
    if needed == 0:
        assert dataset.validation_status == "validated"
    elif needed:
        examples = documents * len(tasks)
        assert dataset.validation_error == (
            f"not enough valid train examples: {examples}, at least {needed} are needed"
        )
    else:
        assert dataset.validation_status == "failed"


def test_requests_that_are_refused_leave_nothing(co: cohere.Client, served: OwnService) -> None:
    def said(**request: Any) -> str:
        asked = {"name": "refused", "type": PROMPTS, "data": ("rows.jsonl", jsonl())} | request
        with pytest.raises(BadRequestError) as caught:
            co.datasets.create(**asked)
        return str(caught.value.body["message"])

    assert said(type="embed-input").endswith(f"served here are {CHAT} and {PROMPTS}")
    assert "csv_delimiter" in said(csv_delimiter="|")
    assert "/query/name" in said(name="")
    assert "/query/name" in said(name="a\x00")
    answer = served.client.post(
        "/cohere/v1/datasets",
        params={"name": "refused", "type": PROMPTS},
        files={"eval_data": jsonl()},
    )
    assert answer.status_code == 400
    assert answer.json()["message"] == "invalid request: data is missing"
    assert all(dataset.name != "refused" for dataset in co.datasets.list().datasets or [])


def test_list(co: cohere.Client) -> None:
    """Newest first, by page, type, time and status."""
    begin = datetime.now(UTC)
    good = [uploaded(co, jsonl()).id for _ in range(2)]
    chat = uploaded(co, jsonl(row_format="chat"), type=CHAT).id
    few, broken = uploaded(co, jsonl(documents=1)).id, uploaded(co, jsonl() + BROKEN).id

    def listed(**more: Any) -> list[str]:
        found = co.datasets.list(**{"after": begin, **more}).datasets or []
        return [dataset.id for dataset in found]

    assert listed() == [broken, few, chat, *reversed(good)]
    assert listed(limit=2, offset=1.0) == [few, chat]
    assert listed(dataset_type=CHAT) == [chat]
    assert listed(validation_status="validated") == [chat, *reversed(good)]
    assert listed(validation_status="failed") == [broken, few]
    assert listed(validation_status="processing") == listed(validation_status="skipped") == []
    assert listed(after=begin + timedelta(days=1)) == []
    assert not set(listed(after=None, before=begin)) & {*good, chat, few, broken}
    with pytest.raises(BadRequestError):
        listed(limit=0)


def test_delete_frees_what_was_used(co: cohere.Client, served: OwnService) -> None:
    before = co.datasets.get_usage().organization_usage
    assert before is not None
    dataset = uploaded(co, jsonl())
    assert co.datasets.get_usage().organization_usage == before + len(jsonl())
    built = served.client.post("/v1/training-files", json={"dataset_id": dataset.id})
    location = built.headers["Location"]
    while served.client.get(location).json()["status"] == "building":
        pass
    assert co.datasets.delete(id=dataset.id) == {}
    assert co.datasets.get_usage().organization_usage == before
    assert served.client.get(f"/v1/datasets/{dataset.id}").status_code == 404
    for call in (co.datasets.get, co.datasets.delete):
        with pytest.raises(NotFoundError) as caught:
            call(id=dataset.id)
        assert dataset.id in caught.value.body["message"]


def test_what_other_apis_have_uploaded_is_not_there(co: cohere.Client, served: OwnService) -> None:
    answer = served.client.post("/v1/datasets", files={"file": jsonl()})
    with pytest.raises(NotFoundError):
        co.datasets.get(id=answer.json()["id"])


async def test_async(url: str) -> None:
    """The asynchronous client, on its own HTTP library."""
    async with cohere.AsyncClient("", base_url=url) as co:
        created = await co.datasets.create(name="async", type=PROMPTS, data=("rows", jsonl()))
        dataset = (await co.wait(created, interval=0.05, timeout=60)).dataset
        assert (dataset.id, dataset.validation_status) == (created.id, "validated")
        assert await co.datasets.delete(id=dataset.id) == {}
        with pytest.raises(NotFoundError):
            await co.datasets.get(id=dataset.id)
