"""What can be made to go wrong with a request to a stand-in."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_HTML = "<html><body><h1>{}</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """How a request goes wrong.

    It waits `delay` seconds; then, with `status`, answers `body` instead of what it should, or,
    with `cuts`, resets the connection. `acts` says whether what was asked for is done all the same.
    With neither, it is answered well, but late.
    """

    status: int | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cuts: bool = False
    acts: bool = False

    @classmethod
    def error(
        cls, status: int, message: str = "something went wrong", *, acts: bool = False
    ) -> "Fault":
        """An error as Cohere writes it."""
        return cls(status, json.dumps({"message": message}).encode(), _JSON, acts=acts)

    @classmethod
    def html(cls, status: int, *, acts: bool = False) -> "Fault":
        """An error (or, with 200, an answer) that a proxy on the way wrote."""
        return cls(status, _HTML.format(status).encode(), {"content-type": "text/html"}, acts=acts)

    @classmethod
    def too_many(cls, retry_after: float | None = None) -> "Fault":
        """The rate limit."""
        headers = _JSON if retry_after is None else {**_JSON, "retry-after": str(retry_after)}
        return cls(429, b'{"message": "too many requests"}', headers)

    @classmethod
    def answer(cls, body: bytes, *, acts: bool = False) -> "Fault":
        """A 200 with this body: empty, `{}`, broken off."""
        return cls(200, body, _JSON, acts=acts)

    @classmethod
    def slow(cls, seconds: float) -> "Fault":
        """The right answer, late."""
        return cls(delay=seconds)

    @classmethod
    def cut(cls, *, acts: bool = False) -> "Fault":
        """The connection is reset without any answer."""
        return cls(cuts=True, acts=acts)


_JSON = {"content-type": "application/json"}


@dataclass
class _Planned:
    path: re.Pattern[str]
    fault: Fault
    method: str | None
    times: int
    skip: int


class Faults:
    """The faults to come; each strikes the requests it was planned for, in order."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def __bool__(self) -> bool:
        return bool(self._planned)

    def add(
        self, path: str, fault: Fault, *, times: int = 1, method: str | None = None, skip: int = 0
    ) -> None:
        """The next `times` requests whose path the regular expression matches, but for `skip`."""
        self._planned.append(_Planned(re.compile(path), fault, method, times, skip))

    def clear(self) -> None:
        """Plan nothing any more."""
        self._planned.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this request, if any."""
        for planned in self._planned:
            if planned.method not in (None, method) or not planned.path.search(path):
                continue
            if planned.skip:
                planned.skip -= 1
                continue
            planned.times -= 1
            if not planned.times:
                self._planned.remove(planned)
            return planned.fault
        return None
