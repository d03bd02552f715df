"""Near spellings, for what a model generated: one slip of the pen, and never another name.

A text is near an item if, apart from white space, hyphens and case, they differ in one place only,
by at most one character (two from 16 characters on), and agree in the first four characters, in
the last three (not counting a plural s), and in all digits. So "seizures" is near "seizure", but
"hypotension" not near "hypertension", "nitrite" not near "nitrate" and "5-HT2" not near "5-HT3".
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate

from app.prompts.words import joins, words

_SHORTEST, _LONGEST = 7, 100
_LONG = 16
_BEGINNING, _ENDING = 4, 3
# Texts compared in one call; what comes after them is not found.
_MAX_COMPARED = 20_000

_DIGITS = re.compile(r"\d+")


def near(items: Iterable[str], text: str) -> Iterator[tuple[int, int, str]]:
    """Places (start, end, item) of near spellings: item by item, the nearest length first."""
    parts = words(text)
    folded = [part for _, _, part in parts]
    joined = "".join(folded)
    starts = [0, *accumulate(map(len, folded))]
    by_beginning = defaultdict(list)
    for index, start in enumerate(starts[:-1]):
        by_beginning[joined[start : start + _BEGINNING]].append(index)
    compared = 0
    for item in items:
        wanted = "".join(part for _, _, part in words(item))
        if not _SHORTEST <= len(wanted) <= _LONGEST:
            continue
        found = []
        for first in by_beginning.get(wanted[:_BEGINNING], ()):
            for after in _ends(starts, starts[first] + len(wanted), _allowed(wanted)):
                compared += 1
                if compared > _MAX_COMPARED:
                    return
                start, end = parts[first][0], parts[after - 1][1]
                inside = joins(text, start) or joins(text, end)
                if not inside and _is_near(joined[starts[first] : starts[after]], wanted):
                    found.append((abs(starts[after] - starts[first] - len(wanted)), start, end))
        for _, start, end in sorted(found):
            yield start, end, item


def _allowed(wanted: str) -> int:
    return 1 if len(wanted) < _LONG else 2


def _ends(starts: list[int], place: int, allowed: int) -> range:
    """The words that begin at most `allowed` characters from `place`."""
    return range(
        max(1, bisect_left(starts, place - allowed)), bisect_left(starts, place + allowed + 1)
    )


def _is_near(one: str, other: str) -> bool:
    if one.rstrip("s")[-_ENDING:] != other.rstrip("s")[-_ENDING:]:
        return False
    if _DIGITS.findall(one) != _DIGITS.findall(other):
        return False
    begun = _common(one, other)
    ended = _common(one[begun:][::-1], other[begun:][::-1])
    return max(len(one), len(other)) - begun - ended <= _allowed(other)


def _common(one: str, other: str) -> int:
    """How many characters the two have in common at their beginning."""
    differ = (place for place, pair in enumerate(zip(one, other, strict=False)) if len({*pair}) > 1)
    return next(differ, min(len(one), len(other)))
