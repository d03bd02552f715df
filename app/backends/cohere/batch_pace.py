"""How long is waited between looks at a batch on a server, and how long in all."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.backends.base import BackendError

_GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class BatchPace:
    """How long to wait, in seconds.

    `look` after the first look, then ever longer up to `longest_look`. `in_flight` before each
    further look for a batch that an earlier attempt, now dead, may have asked for. A server may be
    `away`, and a batch take, no longer than so.
    """

    look: float = 2.0
    longest_look: float = 60.0
    in_flight: Sequence[float] = (1.0, 2.0, 4.0)
    away: float = 3600.0
    longest: float = 48 * 3600.0

    def pauses(self, backend: str) -> Iterator[float]:
        """Seconds to wait after each look. Raises BackendError `backend_timeout` in the end."""
        until = time.monotonic() + self.longest
        pause = self.look
        while time.monotonic() < until:
            yield pause
            pause = min(pause * _GROWTH, self.longest_look)
        said = f"The backend {backend} did not get done with a batch."
        raise BackendError("backend_timeout", said)
