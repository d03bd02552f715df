"""When what could not be delivered is tried again, after the Standard Webhooks specification."""

import random
from collections.abc import Callable
from datetime import timedelta

# Before the first attempt, the second, and so on: the last is made three days after the first.
DELAYS_SECONDS = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
_JITTER = 0.1  # at the most so much longer: those that failed together do not come together again
_LONGEST_ASKED_FOR_SECONDS = 86_400.0


def pause_after(
    number: int, asked_for_seconds: float | None, chance: Callable[[], float] = random.random
) -> timedelta | None:
    """How long to wait after attempt `number` (from 1) has failed; None if it was the last one.

    `asked_for_seconds` is the receiver's own wish, honoured up to a day.
    """
    if number >= len(DELAYS_SECONDS):
        return None
    seconds = DELAYS_SECONDS[number] * (1 + _JITTER * chance())
    asked = min(asked_for_seconds or 0.0, _LONGEST_ASKED_FOR_SECONDS)
    return timedelta(seconds=max(seconds, asked))
