"""Whether a server is called at all: one that has failed again and again is left alone for a while.

Each model of a server has a circuit of its own, since one that is down says nothing of the others;
what is no model's affair shares one. All on one event loop.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from app.backends.base import BackendError

_MOST_KEPT = 1000


@runtime_checkable
class MayBeAway(Protocol):
    """A backend on a server elsewhere, which may be away."""

    @property
    def is_away(self) -> bool:
        """Whether the last calls have failed, again and again; nothing is asked to find out."""


@dataclass(slots=True)
class Circuit:
    """Failures in a row, and until when nobody calls (open) but for one probe at a time."""

    failures: int = 0
    open_until: float | None = None
    probing: bool = False


class Circuits:
    """The circuits of one server, `name`, by what is asked for.

    After `give_up_after` failures in a row one is open for `pause` seconds; then one call at a time
    is let through, until one is answered. `clock` is in seconds.
    """

    def __init__(
        self, name: str, *, give_up_after: int, pause: float, clock: Callable[[], float]
    ) -> None:
        self._name = name
        self._give_up_after = give_up_after
        self._pause = pause
        self._clock = clock
        self._failing: dict[str, Circuit] = {}  # what is not here has answered last

    def __len__(self) -> int:
        return len(self._failing)

    def any_open(self) -> bool:
        """Whether calls about anything are, as `is_open` says it."""
        return any(circuit.open_until is not None for circuit in self._failing.values())

    def is_open(self, about: str) -> bool:
        """Whether calls are refused, or would be but for a probe."""
        circuit = self._failing.get(about)
        return circuit is not None and circuit.open_until is not None

    def enter(self, about: str) -> Circuit | None:
        """The circuit that a call probes, if it does: to be left. Raises BackendError if open."""
        circuit = self._failing.get(about)
        if circuit is None or circuit.open_until is None:
            return None
        wait = circuit.open_until - self._clock()
        if wait > 0 or circuit.probing:
            raise BackendError(
                "backend_unavailable",
                f"The backend {self._name} has failed repeatedly and is left alone for a moment.",
                retryable=True,
                retry_after=max(1.0, math.ceil(wait)),
            )
        circuit.probing = True
        return circuit

    def leave(self, probed: Circuit | None) -> None:
        """A call has ended, however it did, by cancellation even: the next one may probe."""
        if probed is not None:
            probed.probing = False

    def answered(self, about: str) -> None:
        """A sign of life, be it a refusal."""
        self._failing.pop(about, None)

    def failed(self, about: str, probed: Circuit | None) -> None:
        """A call has failed as one does when the server is down."""
        circuit = self._failing.setdefault(about, Circuit())
        circuit.failures += 1
        opens = circuit.open_until is None and circuit.failures >= self._give_up_after
        # Calls that began before it opened and fail only now do not prolong it.
        if opens or probed is circuit:
            circuit.open_until = self._clock() + self._pause
        if len(self._failing) > _MOST_KEPT:  # clients name what models they like
            del self._failing[next(iter(self._failing))]
