"""What holds of each room's table of transitions, and of the ledger that keeps to it."""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from itertools import product
from typing import Any, TypeVar

from app.platform.errors import ApiError
from app.platform.work import Platform, Work

S = TypeVar("S", bound=StrEnum)


def check_table(
    table: Mapping[S, Collection[S]], terminal: Collection[S], ways: Mapping[S, str]
) -> None:
    """The table is the one drawn in `ways`, every pair of states of it."""
    statuses = [*type(next(iter(ways)))]
    for status, following in product(statuses, statuses):
        assert (following in table[status]) == (following in ways[status].split())
    assert {status for status in statuses if not ways[status]} == set(terminal)


async def refused(
    platform: Platform, ledger: Callable[[Work], Any], row_id: str, following: StrEnum
) -> bool:
    """Whether a room's ledger refuses to move a row there."""
    try:
        async with platform.work(write=True) as work:
            here = ledger(work)
            await here.move(await here.locked(row_id), following)
    except ApiError as error:
        return error.code == "conflict"
    return False
