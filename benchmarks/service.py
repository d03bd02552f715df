"""The service over HTTP: ingest, JSONL, extraction, `/healthz` during a training, evaluation.

`python benchmarks/service.py [--corpus FOLDER]`; the synthetic sample without a corpus.
"""

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx

from app.own_service import own_service

Json = dict[str, Any]
RUNS = 5


def main() -> None:
    """Run all measurements and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path(str(files("app.corpora") / "sample")))
    corpus = parser.parse_args().corpus
    print(f"service benchmark: {os.cpu_count()} cores, corpus {corpus.name}, median of {RUNS} runs")
    with tempfile.TemporaryDirectory() as data, own_service(Path(data)) as service:
        client = service.client
        dataset = _ingest(client, corpus)
        training_file = _jsonl(client, dataset)
        texts = _texts(client, dataset)
        _extract(client, "local:rules", texts)
        fine_tune = _health_while_training(client, training_file)
        _extract(client, fine_tune["model_id"], texts)
        _evaluate(client, dataset, fine_tune["model_id"])


def _ingest(client: httpx.Client, corpus: Path) -> Json:
    content = [
        ("file", (f"{split}.txt", (corpus / f"{split}.pubtator.txt").read_bytes()))
        for split in ("train", "dev")
    ]

    def once() -> Json:
        form = {"split": ["train", "dev"]}
        answer = client.post("/v1/datasets", files=content, data=form)
        return _settled(client, answer)

    dataset, seconds = _timed(once)
    documents = sum(split["documents"] for split in dataset["splits"])
    _row("upload until ready", f"{documents / seconds:,.0f} documents/s")
    return dataset


def _jsonl(client: httpx.Client, dataset: Json) -> Json:
    request = {"dataset_id": dataset["id"], "splits": ["train", "dev"]}

    def once() -> Json:
        return _settled(client, client.post("/v1/training-files", json=request))

    training_file, seconds = _timed(once)
    _row("JSONL until ready", f"{training_file['statistics']['rows'] / seconds:,.0f} rows/s")
    request = {"dataset_id": dataset["id"], "splits": ["train"]}
    return _settled(client, client.post("/v1/training-files", json=request))


def _texts(client: httpx.Client, dataset: Json) -> list[str]:
    query = {"split": "dev", "limit": "100"}
    page = client.get(f"/v1/datasets/{dataset['id']}/documents", params=query).json()
    return [" ".join(p["text"] for p in document["passages"]) for document in page["items"]]


def _extract(client: httpx.Client, model: str, texts: list[str]) -> None:
    total, inside = [], []
    for text in texts[:5] + texts:
        started = time.perf_counter()
        answer = client.post("/v1/extractions", json={"model": model, "text": text})
        total.append((time.perf_counter() - started) * 1000)
        inside.append(answer.raise_for_status().json()["timing"]["model_ms"])
    total, inside = total[5:], inside[5:]
    overhead = [a - b for a, b in zip(total, inside, strict=True)]
    kind = "rules" if model == "local:rules" else "tuned"
    _row(f"extract, {kind}, whole call", _spread(total))
    _row(f"extract, {kind}, in the model", _spread(inside))
    _row(f"extract, {kind}, overhead with client", _spread(overhead))


def _health_while_training(client: httpx.Client, training_file: Json) -> Json:
    request = {"training_file_id": training_file["id"], "hyperparameters": {"preset": "balanced"}}
    started = time.perf_counter()
    location = client.post("/v1/fine-tunes", json=request).headers["Location"]
    times: list[float] = []
    done = threading.Event()

    def probe() -> None:
        with httpx.Client(base_url=client.base_url) as own:
            while not done.wait(0.02):
                before = time.perf_counter()
                own.get("/healthz").raise_for_status()
                times.append((time.perf_counter() - before) * 1000)

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        fine_tune = _settled(client, client.get(location), location)
    finally:
        done.set()
        thread.join()
    _row("fine-tune, balanced, until succeeded", f"{time.perf_counter() - started:.1f} s")
    _row(f"/healthz while it trains ({len(times)} calls)", _spread(times))
    return fine_tune


def _evaluate(client: httpx.Client, dataset: Json, model: str) -> None:
    for models in ([model], ["local:rules", model]):
        request = {"models": models, "dataset_id": dataset["id"], "split": "dev"}

        def once(request: Json = request) -> Json:
            return _settled(client, client.post("/v1/evaluations", json=request))

        evaluation, seconds = _timed(once)
        kind = "tuned" if len(models) == 1 else "rules and tuned, compared"
        documents = evaluation["documents"]
        _row(f"evaluate, {kind}, all tasks", f"{documents} documents in {seconds:.1f} s")
    evaluation_id = evaluation["id"]
    query = {"baseline": "local:rules", "model": model, "task": "diseases"}

    def compare() -> Json:
        answer = client.get(f"/v1/evaluations/{evaluation_id}/comparison", params=query)
        comparison: Json = answer.raise_for_status().json()
        return comparison

    comparison, seconds = _timed(compare)
    _row(f"comparison, {comparison['resamples']:,} resamples", f"{1000 * seconds:.0f} ms")


def _settled(client: httpx.Client, answer: httpx.Response, location: str | None = None) -> Json:
    resource: Json = answer.raise_for_status().json()
    location = location or answer.headers["Location"]
    while resource["finished_at"] is None:
        time.sleep(0.02)
        resource = client.get(location).json()
    assert resource["status"] in {"ready", "succeeded"}, resource
    return resource


def _timed(once: Callable[[], Json]) -> tuple[Json, float]:
    """What the last run gave, and the median of their seconds."""
    seconds = []
    for _ in range(RUNS):
        started = time.perf_counter()
        found = once()
        seconds.append(time.perf_counter() - started)
    return found, statistics.median(seconds)


def _spread(milliseconds: list[float]) -> str:
    ordered = sorted(milliseconds)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {statistics.median(ordered):.1f} ms, p99 {p99:.1f} ms, max {ordered[-1]:.1f} ms"


def _row(name: str, figure: str) -> None:
    print(f"  {name:<44} {figure}", flush=True)


if __name__ == "__main__":
    main()
