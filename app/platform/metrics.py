"""What this process counts, for Prometheus; `docs/observability.md` has the table of it.

Labels have values from closed sets alone: operations, kinds and steps of jobs, backends of the
settings, codes of our errors. Nothing that a client has sent or named is ever one.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector
from prometheus_client.exposition import choose_encoder

from app.platform.errors import CODES

Labelled = TypeVar("Labelled", Counter, Histogram)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
# In seconds. Requests from the shortest extraction to an upload, calls to servers up to their
# timeout, work in the background up to a day.
_REQUEST_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)
_CALL_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60, 300)
_STEP_SECONDS = (0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400)


class Metrics:
    """The counts of one process, from its start; `version` is the program's. Any thread may count.

    What takes a backend takes its name, what takes a code one of our errors'.
    """

    def __init__(self, version: str = "") -> None:
        self.registry = registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)
        self._children: dict[tuple[object, ...], Any] = {}

        def counter(name: str, help_: str, *labels: str) -> Counter:
            return Counter(f"medtune_{name}", help_, labels, registry=registry)

        def histogram(name: str, help_: str, buckets: Sequence[float], *labels: str) -> Histogram:
            return Histogram(f"medtune_{name}", help_, labels, buckets=buckets, registry=registry)

        build = Gauge("medtune_build_info", "The program.", ["version"], registry=registry)
        build.labels(version).set(1)

        self._requests = counter(
            "http_requests_total", "Requests answered.", "operation", "method", "status"
        )
        self._request_seconds = histogram(
            "http_request_duration_seconds",
            "From the request's head to the answer's last byte.",
            _REQUEST_SECONDS,
            *("operation", "method"),
        )
        self.requests_in_progress = Gauge(
            "medtune_http_requests_in_progress", "Requests under way.", registry=registry
        )

        self._steps = counter("job_steps_total", "Steps of jobs run.", "kind", "step", "outcome")
        self._step_seconds = histogram(
            "job_step_duration_seconds", "Time a step of a job took.", _STEP_SECONDS, "kind", "step"
        )
        self._trainings = counter("trainings_total", "Trainings ended.", "backend", "outcome")
        self._training_seconds = counter(
            "training_seconds_total", "Time that trainings took.", "backend"
        )

        self._texts = counter("extraction_texts_total", "Texts annotated.", "backend")
        self._tokens = counter(
            "extraction_tokens_total", "Tokens that models were charged.", "backend", "direction"
        )
        self._extraction_errors = counter(
            "extraction_errors_total", "Extractions a backend failed.", "backend", "code"
        )
        self._extraction_seconds = histogram(
            "extraction_duration_seconds",
            "Time an extraction took, of one text or several.",
            _CALL_SECONDS,
            *("backend", "mode"),
        )
        self._calls = counter("backend_calls_total", "Calls made to servers.", "backend")
        self._call_errors = counter(
            "backend_call_errors_total", "Calls that failed.", "backend", "code"
        )
        self._call_seconds = histogram(
            "backend_call_duration_seconds", "Time a call took.", _CALL_SECONDS, "backend"
        )

        self._ingested = counter("dataset_documents_total", "Documents read into datasets.")
        self._batch_documents = counter(
            "batch_documents_total", "Texts of extraction batches settled.", "outcome"
        )
        self._scrape_errors = counter(
            "scrape_errors_total", "Numbers that could not be had in time.", "source"
        )

    def request(self, operation: str | None, method: str, status: int, seconds: float) -> None:
        """A request was answered, of an operation or of none; `method` is of METHODS, or OTHER."""
        operation = operation or OTHER
        self._child(self._requests, operation, method, f"{status // 100}xx").inc()
        self._child(self._request_seconds, operation, method).observe(seconds)

    def step(self, kind: str, step: str, outcome: str, seconds: float) -> None:
        """A step of a job has run: `done`, `failed`, or `interrupted`, to be run again."""
        self._child(self._steps, kind, step, outcome).inc()
        self._child(self._step_seconds, kind, step).observe(seconds)

    def training(self, backend: str, outcome: str, seconds: float) -> None:
        """A training has ended: `succeeded`, `failed`, `cancelled`, or `interrupted`."""
        self._child(self._trainings, backend, outcome).inc()
        self._child(self._training_seconds, backend).inc(seconds)

    def extracted(self, backend: str, texts: int, input_tokens: int, output_tokens: int) -> None:
        """Texts were annotated, for so many tokens."""
        self._child(self._texts, backend).inc(texts)
        if input_tokens or output_tokens:
            self._child(self._tokens, backend, "input").inc(input_tokens)
            self._child(self._tokens, backend, "output").inc(output_tokens)

    def extraction(self, backend: str, mode: str, code: str | None, seconds: float) -> None:
        """An extraction has ended, by `call` or `batch`; `code` says why, if it failed."""
        self._child(self._extraction_seconds, backend, mode).observe(seconds)
        if code is not None:
            self._child(self._extraction_errors, backend, _known(code)).inc()

    def call(self, backend: str, code: str | None, seconds: float) -> None:
        """A call to a server has ended; `code` says why, if it failed."""
        self._child(self._calls, backend).inc()
        self._child(self._call_seconds, backend).observe(seconds)
        if code is not None:
            self._child(self._call_errors, backend, _known(code)).inc()

    def documents_ingested(self, documents: int) -> None:
        """A dataset of so many documents is ready."""
        self._ingested.inc(documents)

    def batch_documents(self, done: int, failed: int) -> None:
        """Results of so many texts of a batch are stored."""
        self._child(self._batch_documents, "done").inc(done)
        self._child(self._batch_documents, "failed").inc(failed)

    def scrape_failed(self, source: str) -> None:
        """What is to be asked for at each scrape could not be had of a source."""
        self._child(self._scrape_errors, source).inc()

    def _child(self, metric: Labelled, *labels: str) -> Labelled:
        """The series of these labels, remembered: the library takes longer than counting does."""
        key = (metric, *labels)
        found: Labelled | None = self._children.get(key)
        if found is None:
            found = self._children[key] = metric.labels(*labels)
        return found

    def page(self, gathered: Iterable[Metric], accept: str) -> tuple[bytes, str]:
        """The text of all, `gathered` included, and its media type: whichever `accept` prefers."""
        encode, media_type = choose_encoder(accept)
        return encode(_Page(self.registry, gathered)), media_type


def _known(code: str) -> str:
    return code if code in CODES else OTHER


class _Page:
    """A registry with what was gathered for one scrape, without when each series began."""

    def __init__(self, registry: CollectorRegistry, gathered: Iterable[Metric]) -> None:
        self._registry = registry
        self._gathered = gathered

    def collect(self) -> Iterator[Metric]:
        """All families."""
        for family in self._registry.collect():
            family.samples = [each for each in family.samples if not each.name.endswith("_created")]
            yield family
        yield from self._gathered
