"""Which statuses may follow which: the rooms' own tables, where they have one."""

from collections.abc import Mapping
from itertools import pairwise

from app.extraction_batches.states import TRANSITIONS as BATCHES
from app.fine_tunes.states import TRANSITIONS as FINE_TUNES

Ways = Mapping[str, frozenset[str]]


def _ways(**following: str) -> Ways:
    return {status: frozenset(after.split()) for status, after in following.items()}


WAYS: Mapping[str, Ways] = {
    "datasets": _ways(validating="ready failed"),
    "training-files": _ways(building="ready failed"),
    "vocabularies": _ways(building="ready failed"),
    "fine-tunes": {status.value: frozenset(after) for status, after in FINE_TUNES.items()},
    "extraction-batches": {status.value: frozenset(after) for status, after in BATCHES.items()},
    "evaluations": _ways(queued="running cancelled failed", running="succeeded failed cancelled"),
}


def may_follow(room: str, before: str, after: str) -> bool:
    """Whether one may be seen some time after the other, however many lie between."""
    reached, left = {before}, [before]
    while left:
        new = WAYS[room].get(left.pop(), frozenset()) - reached
        reached |= new
        left += new
    return after in reached


def broken_ways(room: str, events: list[str]) -> list[str]:
    """The steps of a history that the table does not have; what is no status is no step."""
    ways = WAYS[room]
    statuses = {*ways, *(after for following in ways.values() for after in following)}
    history = [event for event in events if event in statuses]
    return [
        f"{one} -> {other}" for one, other in pairwise(history) if other not in ways.get(one, ())
    ]
