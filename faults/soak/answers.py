"""What clients are answered: how often, how fast, and what must not be."""

import re
import ssl
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

LIMIT_SECONDS = 30.0
# Nobody in a soak asks without a key, for what his key does not let him do, or for no resource.
_NEVER = frozenset({401, 403, 405})
_ID = re.compile(r"(?<=/)[a-z]+_[0-9a-f]{32}")
_OF = re.compile(r"/v1/[a-z-]+/[a-z]+_[0-9a-f]{32}(?=/)")
_MOST_TOLD = 200


@dataclass
class Answers:
    """Of all clients together; `faults` are told with how often they came.

    `cut_off` counts downloads that broke off because what they were of was deleted meanwhile.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    cut_off: int = 0

    def wrong(self, what: str) -> None:
        """Something that must not be."""
        if what in self.faults or len(self.faults) < _MOST_TOLD:
            self.faults[what] += 1

    def quantile(self, share: float) -> float:
        """The time (seconds) within which this share of requests was answered."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    async def ask(
        self, client: httpx.AsyncClient, method: str, path: str, **request: Any
    ) -> httpx.Response | None:
        """The answer; None, and a fault, if there is none in time."""
        said = f"{method} {_ID.sub('{id}', path.partition('?')[0])}"
        begun = time.monotonic()
        try:
            answer = await client.request(method, path, **request)
        except httpx.TransportError as error:
            if method == "GET" and await _deleted(client, path, error):
                self.cut_off += 1
                return None
            self.wrong(f"{said}: {type(error).__name__}")
            return None
        self.seconds.append(time.monotonic() - begun)
        self.statuses[answer.status_code] += 1
        if answer.status_code >= 500 or answer.status_code in _NEVER:
            problem = answer.json() if "json" in answer.headers["Content-Type"] else {}
            self.wrong(f"{said}: {answer.status_code} {problem.get('code')}")
        return answer


async def _deleted(client: httpx.AsyncClient, path: str, error: httpx.TransportError) -> bool:
    """Whether an answer broke off amid its body, and what it was of is there no more."""
    of = _OF.match(path)
    if of is None or "complete message body" not in str(error):
        return False
    return (await client.get(of[0])).status_code == 404


def client_of(url: str, key: str, context: ssl.SSLContext) -> httpx.AsyncClient:
    """One client with a connection of its own; an answer has to come within the limit."""
    return httpx.AsyncClient(
        base_url=url,
        headers={"Authorization": f"Bearer {key}"},
        timeout=LIMIT_SECONDS,
        verify=context,
    )
