"""Traces by OpenTelemetry, sent as OTLP over HTTP; the only file that knows its packages.

Spans are opened by hand where something is worth one: instrumentation of libraries would tell
paths, SQL and messages of exceptions, any of which may hold what a client has sent. Of a caller's
context only `traceparent` is taken, which holds numbers; `tracestate` and baggage may hold text.
Sampling and headers for the receiver are OpenTelemetry's own environment variables.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Thread
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import Engine, ExceptionContext, event

from app.platform.logs import quieten
from app.platform.telemetry import Kind, Span, Value

_KINDS = {"internal": SpanKind.INTERNAL, "server": SpanKind.SERVER, "client": SpanKind.CLIENT}
_STANDARD = {"http_method": "http.request.method", "http_status": "http.response.status_code"}
_SENDING_SECONDS = 10.0  # until a receiver that does not answer is given up, for one sending
_LAST_SECONDS = 3.0  # for what is left at the end of the process
_TRACEPARENT = "traceparent"

_propagator = TraceContextTextMapPropagator()
# Where the job that runs here was started: what it starts in turn is a sibling, not a child, or
# the shards of a batch, each of which starts the next, would make a trace thousands deep.
_NO_JOB = ""
_started_at: ContextVar[str | None] = ContextVar("started_at", default=_NO_JOB)


class _Span:
    """A span of OpenTelemetry, told what ours are told."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def rename(self, name: str) -> None:
        """Its name, where that is known only later."""
        self._span.update_name(name)

    def tell(self, **attributes: Value) -> None:
        """Attributes under `medtune.`, those of HTTP under their standard names."""
        self._span.set_attributes({_attribute(name): value for name, value in attributes.items()})

    def failed(self, code: str) -> None:
        """The status without a description, and what kind of error."""
        self._span.set_status(StatusCode.ERROR)
        self._span.set_attribute("error.type", code)


def _attribute(name: str) -> str:
    return _STANDARD.get(name, f"medtune.{name}")


class OtlpTracing:
    """Makes spans and sends them to `endpoint` from a thread of its own, some at a time."""

    def __init__(self, endpoint: str, release: str, executor: str) -> None:
        named = {"service.name": "medtune", "service.version": release}
        resource = Resource.create(named | {"service.instance.id": executor})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint, timeout=_SENDING_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("medtune", release)
        quieten("opentelemetry.exporter.otlp.proto.http.trace_exporter")

    @contextmanager
    def span(self, name: str, kind: Kind = "internal", parent: str | None = None) -> Iterator[Span]:
        """A span around a block; one that ends by an exception has failed with its type."""
        # A server's own context may be that of the request before, if one connection had both.
        context = _context(parent) if parent is not None else None
        if parent is None and kind == "server":
            context = Context()
        with self._tracer.start_as_current_span(
            name,
            context,
            _KINDS[kind],
            # Both would tell the message.
            record_exception=False,
            set_status_on_exception=False,
        ) as opened:
            span = _Span(opened)
            try:
                yield span
            except BaseException as error:
                span.failed(type(error).__name__)
                raise

    @contextmanager
    def job(self, parent: str | None) -> Iterator[None]:
        """Jobs started in this block belong to where this one was started."""
        token = _started_at.set(parent)
        try:
            yield
        finally:
            _started_at.reset(token)

    def to_keep(self) -> str | None:
        """The `traceparent` to keep with a job that is started now."""
        return _started_at.get() or self.headers().get(_TRACEPARENT)

    def headers(self) -> Mapping[str, str]:
        """`traceparent` of the span that is open, if one is."""
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        return {name: value for name, value in carrier.items() if name == _TRACEPARENT}

    def trace_id(self) -> str | None:
        """The trace of the span that is open."""
        context = trace.get_current_span().get_span_context()
        return trace.format_trace_id(context.trace_id) if context.is_valid else None

    def watch(self, engine: Engine) -> None:
        """Make a span of each statement to this database that a request waits for.

        Of jobs none: one may look at its row for hours. What is told is the verb alone.
        """
        system = {"sqlite": "sqlite", "postgresql": "postgresql"}.get(engine.dialect.name, "other")

        def begun(
            _connection: object,
            _cursor: object,
            sql: str,
            _parameters: object,
            context: Any,
            *_: Any,
        ) -> None:
            if _started_at.get() == _NO_JOB and trace.get_current_span().is_recording():
                verb = sql.split(maxsplit=1)[0].upper()
                told = {"db.system.name": system, "db.operation.name": verb}
                span = self._tracer.start_span(f"sql {verb}", None, SpanKind.CLIENT, told)
                context.medtune_span = span

        def done(
            _c: object, _cursor: object, _sql: str, _parameters: object, context: Any, *_: Any
        ) -> None:
            if (span := getattr(context, "medtune_span", None)) is not None:
                span.end()

        def failed(error: ExceptionContext) -> None:
            if (span := getattr(error.execution_context, "medtune_span", None)) is not None:
                _Span(span).failed(type(error.original_exception).__name__)
                span.end()

        event.listen(engine, "before_cursor_execute", begun)
        event.listen(engine, "after_cursor_execute", done)
        event.listen(engine, "handle_error", failed)

    def close(self) -> None:
        """Send what is left. A receiver that does not answer does not keep the process."""
        last = Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(_LAST_SECONDS)


def _context(traceparent: str) -> Context:
    """An empty one, which begins a trace, if it is not a `traceparent`."""
    return _propagator.extract({_TRACEPARENT: traceparent}, Context())
