"""What was built from what: each room says how its things are found by their source, and deleted.

A room knows nothing of those above it; the composition root lists them all here, from the source
upward, and a deletion walks the line.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from app.platform.errors import ApiError
from app.platform.work import Work


@dataclass(frozen=True)
class Link:
    """One step of the line: things of `kind` are built from things of `source`."""

    source: str
    kind: str
    built_from: Callable[[Work, str], Awaitable[Sequence[str]]]
    delete: Callable[[Work, str], Awaitable[None]]


@dataclass(frozen=True)
class Lineage:
    """All links of the line dataset -> training file -> fine-tune -> model."""

    links: Sequence[Link]

    async def release(self, work: Work, source: str, source_id: str, *, cascade: bool) -> None:
        """Delete all that was built from `source_id`, deepest first.

        Without `cascade` raise ApiError `in_use` if there is anything. What is built from several
        things may be reached from each, in another order: so one cascade of a workspace at a time.
        """
        if cascade:
            await work.one_at_a_time(f"cascades of {work.principal.workspace}")
        for link in self.links:
            if link.source != source:
                continue
            for built in await link.built_from(work, source_id):
                if not cascade:
                    raise ApiError("in_use", f"The {link.kind} {built} was built from this.")
                await self.release(work, link.kind, built, cascade=True)
                await link.delete(work, built)

    async def descendants(self, work: Work, source: str, source_id: str) -> list[tuple[str, str]]:
        """(kind, id) of all that was built from `source_id`, each once, the nearest first."""
        found = {
            (link.kind, built): None
            for link in self.links
            if link.source == source
            for built in await link.built_from(work, source_id)
        }
        for kind, built in list(found):
            found |= dict.fromkeys(await self.descendants(work, kind, built))
        return list(found)
