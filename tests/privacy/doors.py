"""Doors by which a word or a key could leave though every call is answered well: headers, what is
sent to others, what is noted of who did what, and files that lie beside those of the texts."""

import re
from dataclasses import dataclass, field

import httpx

from tests.privacy.marks import cells
from tests.privacy.world import World

_BLOB = re.compile(r"[0-9a-f]{64}")
_DATABASE = re.compile(r"(medtune|jobs)\.db(-\w+)?")  # is looked at by its rows


@dataclass
class Doors:
    """What has been seen leaving; made before anything is asked.

    `secrets` are keys, tokens and whatever else is shown once, each with what it is, and the column
    that has to have it, if any.
    """

    world: World
    secrets: dict[str, tuple[str, str]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.world.client.event_hooks = {"response": [self.answered]}

    def answered(self, answer: httpx.Response) -> None:
        """Look at the headers of an answer: an alias is called by its name there, nothing else.

        And, where a training is looked at, at its process, which is soon gone.
        """
        call = f"{answer.request.method} {answer.request.url.path}"
        for name, value in answer.headers.items():
            places = self.found(value)
            if name == "location" and "/model-aliases/" in call:
                places -= {"name: alias"}
            self.seen |= {f"{place} in the header {name} of {call}" for place in places}
        if "/fine-tunes/ft_" in call:
            self.seen |= self.world.processes()

    def found(self, content: bytes | str) -> set[str]:
        """The places of the marks in it, and what secrets there are."""
        text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
        shown = {what for secret, (what, _) in self.secrets.items() if secret in text}
        return self.world.marks.found(content) | shown

    def shown(self, url: str | None) -> set[str]:
        """What has left while it runs, and how; the database is at `url`."""
        return self.seen | self._sent() | self._noted() | self._stored(url)

    def left(self) -> set[str]:
        """What is, once it has ended, where no text is to be."""
        seen = {
            f"{place} in a trace" for span in self.world.traces.raw for place in self.found(span)
        }
        data = self.world.folder / "data"
        for path in filter(lambda path: path.is_file(), data.rglob("*")):
            is_blob = path.parent.parent == data / "blobs" and _BLOB.fullmatch(path.name)
            if not is_blob and not _DATABASE.fullmatch(path.name):
                places = self.found(path.read_bytes())
                seen |= {f"{place} in {path.relative_to(data)}" for place in places}
        return seen

    def _sent(self) -> set[str]:
        """What a server and a webhook were sent besides texts, and the names of what has ended."""
        seen, hooks = set(), 0
        for request in self.world.server.log:
            hook = request.path.startswith("/zqname")
            hooks += hook
            told = request.query + repr(sorted(request.headers.items()))
            body = {each for each in self.found(request.body) if not each.startswith("name: ")}
            places = self.found(told) | (body if hook else set())
            seen |= {f"{place} in {request.method} {request.path}" for place in places}
        assert hooks
        return seen

    def _noted(self) -> set[str]:
        """What the list of who did what has of names: only aliases have no ids."""
        items = self.world.client.get("/v1/audit-events", params={"limit": 100}).json()["items"]
        assert len({item["kind"] for item in items}) > 5
        others = [item for item in items if item["kind"] != "model_aliases"]
        return {f"{place} in an audit event" for place in self.found(repr(others))}

    def _stored(self, url: str | None) -> set[str]:
        """What there is of secrets in all tables."""
        return {
            f"{what} in {column}"
            for column, value in cells(self.world.folder / "data", url)
            for secret, (what, its_column) in self.secrets.items()
            if secret in value and column != its_column
        }
