"""The models a Cohere server lists, and whether it fine-tunes; asked for in the background."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import takewhile

from app.backends.base import BackendError, BaseModelInfo
from app.backends.cohere.client import CohereClient
from app.backends.cohere.failures import MalformedError, is_gone
from app.backends.refreshed import Refreshed
from app.prompts.tasks import Task

_PAGE = 1000
_MOST_PAGES = 100
_SECONDS_A_PAGE = 10.0
_LISTS = "lists"  # those that fail say nothing of models and trainings
_DATED = re.compile(r"-(\d\d)-(\d{4})$")
# Which of `features` says that an answer can be held to a schema; `json_mode` alone is any JSON.
_SCHEMA_FEATURES = frozenset({"json_schema", "structured_outputs"})


@dataclass(frozen=True, slots=True)
class _Listed:
    info: BaseModelInfo
    deprecated: bool
    takes_schema: bool


class Catalogue:
    """The base models of one server; tuned ones are in our own catalogue.

    For the times see `Refreshed`. All on one event loop.
    """

    def __init__(
        self,
        client: CohereClient,
        *,
        fresh_for: float = 300.0,
        patience: float = 2.0,
        again_after: float = 15.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        name = client.remote.name
        pace = {"fresh_for": fresh_for, "patience": patience, "again_after": again_after}
        self._models = Refreshed(self._list, name, "models", clock=clock, **pace)
        self._tuning = Refreshed(self._ask_for_tuning, name, "fine-tuning", clock=clock, **pace)
        self._retired: dict[str, BaseModelInfo] = {}
        # Every extraction asks for it: put together once for each state of the lists.
        self._told: tuple[object, Sequence[BaseModelInfo]] = (None, ())

    @property
    def _listed(self) -> Mapping[str, _Listed]:
        return self._models.known or {}

    async def models(self) -> Sequence[BaseModelInfo]:
        """All base models: those listed, and those that have told us that they are retired."""
        if self._models.known is None:
            await asyncio.gather(self._models.get(), self._tuning.get())
        else:
            self.start()
        state = (self._models.known, self._tuning.known)
        if self._told[0] != state:
            self._told = (state, self._all())
        return self._told[1]

    def offers_tuning(self) -> bool | None:
        """Whether the server fine-tunes; None if that is not known. Waits for nothing."""
        self._tuning.start()
        return self._tuning.known

    async def takes_schema(self, model: str) -> bool:
        """Whether the model's answers can be held to a JSON schema, as far as is known."""
        found = (await self._models.get() or {}).get(model)
        return found is not None and found.takes_schema

    def replacement(self, model: str) -> str | None:
        """What to use in place of a retired model: the closest name, the newest of these."""
        family, _ = _family(model)

        def fitness(name: str) -> tuple[int, int, str]:
            own, dated = _family(name)
            # Of command-a-03-2025 and command-a-vision-07-2025, the plain one.
            shared = takewhile(lambda both: both[0] == both[1], zip(own, family, strict=False))
            return len(list(shared)), -len(own), dated

        usable = [
            name
            for name, found in self._listed.items()
            if not found.deprecated and name not in self._retired and name != model
        ]
        return max(usable, key=fitness, default=None)

    def retire(self, model: str, on: date | None) -> None:
        """Note what an answer has told; only of models that have been listed."""
        found = self._listed.get(model)
        if found is not None and on is not None:
            self._retired[model] = replace(
                found.info, can_extract=False, can_tune=False, retired_on=on
            )
            self._told = (None, ())

    def doubt(self) -> None:
        """All of it may be out of date: ask anew, at the next occasion."""
        self._models.doubt()
        self._tuning.doubt()

    def start(self) -> None:
        """Ask now, in the background, for what is not fresh."""
        self._models.start()
        self._tuning.start()

    async def close(self) -> None:
        """Ask no more."""
        await self._models.close()
        await self._tuning.close()

    def _all(self) -> Sequence[BaseModelInfo]:
        usable = [one.info for name, one in self._listed.items() if name not in self._retired]
        if self._tuning.known is True:
            usable = [replace(info, can_tune=True) for info in usable]
        return [*usable, *map(self._replaced, self._retired.values())]

    def _replaced(self, retired: BaseModelInfo) -> BaseModelInfo:
        return replace(retired, replaced_by=self.replacement(retired.name))

    async def _list(self) -> dict[str, _Listed]:
        """All pages. Raises BackendError."""
        found: dict[str, _Listed] = {}
        token: str | None = None
        for _ in range(_MOST_PAGES):
            models, token = await self._page(token)
            found |= {one.info.name: one for one in map(_read, models) if one is not None}
            if token is None:
                break
        return found

    async def _page(self, token: str | None) -> tuple[Sequence[object], str | None]:
        async def ask() -> tuple[Sequence[object], str | None]:
            answer = await self._client.sdk.models.list(
                page_size=_PAGE, page_token=token, endpoint="chat"
            )
            models = getattr(answer, "models", None)
            if not isinstance(models, list):
                raise MalformedError
            following = getattr(answer, "next_page_token", None)
            more = isinstance(following, str) and following not in ("", token)
            return models, following if more else None

        return await self._client.call(ask, within=_SECONDS_A_PAGE, about=_LISTS)

    async def _ask_for_tuning(self) -> bool:
        """Whether the server fine-tunes. Raises BackendError where it does not say."""
        try:
            await self._client.call(
                lambda: self._client.sdk.finetuning.list_finetuned_models(page_size=1),
                within=_SECONDS_A_PAGE,
                about=_LISTS,
            )
        except BackendError as error:
            if is_gone(error):
                return False
            raise
        return True


def _family(name: str) -> tuple[list[str], str]:
    """The parts of a name before its date, and the date as it sorts: `command-a-03-2025`."""
    dated = _DATED.search(name)
    parts = name[: dated.start() if dated else None].split("-")
    return parts, f"{dated[2]}-{dated[1]}" if dated else ""


def _read(model: object) -> _Listed | None:
    """A model as we list it; None for what cannot chat, was tuned, or cannot be read."""
    name = getattr(model, "name", None)
    endpoints = getattr(model, "endpoints", None)
    if not isinstance(name, str) or not name or getattr(model, "finetuned", None) is True:
        return None
    if isinstance(endpoints, list) and "chat" not in endpoints:
        return None
    deprecated = getattr(model, "is_deprecated", None) is True
    features = getattr(model, "features", None)
    context = getattr(model, "context_length", None)
    description = "Chat model"
    if isinstance(context, int | float) and context > 0:
        description += f", {context:,.0f} tokens of context"
    description += ". Deprecated: its server will retire it." if deprecated else "."
    return _Listed(
        BaseModelInfo(name, description, frozenset(Task)),
        deprecated,
        isinstance(features, list) and not _SCHEMA_FEATURES.isdisjoint(map(str, features)),
    )
