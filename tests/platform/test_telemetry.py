"""Traces: one from the caller through the request and its jobs to the servers, without any text."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import pytest_asyncio
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from app.platform.settings import Settings
from tests.api.conftest import running, settled
from tests.backends.openai.server import Server, open_port
from tests.databases import NewDatabase
from tests.platform.otlp_receiver import Receiver, attributes, receiver
from tests.stand_ins.cohere import StandIn, stand_in

pytestmark = pytest.mark.asyncio(loop_scope="module")

MARKER = "Xylometarex"
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADERS = {
    "traceparent": f"00-{TRACE}-{CALLER}-01",
    "tracestate": f"vendor={MARKER}",
    "baggage": f"name={MARKER}",
    "X-Request-ID": MARKER,
    "User-Agent": MARKER,
}
LAST = "putModelAlias"  # of all calls
CO_TRACE = TRACE[::-1]
CO_HEADERS = HEADERS | {"traceparent": f"00-{CO_TRACE}-{CALLER}-01"}


class Traced(NamedTuple):
    """What the receiver has got of a service, and the servers that this called."""

    received: Receiver
    openai: Server
    cohere: StandIn

    def spans(self, trace: str) -> list[Span]:
        """Those of a trace."""
        return [span for span in self.received.spans() if span.trace_id.hex() == trace]

    def one(self, name: str) -> Span:
        """The one of this name in the batch's trace."""
        (span,) = [span for span in self.spans(TRACE) if span.name == name]
        return span


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def traced(
    tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase
) -> AsyncIterator[Traced]:
    """After a batch on one server, an extraction on another, and calls that fail."""
    with new_database() as url, receiver() as received, open_port() as port, stand_in() as cohere:
        port.server = server = Server(port.url)
        settings = Settings(
            data_dir=tmp_path_factory.mktemp("data"),
            database_url=url,
            openai_base_url=port.url,
            cohere_base_url=cohere.url,
            remote_attempts=1,
            otlp_endpoint=received.url,
            shard_documents=1,
            _env_file=None,
        )
        async with running(settings) as client:
            await story(client)
        async with asyncio.timeout(60):  # the process gives up earlier, the thread that sends not
            while [span.name for span in received.spans()].count(LAST) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        yield Traced(received, server, cohere)


async def story(client: httpx.AsyncClient) -> None:
    """Calls with a marker wherever a client may write one."""
    lines = "".join(json.dumps({"id": MARKER, "text": f"{MARKER} {n}"}) + "\n" for n in range(2))
    batch = await client.post(
        "/v1/extraction-batches",
        data={"model": f"openai:{MARKER}", "tasks": "diseases"},
        files={"file": (MARKER, lines)},
        headers=HEADERS,
    )
    assert batch.status_code == 202, batch.text
    assert (await settled(client, batch.headers["Location"]))["status"] == "succeeded"
    request = {"model": "cohere:command-a-03-2025", "text": MARKER, "tasks": ["diseases"]}
    answer = await client.post("/v1/extractions", json=request, headers=CO_HEADERS)
    assert answer.status_code == 200, answer.text
    await client.post("/v1/extractions", json={"model": MARKER, "text": MARKER})
    await client.get(f"/v1/datasets/{MARKER}?{MARKER}={MARKER}", headers={"traceparent": MARKER})
    await client.get(f"/{MARKER}")
    for _ in range(2):  # the second breaks a rule of the database, or replaces
        await client.put(f"/v1/model-aliases/{MARKER}", json={"model": "local:rules"})


async def test_one_trace_from_the_caller_to_the_servers(traced: Traced) -> None:
    """Each span is a child of what has asked for it, in both jobs and on both shards."""
    request = traced.one("createExtractionBatch")
    assert request.parent_span_id.hex() == CALLER
    assert attributes(request)["http.response.status_code"] == 202
    assert attributes(request)["http.request.method"] == "POST"
    job, step = traced.one("job extraction_batch"), traced.one("extraction_batch prepare")
    assert (job.parent_span_id, step.parent_span_id) == (request.span_id, job.span_id)
    assert str(attributes(job)["medtune.row"]).startswith("bat_")
    by_id = {span.span_id: span for span in traced.spans(TRACE)}
    extractions = {span.span_id for span in by_id.values() if span.name == "extract"}
    calls = [span for span in by_id.values() if span.parent_span_id in extractions]
    asked = {each["traceparent"] for each in traced.openai.headers if "traceparent" in each}
    for call in calls:
        path = []
        while call.span_id != request.span_id:
            path.append(call.name)
            call = by_id[call.parent_span_id]
        assert path[-2:] == ["extraction_shard extract", "job extraction_shard"]
        assert path == ["backend call", "extract", *path[-2:]]
    assert {f"00-{TRACE}-{call.span_id.hex()}-01" for call in calls} <= asked
    assert len({call.parent_span_id for call in calls}) == 2
    assert {attributes(call)["medtune.backend"] for call in calls} == {"openai"}


async def test_a_call_that_waits_for_a_server(traced: Traced) -> None:
    """Request, extraction, call, and the server is told which."""
    by_id = {span.span_id: span for span in traced.spans(CO_TRACE)}
    (call,) = [span for span in by_id.values() if span.name == "backend call"]
    assert by_id[by_id[call.parent_span_id].parent_span_id].name == "createExtraction"
    (chat,) = traced.cohere.asked("POST", "/v2/chat")
    assert chat.headers["traceparent"] == f"00-{CO_TRACE}-{call.span_id.hex()}-01"


async def test_statements_of_requests_are_told_by_their_verb(traced: Traced) -> None:
    """With neither SQL nor parameters; of jobs none."""
    found = [span for span in traced.received.spans() if span.name.startswith("sql ")]
    assert {"sql SELECT", "sql INSERT"} <= {span.name for span in found}
    assert all(set(attributes(span)) == {"db.system.name", "db.operation.name"} for span in found)
    by_id = {span.span_id: span for span in traced.received.spans()}
    assert {by_id[span.parent_span_id].kind for span in found} == {Span.SPAN_KIND_SERVER}


async def test_nothing_of_what_was_sent_is_told(traced: Traced) -> None:
    """In no byte that has reached the receiver: text, ids, paths, names, models, headers."""
    assert traced.received.raw
    for body in traced.received.raw:
        assert MARKER.lower().encode() not in body.lower()
    failed = [s for s in traced.received.spans() if s.status.code == Status.STATUS_CODE_ERROR]
    assert not any(span.status.message or span.events for span in failed)


def python(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What a process of its own says."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


async def test_without_the_setting_nothing_of_it_is_loaded(tmp_path: Path) -> None:
    """Neither by the application nor by the libraries it uses."""
    code = (
        "import sys; from app.main import create_app; from app.platform.settings import Settings; "
        "create_app(Settings(_env_file=None)); "
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    )
    said = python(code, MEDTUNE_DATA_DIR=str(tmp_path))
    assert said.stdout.strip() == "[]", said.stderr


async def test_the_framework_tells_nothing_by_itself(tmp_path: Path) -> None:
    """Though the process has been given a global OpenTelemetry: it would be told paths."""
    code = """
import asyncio, logging
import httpx, structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from app.main import create_app
from app.platform.settings import Settings

trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

async def main():
    transport = httpx.ASGITransport(app=create_app(Settings(_env_file=None)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for path in ("/healthz", "/cohere/v1/nothing"):
            await client.get(path)
        with trace.get_tracer("test").start_as_current_span("seen"):
            pass

asyncio.run(main())
"""
    said = python(code, MEDTUNE_DATA_DIR=str(tmp_path))
    assert said.stdout.count('"name"') == 1, said.stdout + said.stderr
    assert '"name": "seen"' in said.stdout


async def test_without_the_extra_the_start_is_refused(tmp_path: Path) -> None:
    """In a sentence that says what to install."""
    code = "import sys; sys.modules['opentelemetry.sdk'] = None; from app.cli import main; main()"
    setting = {"MEDTUNE_OTLP_ENDPOINT": "http://127.0.0.1:9/v1/traces"}
    said = python(code, "serve", "--port", "0", MEDTUNE_DATA_DIR=str(tmp_path), **setting)
    assert said.returncode == 1
    assert said.stderr.startswith("Medtune does not start: ")
    assert "pip install medtune[telemetry]" in said.stderr
    assert "Traceback" not in said.stderr
