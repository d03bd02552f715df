"""A launch that goes wrong at any moment, and is repeated, ends in exactly one fine-tune."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app.backends.base import JobStatus
from app.backends.cohere.training import CohereTraining
from tests.backends.cohere.tuning import REFERENCE, alive, job, launch_again, training_on
from tests.project.paths import ROOT
from tests.stand_ins.cohere import Fault, FineTune, Logged, StandIn, stand_in

_TUNES = "^/v1/finetuning/finetuned-models$"
_DATASETS = "^/v1/datasets$"
_CALLS = [
    ("GET", _TUNES),
    ("GET", _DATASETS),
    ("POST", _DATASETS),
    ("GET", "^/v1/datasets/"),
    ("POST", _TUNES),
]
_FAULTS = [
    Fault.too_many(),
    Fault.error(500),
    Fault.error(503, acts=True),
    Fault.html(502),
    Fault.html(504, acts=True),
    Fault.html(200, acts=True),
    Fault.cut(),
    Fault.cut(acts=True),
    Fault.answer(b""),
    Fault.answer(b"", acts=True),
    Fault.answer(b"{}"),
    Fault.answer(b"{}", acts=True),
    Fault.answer(b'{"id": "brok', acts=True),
    Fault.answer(b"[1]", acts=True),
]
_REQUESTS = 7  # of a launch that meets no fault


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


@pytest.mark.parametrize(("method", "path"), _CALLS)
async def test_each_fault_at_each_step(
    server: StandIn, training: CohereTraining, tmp_path: Path, method: str, path: str
) -> None:
    """Whatever a call meets, acting or not, launching again ends in one fine-tune."""
    for fault in _FAULTS:
        server.reset()
        server.faults.add(path, fault, method=method)
        await launch_again(training, job(tmp_path))
        await launch_again(training, job(tmp_path))
        assert not server.faults, fault
        assert len(alive(server)) == 1, fault
        await training.forget(REFERENCE)
        assert server.state.datasets == {}, fault


async def test_cancelled_at_every_moment(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """Cut off before or after the server acts on any of its requests: one fine-tune all the same.

    The answer does not reach the launch that is cut off.
    """
    for number in range(_REQUESTS * 2):
        server.reset()
        await _cancel_at(number, server, training, tmp_path)
        await training.launch(job(tmp_path))
        assert len(alive(server)) == 1, number


async def _cancel_at(number: int, server: StandIn, training: CohereTraining, folder: Path) -> None:
    """A launch cancelled while the server holds a request back, before or after it acts."""
    loop = asyncio.get_running_loop()
    moments: list[str] = []
    over = threading.Event()
    launching = asyncio.create_task(training.launch(job(folder)))
    launching.add_done_callback(lambda _: over.set())

    def hook(when: str, _request: Logged) -> None:
        moments.append(when)
        if len(moments) == number + 1:
            loop.call_soon_threadsafe(launching.cancel)
            over.wait(5)

    server.on_request(hook)
    with pytest.raises(asyncio.CancelledError):
        await launching


def _child(url: str, folder: Path) -> subprocess.Popen[bytes]:
    """A process that launches the job."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.backends.cohere.tuning", url, folder], cwd=ROOT
    )


@pytest.mark.parametrize(
    ("when", "method", "path"),
    [("after", "POST", _DATASETS), ("before", "POST", _TUNES), ("after", "POST", _TUNES)],
)
async def test_killed(
    server: StandIn, training: CohereTraining, tmp_path: Path, when: str, method: str, path: str
) -> None:
    """A process killed (SIGKILL) around a create leaves work that the next one finishes once."""
    (tmp_path / "killed").mkdir()
    child = _child(server.url, tmp_path / "killed")
    struck: list[Logged] = []

    def hook(moment: str, request: Logged) -> None:
        around = server.asked(method, path)
        if not struck and moment == when and around and request is around[-1]:
            struck.append(request)
            os.kill(child.pid, signal.SIGKILL)
            child.wait(5)

    server.on_request(hook)
    assert await asyncio.to_thread(child.wait, 30) == -signal.SIGKILL
    assert len(struck) == 1
    await training.launch(job(tmp_path))
    assert len(alive(server)) == 1
    assert len(server.state.datasets) == 1


async def _cut_off_in_flight(
    server: StandIn, training: CohereTraining, folder: Path, delay: float
) -> None:
    """A launch that ends while its create is on the way; the server acts on it after `delay`."""
    server.faults.add(_TUNES, Fault.slow(delay), method="POST")
    launching = asyncio.create_task(training.launch(job(folder)))
    while not server.asked("POST", _TUNES):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    launching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await launching
    assert not alive(server)


async def test_create_in_flight(server: StandIn, training: CohereTraining, tmp_path: Path) -> None:
    """What a dead attempt has asked for and the server has not done yet is waited for."""
    await _cut_off_in_flight(server, training, tmp_path, 0.05)
    await training.launch(job(tmp_path))
    assert len(server.asked("POST", _TUNES)) == 1
    assert len(alive(server)) == 1


async def test_create_that_comes_too_late(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """Of two the oldest is the job's, at every look; the other goes with the next launch."""
    await _cut_off_in_flight(server, training, tmp_path, 0.4)
    await training.launch(job(tmp_path))
    ours = alive(server)[0]
    while len(alive(server)) == 1:
        assert (await training.poll(REFERENCE)).details["finetuned_model"] == ours.id
    assert len(alive(server)) == 2
    async with training_on(server.url) as another:
        assert (await another.poll(REFERENCE)).details["finetuned_model"] == ours.id
        await another.launch(job(tmp_path))
    assert alive(server) == [ours]


async def test_forget_deletes_the_one_too_many(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """A second fine-tune that appeared when all was launched does not outlive the job."""
    await training.launch(job(tmp_path))
    (ours,) = alive(server)
    late = FineTune(request=ours.request)
    server.state.fine_tunes[late.id] = late
    await training.forget(REFERENCE)
    assert alive(server) == [ours]


async def test_cancel_while_a_create_is_in_flight(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """Its rows are gone when the server comes to it, so that nothing is trained."""
    await _cut_off_in_flight(server, training, tmp_path, 0.05)
    await training.cancel(REFERENCE)
    await asyncio.sleep(0.1)
    assert (alive(server), server.state.datasets) == ([], {})
    assert (await training.poll(REFERENCE)).status is JobStatus.LOST


async def test_cancel_looks_twice(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """A create that the server had checked before the rows went, and did after, is undone, too."""
    await training.launch(job(tmp_path))
    (ours,) = alive(server)
    late = FineTune(request=ours.request)

    def hook(when: str, request: Logged) -> None:
        if (when, request.method) == ("after", "DELETE") and ours.deleted and not late.deleted:
            server.state.fine_tunes[late.id] = late

    server.on_request(hook)
    await training.cancel(REFERENCE)
    assert late.deleted


async def test_two_processes_launch_at_once(
    server: StandIn, training: CohereTraining, tmp_path: Path
) -> None:
    """Two that know nothing of each other end in one fine-tune that both report."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    async with training_on(server.url) as other:
        await asyncio.gather(
            training.launch(job(tmp_path / "a")), other.launch(job(tmp_path / "b"))
        )
        # Each has looked after its create; the one that was first may have looked too early.
        await training.launch(job(tmp_path / "a"))
        states = [await one.poll(REFERENCE) for one in (training, other)]
    (left,) = alive(server)
    assert {state.details["finetuned_model"] for state in states} == {left.id}
