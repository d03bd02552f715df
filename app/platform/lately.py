"""Names about which something was found out a moment ago, and need not be asked about again."""

import time
from collections.abc import Callable

_MOST_NAMES = 10_000


class Lately:
    """What a process remembers for `seconds`; it forgets all rather than grow without bound."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until: dict[str, float] = {}

    def __contains__(self, name: str) -> bool:
        return self._clock() < self._until.get(name, 0.0)

    def add(self, name: str) -> None:
        """It has been found out now."""
        if len(self._until) >= _MOST_NAMES:
            self._until.clear()
        self._until[name] = self._clock() + self._seconds
