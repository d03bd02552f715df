"""What this process tells of itself: numbers always, traces where an address for them is set.

One object is handed to whoever does something worth telling. It times, counts and, if traces are
made, opens a span; what is told of it are operations, kinds, ids of rows, backends and codes,
never text, names, keys or messages.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from typing import Literal, Protocol

from sqlalchemy import Engine

from app.platform.metrics import Metrics
from app.platform.settings import Settings

Kind = Literal["internal", "server", "client"]
Value = str | int


class TelemetryMissingError(Exception):
    """Traces are asked for, and the packages that make them are not installed."""


class Span(Protocol):
    """Something under way, in a trace."""

    def rename(self, name: str) -> None:
        """Its name, where that is known only later."""

    def tell(self, **attributes: Value) -> None:
        """What is known of it; `backend` is told as `medtune.backend`."""

    def failed(self, code: str) -> None:
        """It has failed; one of our codes or the type of an exception."""


class Tracing(Protocol):
    """Makes the spans of this process; the one that is open is the parent of the next."""

    def span(
        self, name: str, kind: Kind = "internal", parent: str | None = None
    ) -> AbstractContextManager[Span]:
        """A span around a block; `parent` is a `traceparent` (W3C) of somewhere else, if any."""

    def job(self, parent: str | None) -> AbstractContextManager[None]:
        """Jobs started in this block belong to where this one was started."""

    def to_keep(self) -> str | None:
        """The `traceparent` to keep with a job that is started now."""

    def headers(self) -> Mapping[str, str]:
        """What to send along to another server, so that its spans are children of ours."""

    def trace_id(self) -> str | None:
        """The trace that this is a part of, for the log."""

    def watch(self, engine: Engine) -> None:
        """Make a span of each statement to this database that a request waits for."""

    def close(self) -> None:
        """Send what is left, for a moment."""


class _NoSpan:
    def rename(self, name: str) -> None:
        """Nothing is kept."""

    def tell(self, **attributes: Value) -> None:
        """Nothing is kept."""

    def failed(self, code: str) -> None:
        """Nothing is kept."""


class NoTracing:
    """Makes none."""

    def __init__(self) -> None:
        self._span = nullcontext(_NoSpan())
        self._job: nullcontext[None] = nullcontext()

    def span(
        self, name: str, kind: Kind = "internal", parent: str | None = None
    ) -> AbstractContextManager[Span]:
        """None."""
        return self._span

    def job(self, parent: str | None) -> AbstractContextManager[None]:
        """None."""
        return self._job

    def to_keep(self) -> str | None:
        """Nothing."""
        return None

    def headers(self) -> Mapping[str, str]:
        """None."""
        return {}

    def trace_id(self) -> str | None:
        """None."""
        return None

    def watch(self, engine: Engine) -> None:
        """Make none."""

    def close(self) -> None:
        """Nothing is open."""


class Outcome:
    """How something timed has ended, as far as whoever does it says so."""

    __slots__ = ("code", "span", "what")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.code: str | None = None
        self.what = ""

    def failed(self, code: str) -> None:
        """It has failed, with one of our codes."""
        self.code = code
        self.span.failed(code)


class Telemetry:
    """Numbers and traces of one process. `traces` says whether any are made."""

    def __init__(self, metrics: Metrics | None = None, tracing: Tracing | None = None) -> None:
        self.metrics = metrics or Metrics()
        self.traces = tracing is not None
        self.tracing: Tracing = tracing or NoTracing()

    @contextmanager
    def call(self, backend: str) -> Iterator[Outcome]:
        """One call to a backend's server."""
        with self.tracing.span("backend call", "client") as span:
            span.tell(backend=backend)
            outcome, began = Outcome(span), time.perf_counter()
            try:
                yield outcome
            finally:
                self.metrics.call(backend, outcome.code, time.perf_counter() - began)

    @contextmanager
    def extraction(self, backend: str, mode: str, texts: int, model: str) -> Iterator[Outcome]:
        """Texts put to a model; its id is told only if it is one of ours, not a server's."""
        with self.tracing.span("extract") as span:
            span.tell(backend=backend, mode=mode, texts=texts)
            if model.startswith("mdl_"):
                span.tell(model=model)
            outcome, began = Outcome(span), time.perf_counter()
            try:
                yield outcome
            finally:
                seconds = time.perf_counter() - began
                self.metrics.extraction(backend, mode, outcome.code, seconds)

    @contextmanager
    def training(self, backend: str) -> Iterator[Outcome]:
        """A training watched; `what` of its outcome is how it ended, `interrupted` if unsaid."""
        with self.tracing.span("training") as span:
            span.tell(backend=backend)
            outcome, began = Outcome(span), time.perf_counter()
            outcome.what = "interrupted"
            try:
                yield outcome
            finally:
                self.metrics.training(backend, outcome.what, time.perf_counter() - began)

    @contextmanager
    def step(self, kind: str, step: str) -> Iterator[Outcome]:
        """A step of a job; `what` of its outcome is `done` or `failed`, `interrupted` if unsaid."""
        with self.tracing.span(f"{kind} {step}") as span:
            outcome, began = Outcome(span), time.perf_counter()
            outcome.what = "interrupted"
            try:
                yield outcome
            finally:
                self.metrics.step(kind, step, outcome.what, time.perf_counter() - began)

    @contextmanager
    def job(self, kind: str, row_id: str, parent: str | None) -> Iterator[None]:
        """A job that this process runs, in the trace of whoever has started it."""
        tracing = self.tracing
        with tracing.span(f"job {kind}", parent=parent) as span, tracing.job(parent):
            span.tell(job_kind=kind, row=row_id)
            yield


def create_telemetry(settings: Settings, executor: str = "") -> Telemetry:
    """As the settings want it; `executor` is the process's name. Raises TelemetryMissingError."""
    release = version("medtune")
    metrics = Metrics(release)
    if settings.otlp_endpoint is None:
        return Telemetry(metrics)
    try:
        # Only here: without the setting nothing of it is loaded.
        from app.platform.telemetry_otlp import OtlpTracing
    except ModuleNotFoundError:
        raise TelemetryMissingError(
            "MEDTUNE_OTLP_ENDPOINT is set, and traces need pip install medtune[telemetry]"
        ) from None
    return Telemetry(metrics, OtlpTracing(settings.otlp_endpoint, release, executor))
