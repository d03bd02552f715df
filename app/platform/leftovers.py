"""Removes what crashes left in the stores: files that no row names.

Files are listed first and looked for in the database then, page by page: what is named between the
two is found. What was stored a moment ago may not have its row yet; only files older than a given
time are removed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from app.platform.blobs import is_key
from app.platform.objects import Objects, Stored
from app.platform.work import Platform, Work

_PAGE = 500

InUse = Callable[[Sequence[str]], Awaitable[set[str]]]
"""Of these names of files, those that are needed."""


class OwnsBlobs(Protocol):
    """A room's service, as far as its blobs are concerned."""

    async def blobs_in_use(self, keys: Sequence[str]) -> set[str]:
        """Of these blobs those that a row names, and all of a row whose job has not ended."""


Owners = Mapping[str, Callable[[Work], OwnsBlobs]]
"""The room of each kind of owner, by what the ids begin with: `ds`."""


@dataclass
class Removed:
    """How many files were removed, and their bytes."""

    files: int = 0
    bytes: int = 0

    def add(self, files: int, size: int) -> None:
        """Count more of them."""
        self.files += files
        self.bytes += size


@dataclass(frozen=True)
class Sweep:
    """Removes what was last written before `older_than` (Unix time), or only counts it."""

    older_than: float
    dry_run: bool = False

    async def files(self, objects: Objects, in_use: InUse) -> Removed:
        """Files of a store that are not in use."""
        return await self._remove(objects.stored(), in_use, objects.delete)

    async def copies(self, objects: Objects, in_use: InUse) -> Removed:
        """Copies on this machine of files that are not in use."""
        return await self._remove(objects.copies(), in_use, objects.drop_copy)

    async def unfinished(self, objects: Objects) -> Removed:
        """Files that whoever wrote them was cut off from finishing."""
        return Removed(*await asyncio.to_thread(objects.sweep, self.older_than, self.dry_run))

    async def _remove(
        self, listed: Iterator[Stored], in_use: InUse, remove: Callable[[str], None]
    ) -> Removed:
        removed = Removed()

        def remove_all(unused: Sequence[Stored]) -> None:
            for each in unused:
                if not self.dry_run:
                    remove(each.name)
                removed.add(1, each.bytes)

        async for page in _pages(listed):
            old = [each for each in page if each.modified < self.older_than]
            used = await in_use([each.name for each in old])
            await asyncio.to_thread(remove_all, [each for each in old if each.name not in used])
        return removed


def blobs_in_use(platform: Platform, owners: Owners) -> InUse:
    """What is needed of blobs: also whatever has a name that this version does not know."""

    async def in_use(names: Sequence[str]) -> set[str]:
        kinds = {name: name.partition("_")[0] if is_key(name) else "" for name in names}
        used = {name for name, kind in kinds.items() if kind not in owners}
        async with platform.work(write=False) as work:
            for kind, room in owners.items():
                if keys := [name for name in names if kinds[name] == kind]:
                    used |= await room(work).blobs_in_use(keys)
        return used

    return in_use


def of_owners(keys: Sequence[str], owners: Sequence[str]) -> set[str]:
    """The keys of blobs that have one of these owners."""
    known = frozenset(owners)
    return {key for key in keys if key.partition("/")[0] in known}


def owners_of(keys: Sequence[str]) -> list[str]:
    """The owners of blobs, each once."""
    return list(dict.fromkeys(key.partition("/")[0] for key in keys))


async def _pages(listed: Iterator[Stored]) -> AsyncIterator[list[Stored]]:
    while page := await asyncio.to_thread(lambda: list(islice(listed, _PAGE))):
        yield page
