"""The servers of others that a fleet calls: stand-ins of Cohere's and OpenAI's, and their troubles.

They answer in this process, so that what was asked of them can be looked at.
"""

import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from tests.backends.openai.server import Fault as OpenAIFault
from tests.backends.openai.server import Port, Server, completion, open_port
from tests.stand_ins.cohere import Fault, Logged, StandIn, stand_in
from tests.stand_ins.cohere.server import Moment

KEY = "key"
SAYS = "- haloperidol\n- lithium\n- cisplatin\n"
# Few enough that a client who repeats what failed gets through.
_TROUBLES = 2
_SLOW_SECONDS = 1.0
_RETRY_AFTER_SECONDS = 0.5

Trouble = Literal["none", "slow", "failing"]


@dataclass
class Trap:
    """Springs at the n-th call of Cohere's server from now on, before it is done or after."""

    calls: int
    when: Moment
    spring: Callable[[], None]
    sprung: threading.Event = field(default_factory=threading.Event)

    def see(self, moment: Moment, _request: Logged) -> None:
        """Called in the server's thread: what asks is still waiting for its answer."""
        if moment == self.when:
            self.calls -= 1
            if self.calls == 0:
                self.spring()
                self.sprung.set()


class Servers:
    """Both servers; a fleet finds them by `settings`. `told` is what is known to be there twice."""

    def __init__(self, cohere: StandIn, openai: Port) -> None:
        self.cohere = cohere
        self.trap: Trap | None = None
        self.told: set[str] = set()
        self._openai = openai
        openai.server = Server(openai.url)
        openai.server.says = {"chemicals": SAYS}
        cohere.state.seconds_a_step = 0.2
        cohere.latency = 0.05
        cohere.on_request(self._see)
        self.calm()

    @property
    def settings(self) -> Mapping[str, str]:
        """Where they are."""
        return {
            "MEDTUNE_COHERE_BASE_URL": self.cohere.url,
            "MEDTUNE_COHERE_API_KEY": KEY,
            "MEDTUNE_OPENAI_BASE_URL": self._openai.url,
        }

    def calm(self) -> None:
        """Both answer well, in a moment."""
        self.cohere.faults.clear()
        self._openai.server.fault = _late(0.05)

    def trouble(self, kind: Trouble, chance: random.Random) -> None:
        """From now on they are slow, or fail for a while, each in its own way."""
        if kind == "slow":
            self.cohere.faults.add("/", Fault.slow(_SLOW_SECONDS), times=10)
            self._openai.server.fault = _late(_SLOW_SECONDS)
        elif kind == "failing":
            for fault in chance.sample(_COHERE_FAILS, 3):
                skip = chance.randrange(5)
                self.cohere.faults.add("/", fault, times=_TROUBLES, skip=skip)
            self._openai.server.fault = chance.choice(_OPENAI_FAILS)

    def _see(self, moment: Moment, request: Logged) -> None:
        if self.trap is not None:
            self.trap.see(moment, request)


_COHERE_FAILS = [
    Fault.error(503),
    Fault.html(502),
    Fault.error(500, acts=True),
    Fault.cut(),
    Fault.cut(acts=True),
    Fault.too_many(_RETRY_AFTER_SECONDS),
]
_LIMIT = {"retry-after": str(_RETRY_AFTER_SECONDS)}
_OPENAI_FAILS = [
    OpenAIFault(503, times=_TROUBLES),
    OpenAIFault(502, "<html>", times=_TROUBLES),
    OpenAIFault(429, headers=_LIMIT, times=_TROUBLES),
    OpenAIFault(None, times=_TROUBLES),  # the connection is cut in the middle of an answer
]


def _late(seconds: float) -> OpenAIFault:
    """The right answer, late: it is no fault but in its name."""
    return OpenAIFault(200, json.dumps(completion(SAYS)), delay=seconds)


@contextmanager
def running_servers() -> Iterator[Servers]:
    """Both servers for the length of the block."""
    with stand_in(api_key=KEY) as cohere, open_port() as port:
        yield Servers(cohere, port)
