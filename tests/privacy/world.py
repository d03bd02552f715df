"""A service that is asked with words that are nowhere else, and all that it and others then say."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import httpx

from app.own_service import OwnService, own_service
from tests.databases import environment
from tests.e2e.test_story import children
from tests.keys.keyed import ADMIN_KEY
from tests.platform.otlp_receiver import Receiver, receiver
from tests.privacy.marks import Marks, cells
from tests.stand_ins.cohere import StandIn, stand_in

# Columns that are there for what clients call their things; docs/privacy.md lists them, too.
NAMES = {
    "datasets.name",
    "dataset_files.filename",
    "dataset_splits.name",
    "training_files.splits",
    "vocabularies.name",
    "vocabularies.files",
    "vocabularies.error_message",  # says in which file something is wrong
    "evaluations.name",
    "evaluations.splits",
    "evaluation_results.result",  # the name of the model, as it was then
    "extraction_batches.name",
    "extraction_batches.splits",
    "fine_tunes.name",
    "models.name",
    "model_aliases.name",
    "audit_events.subject_id",  # of an alias, which has no id
    "api_keys.name",
    "notification_targets.name",
    "notification_targets.address",
    "notification_targets.secret",  # messages are signed with it
    "notifications.data",  # a message says the name of what it is about
    "idempotency_keys.key",
    "idempotency_keys.body",  # the answer that is repeated, for a week
}
# A refusal points at the key that is not known, and says which model there is not.
_POINTED_AT = ("junk: key of", "junk: model of")


@dataclass
class World:
    """A service with keys, a server it asks, and what both have said.

    `settings` are of whatever else is to run there.
    """

    service: OwnService
    server: StandIn
    traces: Receiver
    folder: Path
    settings: Mapping[str, str]
    marks: Marks = field(default_factory=Marks)
    said: set[str] = field(default_factory=set)

    @property
    def client(self) -> httpx.Client:
        """Asks with the key of the settings."""
        return self.service.client

    def refused(self, answer: httpx.Response, besides: str = "") -> httpx.Response:
        """Note which marks are in a refusal that should have none; it may say what is not there,
        and what is of this place."""
        whole = answer.text + json.dumps(list(answer.headers.items()))
        asked = f"{answer.request.method} {answer.request.url.path} {answer.status_code}"
        if answer.is_success or "html" in answer.headers.get("content-type", ""):
            return answer  # lists have names, and a form shows again what was typed into it
        told = {p for p in self.marks.found(whole) if not p.startswith(_POINTED_AT)}
        places = told - {besides}
        self.said |= {f"{place} in the answer to {asked}" for place in places}
        return answer

    def shown(self, url: str | None) -> set[str]:
        """Which marks are, while it runs, in metrics, processes and the tables of the database at
        `url`, and where."""
        numbers = self.client.get("/metrics")
        assert numbers.status_code == 200
        found = {f"{place} in a metric" for place in self.marks.found(numbers.text)}
        found |= self.processes()
        for column, value in cells(self.folder / "data", url):
            places = self.marks.found(value)
            if column in NAMES:
                places = {place for place in places if not place.startswith("name:")}
            found |= {f"{place} in {column}" for place in places}
        return found

    def processes(self) -> set[str]:
        """Which marks are in arguments and environments of the processes that run, and where."""
        pid, found = self.service.process.pid, set[str]()
        for process in (pid, *children(pid)):
            for what in ("cmdline", "environ"):
                with suppress(FileNotFoundError, ProcessLookupError):
                    places = self.marks.found(Path(f"/proc/{process}/{what}").read_bytes())
                    found |= {f"{place} in {what} of a process" for place in places}
        return found

    def written(self) -> set[str]:
        """Which marks are, once it has ended, in its log, its traces and in what it left of
        temporary files, and where."""
        found = set()
        log = self.service.log.read_bytes()
        assert ADMIN_KEY.encode() not in log
        assert b"signature=" not in log  # of the address of answers on a server
        for line in log.splitlines():
            found |= {f"{place} in the log: {line[:300]!r}" for place in self.marks.found(line)}
        assert self.traces.raw
        for span in self.traces.raw:
            found |= {f"{place} in a trace" for place in self.marks.found(span)}
        for path in (self.folder / "tmp").rglob("*"):
            if path.is_file():
                found |= {f"{place} in {path}" for place in self.marks.found(path.read_bytes())}
        return found


@contextmanager
def world(
    folder: Path,
    url: str | None,
    more: Mapping[str, str] = MappingProxyType({}),
    arguments: Sequence[str] = (),
) -> Iterator[World]:
    """A world in this folder, with the database at `url`, `more` in its environment, and these
    arguments of `serve`."""
    data, tmp = folder / "data", folder / "tmp"
    data.mkdir()
    tmp.mkdir()
    with stand_in() as server, receiver() as traces:
        settings = environment(url) | {
            "MEDTUNE_LOG_LEVEL": "DEBUG",
            "MEDTUNE_ADMIN_KEY": ADMIN_KEY,
            "MEDTUNE_OTLP_ENDPOINT": traces.url.removesuffix("/v1/traces"),
            "MEDTUNE_COHERE_BASE_URL": server.url,
            "MEDTUNE_COHERE_API_KEY": "zqcoherekey",
            "MEDTUNE_REMOTE_ATTEMPTS": "1",
            "MEDTUNE_REMOTE_TIMEOUT_SECONDS": "1",
            "MEDTUNE_MAX_TEXT_CHARACTERS": "2000",
            "MEDTUNE_NOTIFY_PRIVATE": "true",
            "TMPDIR": str(tmp),
            "PYTHONFAULTHANDLER": "1",
        }
        settings |= more
        with own_service(data, settings, arguments=arguments) as service:
            service.client.headers["Authorization"] = f"Bearer {ADMIN_KEY}"
            yield World(service, server, traces, folder, settings)
