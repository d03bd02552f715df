"""Answers about names, kept for the next time: names come again and again, from text to text.

What is kept are names of texts, so it is kept in memory only, and bounded: by a number, and since
whoever sends a text chooses how long its words are, by the length of each name as well.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

# Code points; the longest mention of BC5CDR has 105.
LONGEST = 200

Answer = TypeVar("Answer")


def remembered(most: int) -> Callable[[Callable[[str], Answer]], Callable[[str], Answer]]:
    """Keep the last `most` answers of a pure function of a name, none of a name beyond LONGEST."""

    def decorate(function: Callable[[str], Answer]) -> Callable[[str], Answer]:
        kept = lru_cache(most)(function)

        @wraps(function)
        def ask(name: str) -> Answer:
            return kept(name) if len(name) <= LONGEST else function(name)

        return ask

    return decorate
