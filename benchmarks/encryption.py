"""What encryption at rest costs: the same ingest, training file and batch with it and without.

`python -m benchmarks.encryption [--corpus FOLDER] [--megabytes 20] [--texts 4000]`

A service on SQLite with one local folder, once plain and once with a key, turn by turn. The batch
asks the untrained `local:rules`, which is quick: what is stored weighs as much as it ever does.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from app.own_service import own_service
from app.platform.sealing import new_key
from benchmarks._deployment import Json, row, settled
from benchmarks._inputs import documents_of, endless, write_pubtator, write_texts
from benchmarks._processes import machine
from benchmarks._shared import SAMPLE, arguments_of

_RUNS = 3
Figures = dict[str, float]


def main() -> None:
    """Run all measurements and print them."""
    parser = arguments_of(__doc__, SAMPLE)
    parser.add_argument("--megabytes", type=float, default=20, help="of the upload")
    parser.add_argument("--texts", type=int, default=4_000, help="of the batch")
    options = parser.parse_args()
    print(
        f"encryption benchmark: {machine()}, corpus {options.corpus.name}, median of {_RUNS} runs"
    )
    documents = documents_of(options.corpus)
    key = {"MEDTUNE_ENCRYPTION_KEYS": json.dumps([new_key()])}
    plain, sealed = list[Figures](), list[Figures]()
    with tempfile.TemporaryDirectory() as folder:
        upload, texts = Path(folder) / "upload.txt", Path(folder) / "texts.jsonl"
        number = write_pubtator(endless(documents), upload, options.megabytes * 1e6)
        write_texts(endless(documents), texts, options.texts)
        for _ in range(_RUNS):
            for settings, figures in (({}, plain), (key, sealed)):
                figures.append(_measured(settings, upload, number, texts, options.texts))
    for name in plain[0]:
        without, with_ = (
            statistics.median(run[name] for run in figures) for figures in (plain, sealed)
        )
        row(name, f"{without:,.0f} plain, {with_:,.0f} sealed ({with_ / without:.0%})")


def _measured(
    settings: Mapping[str, str], upload: Path, number: int, texts: Path, text_count: int
) -> Figures:
    with (
        tempfile.TemporaryDirectory() as data,
        own_service(Path(data), {"MEDTUNE_LOG_LEVEL": "WARNING", **settings}) as service,
    ):
        client = service.client

        def made(path: str, **request: object) -> Callable[[], httpx.Response]:
            return lambda: client.post(path, timeout=600, **request)  # type: ignore[arg-type]

        with upload.open("rb") as file:
            seconds, dataset = _timed(
                client, made("/v1/datasets", files={"file": file}, data={"split": "train"})
            )
        figures = {"abstracts ingested a second": number / seconds}
        of = {"dataset_id": dataset["id"], "splits": ["train"]}
        seconds, training_file = _timed(client, made("/v1/training-files", json=of))
        figures["training rows written a second"] = training_file["statistics"]["rows"] / seconds
        with texts.open("rb") as file:
            asked = made(
                "/v1/extraction-batches", files={"file": file}, data={"model": "local:rules"}
            )
            seconds, batch = _timed(client, asked)
        figures["texts of a batch answered a second"] = text_count / seconds
        begun = time.perf_counter()
        path = f"/v1/extraction-batches/{batch['id']}/results"
        size = len(client.get(path, timeout=600).raise_for_status().content)
        figures["MB of results sent a second"] = size / 1e6 / (time.perf_counter() - begun)
        return figures


def _timed(client: httpx.Client, ask: Callable[[], httpx.Response]) -> tuple[float, Json]:
    """Seconds until what is asked for is there, and it."""
    begun = time.perf_counter()
    resource = settled(client, ask())
    return time.perf_counter() - begun, resource


if __name__ == "__main__":
    main()
