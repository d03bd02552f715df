"""Large uploads: a PubTator file until its dataset is `ready`, and a training file of many rows.

`python -m benchmarks.bulk_ingest [--corpus FOLDER] [--megabytes 100] [--documents 10000]`

The file is sent as it is read and written as it comes; what is measured beside the speed is how
much memory the service takes for it, all its processes together.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.corpora import pubtator
from app.own_service import OwnService, own_service
from benchmarks._deployment import Json, row, settled
from benchmarks._inputs import documents_of, endless, write_pubtator
from benchmarks._processes import Watched, machine, mb, watched
from benchmarks._shared import SAMPLE, arguments_of

_PEAK_EVERY = 0.1  # seconds; a process at work here lives for a second at least


def main() -> None:
    """Run all measurements and print them."""
    parser = arguments_of(__doc__, SAMPLE)
    parser.add_argument("--megabytes", type=float, default=100, help="of the upload")
    parser.add_argument("--documents", type=int, default=10_000, help="of the training file")
    options = parser.parse_args()
    print(f"bulk ingest benchmark: {machine()}, corpus {options.corpus.name}")
    documents = documents_of(options.corpus)
    with tempfile.TemporaryDirectory() as folder:
        big, fewer = Path(folder) / "big.txt", Path(folder) / "fewer.txt"
        number = write_pubtator(endless(documents), big, options.megabytes * 1e6)
        _bare(big)
        data = Path(folder) / "data"
        data.mkdir()
        with own_service(data, {"MEDTUNE_LOG_LEVEL": "WARNING"}) as service:
            row("resident memory of the idle service", _idle(service))
            _ingest(service, big, number)
            big.unlink()
            per_document = options.megabytes * 1e6 / number
            # One document more or less does not matter here.
            size = options.documents * per_document
            dataset = _ingest(service, fewer, write_pubtator(endless(documents), fewer, size))
            _jsonl(service, dataset)


def _bare(path: Path) -> None:
    begun = time.perf_counter()
    with path.open("rb") as file:
        number = sum(1 for _ in pubtator.read(file, lambda _: None))
    rate = number / (time.perf_counter() - begun)
    row("the reader alone, one core", f"{rate:,.0f} abstracts/s")


def _idle(service: OwnService) -> str:
    with _watched(service) as used:
        time.sleep(1)
    return mb(used.peak("service"))


def _ingest(service: OwnService, path: Path, number: int) -> Json:
    name = f"upload of {mb(path.stat().st_size)}, {number:,} abstracts"
    with _watched(service) as used, path.open("rb") as file:
        begun = time.perf_counter()
        form = {"split": "train"}
        answer = service.client.post("/v1/datasets", files={"file": file}, data=form, timeout=600)
        received = time.perf_counter() - begun
        dataset = settled(service.client, answer)
        whole = time.perf_counter() - begun
    if dataset["splits"][0]["documents"] != number:
        raise RuntimeError(f"{dataset['splits']}, but {number} were sent")
    row(name, f"{number / whole:,.0f} abstracts/s until ready")
    row("  received, ready after", f"{received:.1f} s, {whole:.1f} s")
    _used(used)
    return dataset


def _jsonl(service: OwnService, dataset: Json) -> None:
    request = {"dataset_id": dataset["id"], "splits": ["train"]}
    with _watched(service) as used:
        begun = time.perf_counter()
        made = settled(service.client, service.client.post("/v1/training-files", json=request))
        whole = time.perf_counter() - begun
    number, rows = dataset["splits"][0]["documents"], made["statistics"]["rows"]
    row(f"JSONL of {number:,} documents, {rows:,} rows", f"{rows / whole:,.0f} rows/s until ready")
    row("  ready after", f"{whole:.1f} s, {number / whole:,.0f} documents/s")
    _used(used)


@contextmanager
def _watched(service: OwnService) -> Iterator[Watched]:
    with watched({"service": service.process.pid}, _PEAK_EVERY) as used:
        yield used


def _used(used: Watched) -> None:
    largest = max(sample.largest for sample in used.samples["service"])
    row("  resident, all processes at a time", f"at most {mb(used.peak('service'))}")
    row("  resident, largest process", f"at most {mb(largest)}")
    row("  cores busy: service, others", f"{used.cores('service'):.2f}, {used.foreign:.2f}")


if __name__ == "__main__":
    main()
