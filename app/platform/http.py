"""How endpoints reach the platform: one transaction a request, committed before the answer.

`scope="function"` makes FastAPI end the dependency, and so commit, before the response leaves:
a client that has its 201 can read what it created. Dependencies are coroutines, however little
they do: FastAPI would run a plain function in a thread, and each costs more than the rest of a
short request.
"""

from collections.abc import AsyncIterator
from typing import Annotated, cast

from fastapi import Depends, Query, Request

from app.platform.lineage import Lineage
from app.platform.work import Platform, Work


async def get_platform(request: Request) -> Platform:
    """The platform of this process."""
    return cast(Platform, request.app.state.platform)


async def get_lineage(request: Request) -> Lineage:
    """What was built from what."""
    return cast(Lineage, request.app.state.lineage)


LineageDep = Annotated[Lineage, Depends(get_lineage)]
PlatformDep = Annotated[Platform, Depends(get_platform)]


async def read_work(platform: PlatformDep) -> AsyncIterator[Work]:
    """A transaction for reading."""
    async with platform.work(write=False) as work:
        yield work


async def write_work(platform: PlatformDep) -> AsyncIterator[Work]:
    """A transaction for writing."""
    async with platform.work(write=True) as work:
        yield work


ReadWork = Annotated[Work, Depends(read_work, scope="function")]
WriteWork = Annotated[Work, Depends(write_work, scope="function")]

# Of lists.
Limit = Annotated[int, Query(ge=1, le=1000, description="How many items at the most.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="`next_cursor` of the page before, as given.")
]
