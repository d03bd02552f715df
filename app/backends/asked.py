"""Backends that have been asked already: no transaction waits for a server.

What is looked up within a transaction is given these instead of the backends themselves, and finds
in them what those told before it began.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from app.backends.base import BaseModelInfo
from app.backends.registry import FINE_TUNE, TUNED, Backends


class _Asked(Backends):
    """Backends whose base models are those they had."""

    def __init__(
        self, backends: Backends, had: Mapping[str, Sequence[tuple[str, BaseModelInfo]]]
    ) -> None:
        super().__init__(dict(backends))
        self._had = had

    async def base_models(self, only: str | None = None) -> list[tuple[str, BaseModelInfo]]:
        """As they had them; of a backend that was not asked none, as of one that is away."""
        if only is not None:
            return list(self._had.get(only, ()))
        return [each for found in self._had.values() for each in found]


async def asked(backends: Backends, only: Collection[str] | None = None) -> Backends:
    """The same backends, each with the base models it has now.

    Of those that have to ask a server these `only`, or all; the others answer at once.
    """
    names = [
        name
        for name, backend in backends
        if only is None or name in only or backend.lists_all_models
    ]
    found = await asyncio.gather(*(backends.base_models(name) for name in names))
    return _Asked(backends, dict(zip(names, found, strict=True)))


async def asked_about(backends: Backends, models: Collection[str]) -> Backends:
    """The same, as far as it takes to tell what these names of models mean.

    A base model's begins with that of its backend; an alias may be one of any.
    """
    untuned = [name for name in models if not name.startswith((TUNED, FINE_TUNE))]
    if any(":" not in name for name in untuned):
        return await asked(backends)
    return await asked(backends, {name.partition(":")[0] for name in untuned})
