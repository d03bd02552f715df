"""`/metrics`: what it counts, that its labels hold nothing of what was sent, its documentation."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from app.backends.base import Annotations, BackendError
from app.backends.observed import observed
from app.backends.registry import Backends
from app.backends.remote import Failure, Remote, RemoteError
from app.main import create_app
from app.parts import create_parts, create_platform
from app.platform import metrics_gathered
from app.platform.metrics import Metrics
from app.platform.metrics_gathered import UNENDED
from app.platform.settings import Settings
from app.platform.telemetry import Telemetry
from app.worker import health_app
from tests.api.conftest import QUICK, SAMPLE, running, settled, upload
from tests.databases import NewDatabase
from tests.project.paths import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")

MARKER = "Xylometarex"
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
DASHBOARD = ROOT / "deploy" / "grafana" / "medtune.json"
RULES = ROOT / "deploy" / "alerts.yml"
PAGE = ROOT / "docs" / "observability.md"


class Scraped(NamedTuple):
    """Both pages of a service that was sent a marker at all places that take one."""

    text: str
    open: str
    operations: set[str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scraped(
    tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> AsyncIterator[Scraped]:
    """A dataset, a training, a batch and calls of all kinds; then the pages."""
    with new_database() as url:
        folder = tmp_path_factory.mktemp("data")
        settings = Settings(data_dir=folder, database_url=url, _env_file=None)
        async with running(settings) as client:
            await story(client)
            text = await client.get("/metrics")
            assert text.headers["Content-Type"].startswith("text/plain; version=")
            opened = await client.get("/metrics", headers=OPENMETRICS)
            assert opened.headers["Content-Type"].startswith("application/openmetrics-text")
        yield Scraped(text.text, opened.text, operation_ids(create_app(settings)))


async def story(client: httpx.AsyncClient) -> None:
    """Everything that is counted, with a marker wherever a client may write one."""
    documents = (SAMPLE / "train.pubtator.txt").read_text()
    marked = (
        f"{MARKER}1|t|{MARKER}.\n{MARKER}1|a|Of asthma.\n{MARKER}1\t16\t22\tasthma\tDisease\t-1\n"
    )
    dataset = await upload(
        client, documents, marked, splits=["train", MARKER], name=MARKER, filenames=["a", MARKER]
    )
    assert dataset["status"] == "ready"
    answer = await client.post("/v1/training-files", json={"dataset_id": dataset["id"]})
    rows = await settled(client, answer.headers["Location"])
    request = {"training_file_id": rows["id"], "hyperparameters": QUICK, "name": MARKER}
    answer = await client.post("/v1/fine-tunes", json=request)
    fine_tune = await settled(client, answer.headers["Location"])
    assert fine_tune["status"] == "succeeded"
    await client.put(f"/v1/model-aliases/{MARKER}", json={"model": fine_tune["model_id"]})
    for model in ("local:rules", fine_tune["model_id"], MARKER, f"{MARKER}-2"):
        await client.post("/v1/extractions", json={"model": model, "text": MARKER})
    lines = "".join(json.dumps({"id": MARKER, "text": MARKER}) + "\n" for _ in range(3))
    batch = await client.post(
        "/v1/extraction-batches", data={"model": "local:rules"}, files={"file": (MARKER, lines)}
    )
    assert (await settled(client, batch.headers["Location"]))["status"] == "succeeded"
    for method, path in (
        ("GET", f"/{MARKER}"),
        ("GET", f"/v1/datasets/{MARKER}?{MARKER}={MARKER}"),
        ("GET", f"/assets/{MARKER}.css"),
        (MARKER.upper(), "/v1/datasets"),
        ("GET", "/cohere/v1/models"),
    ):
        await client.request(method, path, headers={"X-Request-ID": MARKER, "User-Agent": MARKER})


def operation_ids(app: FastAPI) -> set[str]:
    """Of all calls in the OpenAPI file."""
    return {
        operation["operationId"]
        for item in app.openapi()["paths"].values()
        for operation in item.values()
    }


def value(page: str, name: str, **labels: str) -> float | None:
    """The number of one series; None if it is not there."""
    for family in plain(page):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    return None


async def test_counts_what_happened(scraped: Scraped) -> None:
    """Requests, steps, trainings, texts: as often as they were done."""
    page = scraped.text

    def count(name: str, **labels: str) -> float | None:
        return value(page, f"medtune_{name}", **labels)

    asked: dict[str, str] = {"operation": "createExtraction", "method": "POST"}
    assert count("http_requests_total", **asked, status="2xx") == 3
    assert count("http_requests_total", **asked, status="4xx") == 1
    assert count("http_request_duration_seconds_count", **asked) == 4
    assert count("http_requests_in_progress") == 1  # this one
    assert count("job_steps_total", kind="dataset", outcome="done") == 1
    assert count("job_step_duration_seconds_count", kind="fine_tune", step="train") == 1
    assert count("trainings_total", backend="local", outcome="succeeded") == 1
    assert (count("training_seconds_total", backend="local") or 0) > 0
    assert count("extraction_texts_total", backend="local") == 3 + 3
    calls_and_shards = count("extraction_duration_seconds_count", backend="local", mode="call")
    assert calls_and_shards == 3 + 1
    documents = (SAMPLE / "train.pubtator.txt").read_text().strip().count("\n\n") + 2
    assert count("dataset_documents_total") == documents
    assert count("batch_documents_total", outcome="done") == 3
    assert count("batch_documents_total", outcome="failed") == 0
    assert count("jobs", kind="fine_tune", state="training") == 0
    assert count("queue_jobs", queue="train-local", state="waiting") == 0
    assert count("workers") == 1
    assert count("build_info") == 1
    assert (value(page, "process_cpu_seconds_total") or 0) > 0
    assert (value(page, "process_resident_memory_bytes") or 0) > 0


async def test_labels_hold_nothing_of_what_was_sent(scraped: Scraped) -> None:
    """No marker anywhere, and values that could be counted before anyone has sent anything."""
    for page, families in ((scraped.text, plain), (scraped.open, openmetrics)):
        assert MARKER.lower() not in page.lower()
        for family in families(page):
            for sample in family.samples:
                closed(sample.labels, scraped.operations)


def closed(labels: dict[str, str], operations: set[str]) -> None:
    """Fail for a value that is not one of few."""
    known: dict[str, Any] = {
        "operation": operations | {"getMetrics", "cohereListModels", "other"},
        "method": {"GET", "POST", "PUT", "other"},
        "status": {"2xx", "4xx"},
        "backend": {"local"},
        "kind": UNENDED,
        "direction": {"input", "output"},
        "mode": {"call", "batch"},
        "outcome": {"done", "failed", "succeeded"},
    }
    for name, found in labels.items():
        if name in known:
            assert found in known[name], (name, found)
        else:
            assert name in ("step", "state", "queue", "le", "version", "code"), name
            assert re.fullmatch(r"[a-z_+.\-\dI]{1,30}|\+Inf", found), (name, found)


async def test_a_database_that_does_not_answer_does_not_hang_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its gauges are absent, and each source that was asked in vain is counted. PostgreSQL alone:
    a file that is there answers.
    """
    monkeypatch.setattr(metrics_gathered, "PATIENCE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"postgresql+psycopg://medtune@127.0.0.1:{mute.getsockname()[1]}/medtune"
        platform, backends = create_parts(
            Settings(data_dir=tmp_path, database_url=url, _env_file=None)
        )
        transport = httpx.ASGITransport(app=health_app(platform, backends))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            page = (await client.get("/metrics")).text
    for source in ("database", "jobs", "workers"):
        assert value(page, "medtune_scrape_errors_total", source=source) == 1
    for gauge in ("jobs", "queue_jobs", "workers"):
        assert value(page, f"medtune_{gauge}") is None
    assert value(page, "medtune_build_info") == 1
    await platform.database.close()
    await platform.jobs.close()


async def test_calls_to_servers_are_told_apart_by_code() -> None:
    """Each attempt counts; one that was refused unmade does not."""
    telemetry = Telemetry()

    async def no_sleep(_seconds: float) -> None:
        return None

    remote = Remote("vault", telemetry=telemetry, attempts=2, give_up_after=3, sleep=no_sleep)

    async def fine() -> str:
        return "fine"

    async def busy() -> str:
        raise ConnectionError

    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    def understand(error: Exception) -> Failure | None:
        return Failure(status=503) if isinstance(error, ConnectionError) else None

    assert await remote.call(fine, understand) == "fine"
    with pytest.raises(RemoteError):
        await remote.call(busy, understand)
    with pytest.raises(RemoteError):
        await remote.call(never, understand, repeat=False, within=0.01)
    with pytest.raises(BackendError, match="left alone"):
        await remote.call(fine, understand)
    page = telemetry.metrics.page([], "")[0].decode()
    errors = "medtune_backend_call_errors_total"
    assert value(page, "medtune_backend_calls_total", backend="vault") == 4
    assert value(page, errors, backend="vault", code="backend_unavailable") == 2
    assert value(page, errors, backend="vault", code="backend_timeout") == 1
    assert value(page, "medtune_backend_call_duration_seconds_count", backend="vault") == 4


async def test_extractions_count_texts_tokens_and_failures() -> None:
    """By backend; a text of a batch that has failed is not one annotated."""
    telemetry = Telemetry()

    async def answers(
        *found: Annotations | BackendError,
    ) -> list[Annotations | BackendError] | None:
        return list(found)

    async def broken() -> list[Annotations]:
        raise BackendError("model_not_found", "There is no such model.")

    told = telemetry, "vault", "vault:base", ["one", "two"]
    error = BackendError("backend_timeout", "It did not answer.")
    spent = Annotations(input_tokens=30, output_tokens=4)
    await observed(*told, answers(spent, error), "batch")
    with pytest.raises(BackendError):
        await observed(*told, broken())
    page = telemetry.metrics.page([], "")[0].decode()
    tokens = "medtune_extraction_tokens_total"
    assert value(page, "medtune_extraction_texts_total", backend="vault") == 1
    assert value(page, tokens, backend="vault", direction="input") == 30
    assert value(page, tokens, backend="vault", direction="output") == 4
    errors, seconds = "medtune_extraction_errors_total", "medtune_extraction_duration_seconds_count"
    assert value(page, errors, backend="vault", code="model_not_found") == 1
    assert value(page, seconds, backend="vault", mode="batch") == 1
    assert value(page, seconds, backend="vault", mode="call") == 1


async def test_codes_of_servers_that_are_not_ours_are_no_labels() -> None:
    """What a server calls its failures may be anything."""
    metrics = Metrics()
    metrics.call("vault", MARKER, 0.1)
    metrics.extraction("vault", "call", MARKER, 0.1)
    assert MARKER not in metrics.page([], "")[0].decode()


async def test_two_platforms_share_no_numbers(tmp_path: Path) -> None:
    """Each composition root has a registry of its own."""
    settings = Settings(data_dir=tmp_path, _env_file=None)
    one, other = (create_platform(settings, Backends({})) for _ in range(2))
    one.telemetry.metrics.documents_ingested(3)
    page = other.telemetry.metrics.page([], "")[0].decode()
    assert value(page, "medtune_dataset_documents_total") == 0


def families(page: str) -> dict[str, set[str]]:
    """Names of families as the text has them, with the names of the series of each."""
    found: dict[str, set[str]] = {}
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", page, flags=re.MULTILINE):
        parts = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        found[name] = {name + part for part in parts}
    return found


def asked_for(expressions: Iterator[str]) -> set[str]:
    """Names of metrics in expressions of PromQL."""
    return {name for each in expressions for name in re.findall(r"\b(?:medtune|process)_\w+", each)}


def expressions(node: Any) -> Iterator[str]:
    """All queries of a dashboard."""
    if isinstance(node, dict):
        yield from (v for k, v in node.items() if k in ("expr", "query") and isinstance(v, str))
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from expressions(each)


async def test_dashboard_and_alerts_ask_for_what_there_is(scraped: Scraped) -> None:
    """Every metric they name is on the page, and every metric of ours is on the dashboard."""
    there = families(scraped.text)
    series = set().union(*there.values())
    dashboard = asked_for(expressions(json.loads(DASHBOARD.read_text())))
    assert dashboard <= series
    assert asked_for(iter([RULES.read_text()])) <= series
    shown = {name for name, parts in there.items() if parts & dashboard}
    assert {name for name in there if name.startswith("medtune_")} <= shown


async def test_the_page_has_every_metric_with_its_labels(scraped: Scraped) -> None:
    """The table of `docs/observability.md`, and no metric in it that is not there."""
    rows = re.findall(r"^\| `((?:medtune)_\w+)` \| (.*?) \|", PAGE.read_text(), re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    ours = {name for name in families(scraped.text) if name.startswith("medtune_")}
    assert set(documented) == ours
    metrics = Metrics("1")
    metrics.extracted("vault", 1, 1, 1)
    metrics.extraction("vault", "call", "backend_failed", 1)
    metrics.call("vault", "backend_failed", 1)
    metrics.scrape_failed("jobs")
    seen = set()
    for page in (scraped.text, metrics.page([], "")[0].decode()):
        for family in plain(page):
            for sample in family.samples:
                name = re.sub(r"_(bucket|sum|count)$", "", sample.name)
                if name in documented:
                    assert set(sample.labels) - {"le"} == documented[name], name
                    seen.add(name)
    assert seen == ours
