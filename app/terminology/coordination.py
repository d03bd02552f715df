"""Names of several things that share a word: "ocular and auditory toxicity"."""

import re
from collections.abc import Iterator

_LONGEST = 200
_AND = r",? (?:and|or) "
# "ocular, renal and auditory toxicity": one word each, and what they share last.
_SHARED_END = re.compile(rf"((?:[\w-]+, )*[\w-]+){_AND}([\w-]+) ([^,]+)")
# "cancer of the kidney or the bladder": what they share first.
_SHARED_BEGINNING = re.compile(
    rf"(.+? (?:of|in) (?:the )?)((?:[\w-]+, )*[\w-]+){_AND}(?:the )?([\w -]+)"
)
_SEPARATOR = re.compile(rf"{_AND}|, ")


def coordinated(name: str) -> Iterator[list[str]]:
    """Each way to read the name as several, two or more; none if nothing is joined in it."""
    if len(name) > _LONGEST:
        return
    if match := _SHARED_END.fullmatch(name):
        yield [f"{word} {match[3]}" for word in [*match[1].split(", "), match[2]]]
    if match := _SHARED_BEGINNING.fullmatch(name):
        yield [f"{match[1]}{word}" for word in [*match[2].split(", "), match[3]]]
    parts = _SEPARATOR.split(name)
    if len(parts) > 1 and all(parts):
        yield parts
