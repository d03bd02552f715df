"""Batches of chats on a Cohere server: what is asked, what is made of it, and what stays there."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from app.backends.base import Annotations, BackendError, ExtractOptions, ExtractsBatches
from app.backends.cohere.backend import CohereBackend
from app.backends.cohere.batches import CohereBatches
from app.prompts.render import to_turns
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from tests.backends.cohere.batching import (
    NAME,
    PACE,
    REFERENCE,
    TEXTS,
    Answers,
    batches_on,
    extracted,
    extracted_at_last,
)
from tests.backends.cohere.conftest import CHAT, MODEL
from tests.stand_ins.cohere import Batch, Fault, Logged, StandIn
from tests.stand_ins.cohere.server import Moment
from tests.stand_ins.cohere.state import BATCH

ALL = frozenset(Task)
BATCHES = r"^/v2/batches$"
DATASETS = r"^/v1/datasets$"
Row = dict[str, Any]


@pytest.fixture
async def batches(server: StandIn) -> AsyncIterator[CohereBatches]:
    async with batches_on(server.url) as batches:
        yield batches


def uploaded(server: StandIn) -> list[list[Row]]:
    """The rows of each dataset that was made, as they were when a batch was made of them."""
    seen: list[list[Row]] = []

    def look(_moment: object, _request: object) -> None:
        for dataset in server.state.datasets.values():
            rows = [json.loads(line) for line in dataset.data.splitlines()]
            if rows and rows not in seen:
                seen.append(rows)

    server.on_request(look)
    return seen


def found(answers: Answers) -> list[list[str]]:
    """The names found in each text."""
    assert answers is not None
    return [
        [text[m.start : m.end] for m in each.mentions]
        for text, each in zip(TEXTS, answers, strict=True)
        if isinstance(each, Annotations)
    ]


async def test_a_batch_answers_as_chats_do(backend: CohereBackend, server: StandIn) -> None:
    server.state.seconds_a_step = 1e-9
    assert isinstance(backend, ExtractsBatches)
    expected = await backend.extract(MODEL, TEXTS, ALL)
    chats = len(server.asked("POST", CHAT))
    assert await backend.extract_batch(REFERENCE, MODEL, TEXTS, ALL) == expected
    assert expected[0].relations
    assert expected[0].input_tokens
    assert len(server.asked("POST", CHAT)) == chats == 9


async def test_it_is_named_by_the_reference_and_leaves_no_text(
    batches: CohereBatches, server: StandIn
) -> None:
    names: set[str] = set()
    server.on_request(lambda *_: names.update(d.name for d in server.state.datasets.values()))
    assert await extracted(batches) is not None
    assert [batch.name for batch in server.state.batches.values()] == [NAME]
    assert names == {NAME, f"{NAME}-output"}
    assert server.state.datasets == {}
    files = server.asked("GET", "/store/")
    assert len(files) == 2
    assert all("authorization" not in request.headers for request in files)


async def test_what_its_rows_say(batches: CohereBatches, server: StandIn) -> None:
    seen = uploaded(server)
    await extracted(batches, options=ExtractOptions(max_tokens=77, temperature=0.5))
    (rows,) = seen
    about = [tuple(row["custom_id"].split("-")[:2]) for row in rows]
    assert about == [(number, task.value) for number in "023" for task in Task]
    body = rows[0]["body"]
    assert body.keys() == {"messages", "temperature", "max_tokens", "response_format"}
    assert (body["temperature"], body["max_tokens"]) == (0.5, 77)
    assert body["response_format"]["json_schema"]["required"] == ["diseases"]
    assert [turn["role"] for turn in body["messages"]] == ["system", "user"]


async def test_a_tuned_model_is_asked_as_it_was_trained(
    batches: CohereBatches, server: StandIn
) -> None:
    seen = uploaded(server)
    options = ExtractOptions(template=BUILT_IN)
    assert await extracted(batches, options=options, json_mode=False) is not None
    turns = [turn["content"][0]["text"] for turn in seen[0][0]["body"]["messages"]]
    assert tuple(turns) == to_turns(TEXTS[0], Task.DISEASES, BUILT_IN)
    assert seen[0][0]["body"].keys() == {"messages", "temperature"}


async def test_texts_without_words_need_no_batch(batches: CohereBatches, server: StandIn) -> None:
    assert await extracted(batches, ["", "  "]) == [Annotations(), Annotations()]
    assert await extracted(batches, []) == []
    assert not server.state.batches


async def test_rows_that_come_twice_failed_or_not_at_all(
    batches: CohereBatches, server: StandIn
) -> None:
    """Of two the first counts; a text whose question has no answer fails, and no other."""

    def edit(rows: list[Row]) -> list[Row]:
        by_text: dict[str, list[Row]] = {}
        for row in rows:
            by_text.setdefault(row["custom_id"][0], []).append(row)
        whole, failed, missing = by_text["0"], by_text["2"], by_text["3"]
        failed[1] |= {"body": None, "error": "Nothing here: internal error"}
        again = [{**row, "body": failed[0]["body"]} for row in whole]
        unknown = {**whole[0], "custom_id": "0-diseases-000000000000"}
        broken = {**missing[0], "body": '{"finish_reason": 3}'}
        return [unknown, *whole, *again, *failed, broken, *missing[2:]]

    undisturbed = await extracted(batches)
    server.state.batch_edits = edit
    answers = await extracted(batches)
    assert answers is not None
    assert undisturbed is not None
    assert answers[:2] == undisturbed[:2]
    for error in answers[2:]:
        assert isinstance(error, BackendError)
        assert (error.code, error.retryable) == ("backend_failed", True)
        assert "Nothing" not in error.message


async def test_an_answer_after_a_failed_one_counts(batches: CohereBatches, server: StandIn) -> None:
    server.state.batch_edits = lambda rows: [
        each for row in rows for each in ({**row, "body": None, "error": "overloaded"}, row)
    ]
    assert found(await extracted(batches))[0] == ["Aspirin", "glaucoma", "Lithium"]


async def test_a_text_too_long_for_the_model(batches: CohereBatches, server: StandIn) -> None:
    server.state.batch_edits = lambda rows: [
        {**row, "error": "too many tokens: Aspirin is", "body": None}
        if row["custom_id"].startswith("0")
        else row
        for row in rows
    ]
    answers = await extracted(batches)
    assert answers is not None
    assert isinstance(answers[0], BackendError)
    assert (answers[0].code, answers[0].retryable) == ("text_too_long", False)
    assert "Aspirin" not in answers[0].message
    assert isinstance(answers[3], Annotations)


@pytest.mark.parametrize("status", [400, 404, 405, 501])
async def test_a_server_without_batches_is_sent_no_text(
    batches: CohereBatches, server: StandIn, status: int
) -> None:
    server.faults.add(BATCHES, Fault.error(status))
    assert await extracted(batches) is None
    assert await extracted(batches) is None
    assert [(r.method, r.path) for r in server.log] == [("GET", "/v2/batches")]


async def test_a_server_that_is_busy_may_offer_them(
    batches: CohereBatches, server: StandIn
) -> None:
    server.faults.add(BATCHES, Fault.error(503))
    with pytest.raises(BackendError) as raised:
        await extracted(batches)
    assert raised.value.retryable
    assert await extracted(batches) is not None


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [(DATASETS, "POST", 400), (DATASETS, "POST", 501), (BATCHES, "POST", 404)],
)
async def test_refusals_of_batches_at_all_are_remembered(
    batches: CohereBatches, server: StandIn, path: str, method: str, status: int
) -> None:
    server.faults.add(path, Fault.error(status), method=method)
    assert await extracted(batches) is None
    assert server.state.datasets == {}
    asked = len(server.log)
    assert await extracted(batches, model="command-r-08-2024") is None
    assert len(server.log) == asked


async def test_a_model_that_takes_no_batches_is_remembered(
    batches: CohereBatches, server: StandIn
) -> None:
    assert await extracted(batches, model="unknown") is None
    asked = len(server.log)
    assert await extracted(batches, model="unknown") is None
    assert len(server.log) == asked
    assert await extracted(batches) is not None
    assert server.state.datasets == {}


async def test_rows_that_may_not_ask_for_a_schema_ask_for_lists(
    batches: CohereBatches, server: StandIn
) -> None:
    """Unless JSON is what the client wants: then chats are asked."""
    server.state.batches_take_schema = False
    seen = uploaded(server)
    assert found(await extracted(batches))[0] == ["Aspirin", "glaucoma", "Lithium"]
    assert ["response_format" in rows[0]["body"] for rows in seen] == [True, False]
    assert await extracted(batches, options=ExtractOptions(mode="json")) is None
    assert found(await extracted(batches))[0]
    assert len(server.state.batches) == 2


async def test_schemas_that_every_row_fails_on(batches: CohereBatches, server: StandIn) -> None:
    server.schema_key = "schema"  # not the one that is tried first
    assert found(await extracted(batches))[0] == ["Aspirin", "glaucoma", "Lithium"]
    assert len(server.state.batches) == 2
    assert server.state.datasets == {}


async def test_a_batch_that_fails_is_left_to_chats(batches: CohereBatches, server: StandIn) -> None:
    server.state.batches_fail = True
    assert await extracted(batches) is None
    assert server.state.datasets == {}
    assert await extracted(batches) is None
    assert len(server.state.batches) == 2  # one with a schema, one without


@pytest.mark.parametrize("spelling", ["CANCELED", "CANCELLED"])
async def test_a_batch_cancelled_on_the_server(
    batches: CohereBatches, server: StandIn, spelling: str
) -> None:
    server.state.batch_cancelled = f"BATCH_STATUS_{spelling}"
    server.state.stop_batch_at = BATCH[1]
    work = asyncio.create_task(extracted(batches))
    await until(lambda: bool(server.state.batches))
    for batch in server.state.batches.values():
        batch.cancelled = True
    answers = await work
    assert answers is not None
    assert answers[1] == Annotations()
    errors = [each for each in answers if isinstance(each, BackendError)]
    assert [(e.code, e.retryable) for e in errors] == [("backend_failed", False)] * 3
    assert "cancelled" in errors[0].message
    assert server.state.datasets == {}


@pytest.mark.parametrize("moment", ["validating", "at work"])
async def test_who_was_cut_off_goes_on_unless_it_is_dropped(
    batches: CohereBatches, server: StandIn, moment: str
) -> None:
    """The next one, perhaps another process, is not charged twice; dropped, nothing is left."""
    server.state.stop_batch_at = BATCH[1]
    if moment == "validating":
        server.state.stop_validation_at = "processing"
    work = asyncio.create_task(extracted(batches))
    held = server.state.batches if moment == "at work" else server.state.datasets
    await until(lambda: bool(held))
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    looks = len(server.asked("GET", DATASETS))
    again = asyncio.create_task(extracted(batches))
    await until(lambda: len(server.asked("GET", DATASETS)) > looks)
    again.cancel()
    with pytest.raises(asyncio.CancelledError):
        await again
    assert not any(batch.cancelled for batch in server.state.batches.values())
    assert len(server.state.datasets) == 1
    await batches.drop(REFERENCE)
    assert all(batch.cancelled for batch in server.state.batches.values())
    assert len(server.state.batches) == (moment == "at work")
    assert server.state.datasets == {}
    server.state.stop_batch_at = server.state.stop_validation_at = None
    assert await extracted(batches) is not None


async def test_who_was_killed_is_not_charged_twice(batches: CohereBatches, server: StandIn) -> None:
    server.state.stop_batch_at = BATCH[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.backends.cohere.batching", server.url
    )
    await until(lambda: bool(server.state.batches))
    process.kill()
    await process.wait()
    server.state.stop_batch_at = None
    assert found(await extracted(batches))[0] == ["Aspirin", "glaucoma", "Lithium"]
    assert len(server.state.batches) == 1
    assert len(server.asked("POST", DATASETS)) == 1


async def test_until_it_is_dropped_it_can_be_had_again(
    batches: CohereBatches, server: StandIn
) -> None:
    """By another process too: the one that had the answers may have ended before it stored them."""
    answers = await extracted(batches, drop=False)
    assert len(server.state.datasets) == 2
    async with batches_on(server.url) as others:
        assert await extracted(others, drop=False) == answers
        assert len(server.state.batches) == 1
        await others.drop(REFERENCE)
    assert server.state.datasets == {}


async def test_who_was_cut_off_while_it_was_dropped_waits_for_nothing(
    batches: CohereBatches, server: StandIn
) -> None:
    """The answers are gone, the questions are there: they are asked again."""
    answers = await extracted(batches, drop=False)
    for dataset in list(server.state.datasets.values()):
        if dataset.name != NAME:
            del server.state.datasets[dataset.id]
    async with batches_on(server.url) as others:
        assert await asyncio.wait_for(extracted(others), 5) == answers
    assert len(server.state.batches) == 2
    assert server.state.datasets == {}


async def test_answers_that_are_deleted_by_somebody_are_asked_for_again(
    batches: CohereBatches, server: StandIn
) -> None:
    """While they are waited for."""
    spoilt: list[object] = []

    def spoil(moment: Moment, request: Logged) -> None:
        outputs = [d for d in server.state.datasets.values() if d.name != NAME]
        if moment == "before" and request.method == "GET" and outputs and not spoilt:
            spoilt.append(server.state.datasets.pop(outputs[0].id))

    server.on_request(spoil)
    with pytest.raises(BackendError) as lost:
        await asyncio.wait_for(extracted(batches), 5)
    assert lost.value.retryable
    assert server.state.datasets == {}
    assert found(await extracted(batches))[0] == ["Aspirin", "glaucoma", "Lithium"]


async def test_a_server_that_is_away_is_to_be_told_again(
    batches: CohereBatches, server: StandIn
) -> None:
    """What holds text is found by then, though it was known the first time."""
    await extracted(batches, drop=False)
    server.faults.add(DATASETS, Fault.error(503))
    with pytest.raises(BackendError) as failed:
        await batches.drop(REFERENCE)
    assert failed.value.retryable
    assert len(server.state.datasets) == 2
    await batches.drop(REFERENCE)
    assert server.state.datasets == {}


async def test_nothing_is_looked_for_where_nothing_was_left(
    batches: CohereBatches, server: StandIn
) -> None:
    """Of a batch that was done here, and of texts that needed none, all is known."""
    await extracted(batches, drop=False)
    lists = len(server.asked("GET", BATCHES))
    await batches.drop(REFERENCE)
    assert len(server.asked("GET", BATCHES)) == lists
    await extracted(batches, [" "], drop=False)
    asked = len(server.log)
    await batches.drop(REFERENCE)
    assert len(server.log) == asked


@pytest.mark.parametrize("path", [DATASETS, BATCHES])
@pytest.mark.parametrize("fault", [Fault.cut(acts=True), Fault.html(200, acts=True)])
async def test_a_create_whose_answer_is_lost_is_not_repeated(
    batches: CohereBatches, server: StandIn, path: str, fault: Fault
) -> None:
    server.faults.add(path, fault, method="POST")
    assert found(await extracted_at_last(batches))[0] == ["Aspirin", "glaucoma", "Lithium"]
    assert len(server.state.batches) == 1
    assert server.state.datasets == {}


async def test_of_two_batches_of_the_name_the_oldest_counts(
    batches: CohereBatches, server: StandIn
) -> None:
    """A create that was thought lost may act late."""
    server.faults.add(BATCHES, Fault.cut(acts=True), method="POST")

    def act_late(moment: Moment, request: Logged) -> None:
        if (moment, request.method, request.path) == ("after", "POST", "/v2/batches"):
            (first,) = server.state.batches.values()
            late = Batch(request=first.request)
            server.state.batches[late.id] = late

    server.on_request(act_late)
    assert found(await extracted(batches))[0] == ["Aspirin", "glaucoma", "Lithium"]
    assert [batch.cancelled for batch in server.state.batches.values()] == [False, True]
    assert len(server.asked("POST", BATCHES)) == 1


async def test_a_server_away_for_a_while_is_waited_for(
    batches: CohereBatches, server: StandIn
) -> None:
    server.faults.add(r"/v2/batches/.", Fault.error(503), times=3)
    assert await extracted(batches) is not None
    assert len(server.state.batches) == 1


@pytest.mark.parametrize("times", [1, 9])
@pytest.mark.parametrize(
    "fault", [Fault.answer(b"Obj\x01 no more"), Fault.answer(b""), Fault.error(403)]
)
async def test_output_that_cannot_be_read_is_asked_for_again(
    batches: CohereBatches, server: StandIn, fault: Fault, times: int
) -> None:
    """An address may have run out (403). In the end it is left to chats: no batch is made anew."""
    server.faults.add("/store/", fault, times=times)
    if times == 1:
        assert found(await extracted(batches))[0] == ["Aspirin", "glaucoma", "Lithium"]
    else:
        assert await extracted(batches) is None
        assert await extracted(batches) is None
    assert len(server.state.batches) == 1
    assert server.state.datasets == {}


async def test_answers_to_other_texts_are_never_taken(
    batches: CohereBatches, server: StandIn
) -> None:
    """Though they are in a batch of the same name, left there when the server went away."""
    server.faults.add(r"/v2/batches/.", Fault.cut(), times=1000)
    async with batches_on(server.url, replace(PACE, away=0.0)) as impatient:
        with pytest.raises(BackendError) as raised:
            await extracted(impatient)
    assert raised.value.code == "backend_unavailable"
    server.faults.clear()
    answers = await extracted(batches, TEXTS[3:])
    assert answers is not None
    assert isinstance(answers[0], BackendError)
    assert answers[0].retryable
    again = await extracted(batches, TEXTS[3:])
    assert again is not None
    assert isinstance(again[0], Annotations)


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(3000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")
