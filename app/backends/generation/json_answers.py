"""JSON as models write it: the list of items an answer holds, if there is no doubt which it is.

Read are an object alone, in a code fence, and with words before or after it; of an object that
breaks off, the items before the break. Two objects, or none, are not guessed about. The work is
linear in the answer, whatever it is.
"""

import json
import re
from dataclasses import dataclass

# The content of a code fence, if there is one only.
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)\n\s*```", re.DOTALL | re.IGNORECASE)
_SPACE = re.compile(r"\s*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Items:
    """The values of the list; `whole` is False if there may have been more of them."""

    values: tuple[object, ...]
    whole: bool = True


def read_items(answer: str, key: str) -> Items | None:
    """The list under `key` of the answer's one object, or None if it cannot be told."""
    for candidate in _candidates(answer):
        try:
            found = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and isinstance(found.get(key), list):
            return Items(tuple(found[key]))
        return None
    return _until_break(answer, key)


def _candidates(answer: str) -> list[str]:
    candidates = [answer]
    fenced = _FENCED.findall(answer)
    if len(fenced) == 1:
        candidates.append(fenced[0])
    opened, closed = answer.find("{"), answer.rfind("}")
    if 0 <= opened < closed:
        candidates.append(answer[opened : closed + 1])
    return candidates


def _until_break(answer: str, key: str) -> Items | None:
    """The complete items at the beginning of a list that breaks off."""
    opening = re.search(rf'\{{\s*"{re.escape(key)}"\s*:\s*\[', answer)
    if opening is None:
        return None
    values: list[object] = []
    at = _after_space(answer, opening.end())
    while at < len(answer) and answer[at] != "]":
        try:
            value, at = _DECODER.raw_decode(answer, at)
        except (ValueError, RecursionError):
            return Items(tuple(values), whole=False)
        at = _after_space(answer, at)
        if at < len(answer) and answer[at] not in ",]":
            return Items(tuple(values), whole=False)
        values.append(value)
        if answer.startswith(",", at):
            at = _after_space(answer, at + 1)
    # What comes after the end of the list is the reason why the whole was not read.
    return Items(tuple(values), whole=False) if not answer[at + 1 :].strip() else None


def _after_space(answer: str, at: int) -> int:
    match = _SPACE.match(answer, at)
    return match.end() if match else at
