"""The end of every long job is told once, with what it changes, or not at all."""

from typing import cast

import httpx
import pytest
from fastapi import FastAPI

from app.datasets.job_side import JobSide
from app.datasets.service import Datasets
from app.evaluations.job_side import JobSide as EvaluationJobSide
from app.extraction_batches.job_side import JobSide as BatchJobSide
from app.fine_tunes.job_side import JobSide as FineTuneJobSide
from app.platform.work import Platform
from app.tables import NotificationAttemptRow
from app.training_files.service import TrainingFiles
from app.vocabularies.service import Vocabularies
from tests.api.conftest import QUICK, SAMPLE, Json, settled, upload
from tests.notifications.conftest import DELIVERIES, TARGETS, Receiver, target, until, verified

pytestmark = pytest.mark.asyncio(loop_scope="package")

DOCUMENTS = (SAMPLE / "dev.pubtator.txt").read_bytes()


def platform_of(client: httpx.AsyncClient) -> Platform:
    transport = cast(httpx.ASGITransport, client._transport)
    return cast(Platform, cast(FastAPI, transport.app).state.platform)


async def launched(client: httpx.AsyncClient, path: str, body: Json) -> Json:
    """What a creating call has made, once it has ended."""
    answer = await client.post(path, json=body)
    assert answer.status_code == 202, answer.text
    return await settled(client, answer.headers["Location"])


async def test_every_end_is_told_once(client: httpx.AsyncClient, hook: Receiver) -> None:
    """From dataset to batch: ids, states, times and links, and not a word of the documents."""
    secret = (await target(client, hook.address, events=["*"]))["secret"]
    dataset = await upload(client, DOCUMENTS, splits=["train"], name="the sample")
    broken = await upload(client, b"1|t|no abstract\n1\t0\t5\twrong\tDisease\tD1\n", name="broken")
    of_it = {"dataset_id": dataset["id"]}
    file = await launched(client, "/v1/training-files", of_it)
    fine_tune = await launched(
        client,
        "/v1/fine-tunes",
        {"training_file_id": file["id"], "hyperparameters": QUICK, "name": "quick"},
    )
    rules = {"models": ["local:rules"], **of_it, "split": "train", "resamples": 100}
    evaluation = await launched(client, "/v1/evaluations", rules)
    batch = await launched(client, "/v1/extraction-batches", {"model": "local:rules", **of_it})
    form = {"name": "few", "type": "Disease"}
    files = {"file": ("few.tsv", b"MESH:D005901\tglaucoma\n")}
    answer = await client.post("/v1/vocabularies", files=files, data=form)
    vocabulary = await settled(client, answer.headers["Location"])

    ends = {
        "dataset.ready": dataset,
        "dataset.failed": broken,
        "training_file.ready": file,
        "fine_tune.succeeded": fine_tune,
        "evaluation.succeeded": evaluation,
        "extraction_batch.succeeded": batch,
        "vocabulary.ready": vocabulary,
    }
    await until(lambda: len(hook.posts) >= len(ends))
    messages = [verified(post, secret) for post in hook.posts]
    assert sorted((m["type"], m["data"]["id"]) for m in messages) == sorted(
        (type_, each["id"]) for type_, each in ends.items()
    )
    for message in messages:
        data, resource = message["data"], ends[message["type"]]
        assert data["type"] == message["type"].partition(".")[0]
        for name in ("name", "status", "created_at", "started_at", "finished_at", "model_id"):
            assert data[name] == resource.get(name), (message["type"], name)
        assert data["error_code"] == (resource["error"] or {}).get("code")
        assert data["link"].startswith("https://medtune.example.org/")
        assert data["link"].endswith("/" + data["id"])
    assert next(m for m in messages if m["data"]["model_id"])["data"]["id"] == fine_tune["id"]
    said = b"".join(post.body for post in hook.posts)
    for line in DOCUMENTS.decode().splitlines():
        if "|a|" in line:
            assert line.partition("|a|")[2][:20].encode() not in said

    # Steps that are taken again find that all has ended.
    async with platform_of(client).work(write=True) as work:
        gone = ("internal_error", "Nothing.")
        await JobSide(work).fail(dataset["id"], *gone)
        await TrainingFiles(work).fail(file["id"], *gone)
        await Vocabularies(work).fail(vocabulary["id"], *gone)
        await FineTuneJobSide(work).fail(fine_tune["id"], *gone)
        await EvaluationJobSide(work).fail(evaluation["id"], *gone)
        await BatchJobSide(work).fail(batch["id"], *gone)
    [listed] = [t for t in (await client.get(TARGETS)).json()["items"] if t["events"] == ["*"]]
    log = (await client.get(f"{TARGETS}/{listed['id']}/deliveries")).json()["items"]
    assert len(log) == len(ends)
    assert (await client.delete(f"{TARGETS}/{listed['id']}")).status_code == 204


async def test_who_is_named_is_told_beside_who_listens(client: httpx.AsyncClient) -> None:
    """`notify` adds targets for one job, in a body and in a form; each is told once."""
    address = "http://127.0.0.1:9/"
    named, listening, other = [
        await target(client, address, events=events)
        for events in ([], ["fine_tune.cancelled", "extraction_batch.*"], ["dataset.*"])
    ]
    dataset = await upload(client, DOCUMENTS, splits=["train"])
    file = await launched(client, "/v1/training-files", {"dataset_id": dataset["id"]})
    notify = {"notify": [named["id"], listening["id"], named["id"]]}
    asked = {"training_file_id": file["id"], "hyperparameters": QUICK, **notify}
    answer = await client.post("/v1/fine-tunes", json=asked)
    assert answer.json()["notify"] == [named["id"], listening["id"]]
    fine_tune_id = answer.json()["id"]
    await client.post(f"/v1/fine-tunes/{fine_tune_id}/cancel")
    fine_tune = await settled(client, f"/v1/fine-tunes/{fine_tune_id}")
    assert fine_tune["status"] == "cancelled"
    files = {"file": ("texts.jsonl", b'"Aspirin."\n')}
    form = {"model": "local:rules", "notify": named["id"]}
    answer = await client.post("/v1/extraction-batches", files=files, data=form)
    assert answer.json()["notify"] == [named["id"]], answer.text
    batch = await settled(client, answer.headers["Location"])
    rules = {"models": ["local:rules"], "dataset_id": dataset["id"], "split": "train"}
    body = {**rules, "resamples": 100, "notify": [named["id"]]}
    evaluation = await launched(client, "/v1/evaluations", body)
    assert evaluation["notify"] == [named["id"]]

    async def told(who: Json) -> list[str]:
        log = await client.get(f"{TARGETS}/{who['id']}/deliveries")
        return [each["subject_id"] for each in reversed(log.json()["items"])]

    assert await told(named) == [fine_tune_id, batch["id"], evaluation["id"]]
    assert await told(listening) == [fine_tune_id, batch["id"]]
    assert await told(other) == [dataset["id"]]
    for path, body in (
        ("/v1/fine-tunes", {"training_file_id": file["id"]}),
        ("/v1/evaluations", rules),
        ("/v1/extraction-batches", {"model": "local:rules", "dataset_id": dataset["id"]}),
    ):
        answer = await client.post(path, json={**body, "notify": [named["id"], "nt_unknown"]})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert answer.json()["errors"][0]["pointer"] == "/notify/1"
    # What was named and is gone is left out when the fine-tune is repeated.
    for each in (named, listening, other):
        await client.delete(f"{TARGETS}/{each['id']}")
    answer = await client.post(f"/v1/fine-tunes/{fine_tune_id}/repeat")
    assert (answer.status_code, answer.json()["notify"]) == (202, [])
    await client.post(f"/v1/fine-tunes/{answer.json()['id']}/cancel")


async def test_what_is_rolled_back_is_not_told(client: httpx.AsyncClient, hook: Receiver) -> None:
    """Message and deliveries share the transaction of the end they tell of."""
    made = await target(client, hook.address, events=["dataset.*"])
    platform = platform_of(client)
    dataset = await upload(client, DOCUMENTS)
    await until(lambda: len(hook.posts) == 1)

    async def end_again(*, undo: bool) -> None:
        async with platform.work(write=True) as work:
            row = await Datasets(work)._row(dataset["id"], lock=True)
            row.status = "validating"
            await JobSide(work).fail(dataset["id"], "internal_error", "Nothing.")
            if undo:
                raise KeyError

    with pytest.raises(KeyError):
        await end_again(undo=True)
    path = f"{TARGETS}/{made['id']}/deliveries"
    assert len((await client.get(path)).json()["items"]) == 1
    await end_again(undo=False)
    assert len((await client.get(path)).json()["items"]) == 2
    await client.delete(f"{TARGETS}/{made['id']}")


async def test_what_a_crash_left_unstarted_is_sent(
    client: httpx.AsyncClient, hook: Receiver
) -> None:
    """A committed attempt without a job: the sweep of the job engine finds it."""
    made = await target(client, hook.address)
    sent = (await client.post(f"{TARGETS}/{made['id']}/test")).json()["id"]
    await until(lambda: len(hook.posts) == 1)
    platform = platform_of(client)
    async with platform.work(write=True) as work:
        delivery = (await client.get(f"{DELIVERIES}/{sent}")).json()
        first = await work.session.get(NotificationAttemptRow, delivery["attempts"][0]["id"])
        assert first is not None
        work.session.add(
            NotificationAttemptRow(
                id="att_" + "0" * 32,
                delivery_id=sent,
                number=2,
                status="waiting",
                due_at=first.due_at,
            )
        )
    await platform.jobs.sweep()
    await until(lambda: len(hook.posts) == 2)
    assert len({post.id for post in hook.posts}) == 1
