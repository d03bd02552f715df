"""Extraction batches over workers on PostgreSQL, against the bare engine on as many cores.

`python -m benchmarks.batches [--corpus FOLDER] [--texts 2000] [--workers 1 2 3]`

API, workers, PostgreSQL (a throw-away one, found on this machine) and this client share its cores.
A worker has one process for models (`--processes`), so that it keeps about one core busy. Right
before each batch the bare engine annotates the same texts in as many processes, but in no more
than there are cores: batches with more cannot be faster. Then a batch of chats with a Cohere
stand-in, and what a batch leaves in the database and the blob store.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from app.own_service import OwnService, own_service
from benchmarks._bare_engine import texts_a_second
from benchmarks._deployment import (
    MODEL,
    Json,
    migrate,
    postgres,
    row,
    rows,
    settled,
    stand_in,
    tuned_model,
    workers,
)
from benchmarks._inputs import documents_of, endless, write_texts
from benchmarks._processes import Watched, machine, mb, watched
from benchmarks._scaling import Used, forecast
from benchmarks._shared import SAMPLE, arguments_of

_LOOK_SECONDS = 1.0  # looking costs the API more than all else it does for a batch
_IDLE_SECONDS = 10.0
_COUNT = "SELECT count(*) FROM"
_WORKER, _POSTGRES = "worker", "PostgreSQL"


@dataclass(frozen=True)
class Ground:
    """What batches run on: the data folder, the settings of all processes, PostgreSQL's process."""

    data: Path
    settings: Mapping[str, str]
    postgres_pid: int

    @property
    def database(self) -> str:
        """Its URL."""
        return self.settings["MEDTUNE_DATABASE_URL"]


@dataclass(frozen=True)
class Fleet:
    """An API, its client and its workers' process ids."""

    service: OwnService
    pids: list[int]

    def roots(self, ground: Ground) -> dict[str, int]:
        """All trees of processes there are."""
        named = {f"{_WORKER} {number}": pid for number, pid in enumerate(self.pids, 1)}
        return {"API": self.service.process.pid, _POSTGRES: ground.postgres_pid, **named}


def main() -> None:
    """Run all measurements and print them."""
    parser = arguments_of(__doc__, SAMPLE)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--chats", type=int, default=2000, help="with the Cohere stand-in")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--processes", type=int, default=1, help="for models, of each worker")
    options = parser.parse_args()
    print(f"batches benchmark: {machine()}, corpus {options.corpus.name}, preset {options.preset}")
    with tempfile.TemporaryDirectory() as folder:
        texts, chats = Path(folder) / "texts.jsonl", Path(folder) / "chats.jsonl"
        documents = documents_of(options.corpus)
        write_texts(endless(documents), texts, options.texts)
        write_texts(endless(documents), chats, options.chats)
        with _ground(Path(folder), options.processes) as ground:
            if options.workers:
                with own_service(ground.data, ground.settings) as service:
                    model = tuned_model(service.client, options.corpus, options.preset)
            for number in options.workers:
                bare = _bare(ground, texts, min(number * options.processes, os.cpu_count() or 1))
                with _fleet(ground, number) as fleet:
                    _idle(ground, fleet)
                    batch, used = _local(ground, fleet, model, texts, bare)
                    _cut(fleet, batch)
                    _results(fleet, batch)
                    _space(ground, batch, used)
            for offered in (False, True):
                with stand_in(batches=offered) as (upstream, pid):
                    settings = {**ground.settings, "MEDTUNE_COHERE_BASE_URL": upstream}
                    _remote(replace(ground, settings=settings), chats, pid, offered=offered)


def _bare(ground: Ground, texts: Path, processes: int) -> float:
    (model,) = (ground.data / "local" / "models").glob("*.medtune")
    bare = texts_a_second(model, texts, processes)
    row(f"bare engine, {processes} processes", f"{bare:,.1f} texts/s")
    return bare


@contextmanager
def _ground(folder: Path, processes: int) -> Iterator[Ground]:
    data = folder / "data"
    data.mkdir()
    with postgres() as server, server.database() as url:
        settings = {
            "MEDTUNE_DATABASE_URL": url,
            "MEDTUNE_BULK_PROCESSES": str(processes),
            "MEDTUNE_LOG_LEVEL": "WARNING",
        }
        migrate(data, settings)
        pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
        yield Ground(data, settings, pid)


@contextmanager
def _fleet(ground: Ground, number: int) -> Iterator[Fleet]:
    with (
        own_service(ground.data, ground.settings, arguments=["--no-worker"]) as service,
        workers(ground.data, ground.settings, number) as pids,
    ):
        yield Fleet(service, pids)


def _idle(ground: Ground, fleet: Fleet) -> None:
    with watched(fleet.roots(ground)) as used:
        time.sleep(_IDLE_SECONDS)
    shown = ", ".join(f"{name} {used.cores(name):.3f}" for name in used.roots)
    row("cores busy without work", shown)


def _local(
    ground: Ground, fleet: Fleet, model: str, texts: Path, bare: float
) -> tuple[Json, Watched]:
    batch, used, elapsed = _run(ground, fleet, {"model": model}, texts)
    rate = batch["documents"] / elapsed
    name = f"batch of {batch['documents']:,} texts, {len(fleet.pids)} workers"
    row(name, f"{rate:,.1f} texts/s, {100 * rate / bare:.1f} % of the bare engine")
    _costs(used, batch["documents"])
    return batch, used


def _remote(ground: Ground, texts: Path, stand_in_pid: int, *, offered: bool) -> None:
    with _fleet(ground, 1) as fleet:
        form = {"model": f"cohere:{MODEL}", "tasks": "diseases"}
        others = {"stand-in": stand_in_pid}
        batch, used, elapsed = _run(ground, fleet, form, texts, others)
    way = "by Cohere's batches, at the stand-in's pace" if offered else "one call each"
    name = f"batch of {batch['documents']:,} chats, 1 worker"
    row(name, f"{batch['documents'] / elapsed:,.1f} texts/s, {way}")
    _costs(used, batch["documents"])


def _run(
    ground: Ground,
    fleet: Fleet,
    form: Mapping[str, str],
    texts: Path,
    others: Mapping[str, int] | None = None,
) -> tuple[Json, Watched, float]:
    """The batch at its end, what was used for it, and the seconds from its POST to its end."""
    client = fleet.service.client
    with watched({**fleet.roots(ground), **(others or {})}) as used, texts.open("rb") as file:
        begun = time.time()
        files = {"file": ("texts.jsonl", file)}
        answer = client.post("/v1/extraction-batches", data=form, files=files, timeout=600)
        batch = settled(client, answer, every=_LOOK_SECONDS)
    elapsed = datetime.fromisoformat(batch["finished_at"]).timestamp() - begun
    if batch["failed"]:
        raise RuntimeError(f"{batch['failed']} texts of {batch['id']} failed")
    return batch, used, elapsed


def _costs(used: Watched, documents: int) -> None:
    thousands = documents / 1000
    for name in used.roots:
        cost = f"{used.cores(name):.2f} cores, {used.seconds[name] / thousands:.2f} CPU s"
        row(f"  {name}", f"{cost} for 1,000 texts{_memory(used, name)}")
    alone = sum(s for name, s in used.root_seconds.items() if name.startswith(_WORKER))
    row("  workers without their models", f"{alone / thousands:.2f} CPU s for 1,000 texts")
    client = used.own / used.elapsed
    idle = (os.cpu_count() or 1) - used.used / used.elapsed
    row("  client, others, idle", f"{client:.2f}, {used.foreign:.2f}, {idle:.2f} cores")


def _memory(used: Watched, name: str) -> str:
    """Whether it grows with the batch: when a tenth was done, and at most; then all processes."""
    if name == _POSTGRES:  # its processes share most of it
        return ""
    early, most = used.at(name, 0.1).root, max(sample.root for sample in used.samples[name])
    with_models = used.peak(name)
    more = f" (with models {mb(with_models)})" if with_models > most else ""
    return f", {mb(early)} at a tenth of the time, {mb(most)} at most{more}"


def _results(fleet: Fleet, batch: Json) -> None:
    """Each input has to be there once, in order."""
    with watched({"API": fleet.service.process.pid}) as used:
        begun = time.perf_counter()
        path = f"/v1/extraction-batches/{batch['id']}/results"
        with fleet.service.client.stream("GET", path) as answer:
            found = [json.loads(line)["index"] for line in answer.iter_lines()]
        elapsed = time.perf_counter() - begun
    if found != list(range(batch["documents"])):
        raise RuntimeError(f"{len(found)} results, or not in order")
    name = f"  results, all {len(found):,} once and in order"
    row(name, f"{len(found) / elapsed:,.0f} lines/s, API at most {mb(used.peak('API'))}")


def _space(ground: Ground, batch: Json, used: Watched) -> None:
    """What a batch leaves, and what more texts would."""
    blobs = [path for path in (ground.data / "blobs" / batch["id"]).iterdir() if path.is_file()]
    size = sum(path.stat().st_size for path in blobs)
    of_batch = f"FROM extraction_shards WHERE batch_id = '{batch['id']}'"
    jobs = f"WHERE workflow_uuid IN (SELECT id {of_batch})"
    counts = {
        "extraction_shards": rows(ground.database, f"SELECT count(*) {of_batch}"),
        "dbos.workflow_status": rows(ground.database, f"{_COUNT} dbos.workflow_status {jobs}"),
        "dbos.operation_outputs": rows(ground.database, f"{_COUNT} dbos.operation_outputs {jobs}"),
    }
    row_bytes = 0.0
    for table, of_it in counts.items():
        whole = rows(ground.database, f"SELECT pg_total_relation_size('{table}')")
        row_bytes += whole * of_it / rows(ground.database, f"{_COUNT} {table}")
    shown = ", ".join(f"{table.rpartition('.')[2]} {of_it}" for table, of_it in counts.items())
    row("  rows", f"{shown}, {row_bytes / sum(counts.values()):,.0f} bytes each")
    row("  blobs", f"{len(blobs)}, {size / batch['documents']:,.0f} bytes a text")
    backends = f"{_COUNT} pg_stat_activity WHERE datname = current_database()"
    row("  connections of PostgreSQL", f"{rows(ground.database, backends)}")
    seconds = sum(used.seconds.values())
    all_rows = sum(counts.values())
    forecast(Used(batch["documents"], seconds, len(blobs), size, all_rows, int(row_bytes)))


def _cut(fleet: Fleet, batch: Json) -> None:
    """How fast the input was cut into shards: the one part that one process does alone."""
    path = f"/v1/extraction-batches/{batch['id']}/events"
    events = fleet.service.client.get(path).raise_for_status().json()["items"]
    at = {event["type"]: datetime.fromisoformat(event["at"]) for event in events}
    seconds = (at["running"] - at["preparing"]).total_seconds()
    row("  cut into shards", f"{batch['documents'] / seconds:,.0f} texts/s, {seconds:.1f} s")


if __name__ == "__main__":
    main()
