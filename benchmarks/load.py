"""`POST /v1/extractions` under load: a tuned local model, and a chat with a Cohere stand-in.

`python -m benchmarks.load [--corpus FOLDER] [--seconds 10] [--minutes 1]`

So many clients ask one text after the other, for `--seconds` each number of them; then 8 of them
for `--minutes`, to see whether memory grows. The clients, the stand-in (which answers at once) and
the service share the machine's cores. No text is asked about twice: each ends in a new word.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import aiohttp

from app.own_service import OwnService, own_service
from benchmarks._deployment import MODEL, Json, row, stand_in, tuned_model
from benchmarks._inputs import documents_of, word
from benchmarks._processes import Sample, Watched, machine, mb, watched
from benchmarks._shared import SAMPLE, arguments_of

STEADY_CLIENTS = 8
_WARM_SECONDS = 2.0
_MEMORY_SHOWN = 11


@dataclass(frozen=True)
class Target:
    """What is asked for: all but the text of a request, and the address of a service."""

    name: str
    address: str
    body: Mapping[str, object]


@dataclass(frozen=True)
class Load:
    """What came of a load: milliseconds of each call, and what processes used meanwhile."""

    milliseconds: Sequence[float]
    used: Watched

    @property
    def rate(self) -> float:
        """Calls a second."""
        return len(self.milliseconds) / self.used.elapsed

    def quantile(self, share: float) -> float:
        """So many of the calls took no longer than this, in milliseconds."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def main() -> None:
    """Run all measurements and print them."""
    parser = arguments_of(__doc__, SAMPLE)
    parser.add_argument("--seconds", type=float, default=10, help="for each number of clients")
    parser.add_argument("--minutes", type=float, default=1, help="of steady load")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    options = parser.parse_args()
    corpus = options.corpus
    bodies = [d.text[d.body_offset :] for d in documents_of(corpus)]
    print(f"load benchmark: {machine()}, corpus {corpus.name}, preset {options.preset}")
    with stand_in() as (upstream, stand_in_pid), tempfile.TemporaryDirectory() as data:
        settings = {"MEDTUNE_COHERE_BASE_URL": upstream, "MEDTUNE_LOG_LEVEL": "WARNING"}
        numbers = count()
        with own_service(Path(data), settings) as service:
            model = tuned_model(service.client, corpus, options.preset)
            for target in _targets(service, model):
                roots = {"service": service.process.pid, "stand-in": stand_in_pid}
                texts = (f"{bodies[n % len(bodies)]} {word(n)}." for n in numbers)
                _measure(target, texts, roots, options.clients, options.seconds)
                _steady(target, texts, roots, 60 * options.minutes)


def _targets(service: OwnService, model: str) -> list[Target]:
    return [
        Target("local", service.address, {"model": model}),
        Target("cohere", service.address, {"model": f"cohere:{MODEL}", "tasks": ["diseases"]}),
    ]


def _measure(
    target: Target,
    texts: Iterator[str],
    roots: Mapping[str, int],
    clients: Sequence[int],
    seconds: float,
) -> None:
    for number in clients:
        asyncio.run(_asked(target, texts, number, min(_WARM_SECONDS, seconds)))
        load = _load(target, texts, roots, number, seconds)
        times = ", ".join(f"p{100 * q:.0f} {load.quantile(q):.1f}" for q in (0.5, 0.95, 0.99))
        row(f"{target.name}, {number} clients", f"{load.rate:,.0f} calls/s, {times} ms")
        cost = 1000 * load.used.seconds["service"] / len(load.milliseconds)
        size = mb(load.used.peak("service"))
        row("", f"{_cores(load.used)}; service {cost:.2f} ms of processor a call, {size}")


def _steady(target: Target, texts: Iterator[str], roots: Mapping[str, int], seconds: float) -> None:
    load = _load(target, texts, roots, STEADY_CLIENTS, seconds)
    name = f"{target.name}, {STEADY_CLIENTS} clients for {seconds / 60:g} min"
    row(name, f"{len(load.milliseconds):,} calls, p99 {load.quantile(0.99):.1f} ms")
    shown = [load.used.at("service", n / (_MEMORY_SHOWN - 1)) for n in range(_MEMORY_SHOWN)]
    sizes = ", ".join(f"{sample.whole / 1e6:.0f}" for sample in shown)
    row("  resident, from its beginning to its end", f"{sizes} MB")
    samples = load.used.samples["service"]
    growth = _slope(samples[len(samples) // 2 :]) / 1e6 * 60
    row("  growth in the second half", f"{growth:+.2f} MB/min")


def _load(
    target: Target, texts: Iterator[str], roots: Mapping[str, int], clients: int, seconds: float
) -> Load:
    with watched(roots) as used:
        milliseconds = asyncio.run(_asked(target, texts, clients, seconds))
    return Load(milliseconds, used)


async def _asked(
    target: Target, texts: Iterator[str], clients: int, seconds: float
) -> Sequence[float]:
    """Milliseconds of each call by so many clients in so many seconds."""
    milliseconds = array("d")
    end = time.perf_counter() + seconds

    async def client(session: aiohttp.ClientSession) -> None:
        while (begun := time.perf_counter()) < end:
            await _call(session, target, next(texts))
            milliseconds.append((time.perf_counter() - begun) * 1000)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    return milliseconds


async def _call(session: aiohttp.ClientSession, target: Target, text: str) -> None:
    body: Json = {**target.body, "text": text}
    async with session.post(f"{target.address}/v1/extractions", json=body) as answer:
        content = await answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {json.loads(content)}")


def _cores(used: Watched) -> str:
    ours = [f"{name} {used.cores(name):.2f}" for name in used.roots]
    return f"cores: {', '.join(ours)}, clients {used.own / used.elapsed:.2f}, others " + (
        f"{used.foreign:.2f} of {os.cpu_count()}"
    )


def _slope(samples: Sequence[Sample]) -> float:
    """Bytes a second, by least squares; 0 of fewer than two samples."""
    if len(samples) < 2:
        return 0.0
    times = [sample.at for sample in samples]
    return statistics.linear_regression(times, [sample.whole for sample in samples]).slope


if __name__ == "__main__":
    main()
