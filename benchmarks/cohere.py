"""Extraction through a Cohere server: how much the service adds, and how many calls it can carry.

`python -m benchmarks.cohere [--corpus FOLDER]`

The server is a stand-in on this machine (`tests/stand_ins/cohere`), so that its own time is known.
For calls a second, service, stand-in and clients share the machine's cores; for what the service
adds to a call it has a core of its own and they the others, for clients are elsewhere in life. One
call is one `POST /v1/extractions` of one abstract and one task, which is one chat upstream.
"""

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import numpy.typing as npt

from app.corpora import pubtator
from app.own_service import own_service
from app.prompts.render import to_turns
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from benchmarks._deployment import MODEL, stand_in

Call = Callable[[aiohttp.ClientSession, str], Awaitable[float]]
Percentiles = npt.NDArray[np.float64]  # p50 and p99
RUNS = 5
CALLS = 2_000
LATENCY_MS = 200
IN_FLIGHT = 32


def main() -> None:
    """Run all measurements and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path(str(files("app.corpora") / "sample")))
    corpus = parser.parse_args().corpus
    texts = _texts(corpus)
    print(f"cohere benchmark: {os.cpu_count()} cores, corpus {corpus.name}, median of {RUNS} runs")
    with stand_in() as (upstream, _), _medtune(upstream) as (service, _):
        for clients in (1, 8, 64):
            alone = asyncio.run(_rates(_chat(upstream), texts, clients))
            rate = asyncio.run(_rates(_extraction(service), texts, clients))
            _row(
                f"{clients} in flight, stand-in answers at once",
                f"{rate:,.0f} calls/s (the stand-in itself {alone:,.0f})",
            )
    with (
        stand_in(LATENCY_MS) as (upstream, its_pid),
        _medtune(upstream) as (service, pid),
        _apart(pid, its_pid),
    ):
        label = f"{IN_FLIGHT} in flight, stand-in answers after {LATENCY_MS} ms, added by"
        direct, through = asyncio.run(_added(texts, _chat(upstream), _extraction(service)))
        _row(f"{label} client and stand-in", _shown(direct))
        _row(f"{label} all", _shown(through))
        _row(f"{label} the service", _shown([t - d for t, d in zip(through, direct, strict=True)]))


@contextmanager
def _medtune(upstream: str) -> Iterator[tuple[str, int]]:
    """Its address, its process id."""
    settings = {"MEDTUNE_COHERE_BASE_URL": upstream, "MEDTUNE_LOG_LEVEL": "WARNING"}
    with tempfile.TemporaryDirectory() as data, own_service(Path(data), settings) as service:
        yield service.address, service.process.pid


@contextmanager
def _apart(alone: int, *others: int) -> Iterator[None]:
    """Have a process run on the first core, and this one and others on the rest, if there are."""
    cores = sorted(os.sched_getaffinity(0))
    mine, theirs = set(cores[:1]), set(cores[1:]) or set(cores)
    for pid, wanted in [(alone, mine), *((other, theirs) for other in (os.getpid(), *others))]:
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(thread), wanted)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _texts(corpus: Path) -> list[str]:
    with (corpus / "dev.pubtator.txt").open("rb") as file:
        documents = [document for _, document in pubtator.read(file, lambda _problem: None)]
    return [document.text[document.body_offset :] for document in documents][:200]


def _extraction(service: str) -> Call:
    async def call(session: aiohttp.ClientSession, text: str) -> float:
        body = {"model": f"cohere:{MODEL}", "text": text, "tasks": ["diseases"]}
        return await _post(session, f"{service}/v1/extractions", body)

    return call


def _chat(upstream: str) -> Call:
    async def call(session: aiohttp.ClientSession, text: str) -> float:
        system, user = to_turns(text, Task.DISEASES, BUILT_IN)
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        body = {"model": MODEL, "messages": messages}
        return await _post(session, f"{upstream}/v2/chat", body)

    return call


async def _post(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> float:
    """Milliseconds of one call."""
    started = time.perf_counter()
    async with session.post(url, json=body) as answer:
        content = await answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {content[:500]!r}")
    return (time.perf_counter() - started) * 1000


async def _load(call: Call, texts: Sequence[str], clients: int, calls: int) -> None:
    """`calls` calls by `clients` at once, each waiting for its answer."""
    numbers = iter(range(calls))

    async def client(session: aiohttp.ClientSession) -> None:
        for number in numbers:
            await call(session, texts[number % len(texts)])

    async with _session() as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))


async def _arrive(call: Call, texts: Sequence[str], calls: int) -> list[float]:
    """The times of calls that arrive at random, such that IN_FLIGHT are on their way on average.

    Clients that wait for each other's answers would come in step after a while, and find a queue
    that is of their own making.
    """
    chance = random.Random(1)
    session = _session()

    async def one(number: int) -> float:
        return await call(session, texts[number % len(texts)])

    async with session, asyncio.TaskGroup() as group:
        tasks, due = [], time.perf_counter()
        for number in range(calls):
            due += chance.expovariate(IN_FLIGHT / LATENCY_MS * 1000)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(group.create_task(one(number)))
    return [task.result() for task in tasks]


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


async def _rates(call: Call, texts: Sequence[str], clients: int) -> float:
    """Calls a second."""
    calls = CALLS if clients > 1 else CALLS // 4
    await _load(call, texts, clients, calls // 5)
    rates = []
    for _ in range(RUNS):
        started = time.perf_counter()
        await _load(call, texts, clients, calls)
        rates.append(calls / (time.perf_counter() - started))
    return statistics.median(rates)


async def _added(texts: Sequence[str], *calls: Call) -> list[list[Percentiles]]:
    """p50 and p99 (ms) of what comes on top of the stand-in's latency, by call and run.

    The calls take turns, for a machine that others use as well is faster at one time than another.
    """
    for call in calls:
        await _arrive(call, texts, 5 * IN_FLIGHT)
    added: list[list[Percentiles]] = [[] for _ in calls]
    for _ in range(RUNS):
        for call, runs in zip(calls, added, strict=True):
            times = sorted(ms - LATENCY_MS for ms in await _arrive(call, texts, CALLS))
            runs.append(np.array([times[len(times) // 2], times[int(len(times) * 0.99)]]))
    return added


def _shown(runs: Sequence[Percentiles]) -> str:
    """The medians of the runs."""
    middle, worst = np.median(runs, axis=0)
    return f"p50 {middle:.1f} ms, p99 {worst:.1f} ms"


def _row(name: str, value: str) -> None:
    print(f"  {name:<70} {value}", flush=True)


if __name__ == "__main__":
    main()
