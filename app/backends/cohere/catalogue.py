"""The models a Cohere server lists, as it lists them: asked for again and again, in the background.

Nobody waits for a list that is already known, and for the first one only briefly.
"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import takewhile

import structlog

from app.backends.base import BackendError, BaseModelInfo
from app.backends.cohere.client import CohereClient
from app.backends.cohere.failures import MalformedError, is_gone
from app.prompts.tasks import Task

log = structlog.get_logger(__name__)

_PAGE = 1000
_MOST_PAGES = 100
_SECONDS_A_PAGE = 10.0
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

    A list is fresh for `fresh_for` seconds; the first is waited for `patience` seconds; a server
    that did not answer is asked again after `again_after` seconds. All on one event loop.
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
        self._fresh_for = fresh_for
        self._patience = patience
        self._again_after = again_after
        self._clock = clock
        self._listed: dict[str, _Listed] | None = None
        self._retired: dict[str, BaseModelInfo] = {}
        self._can_tune: bool | None = None  # not known yet
        self._due = clock()
        self._refresh: asyncio.Task[None] | None = None
        self._begun = 0.0

    async def models(self) -> list[BaseModelInfo]:
        """All base models: those listed, and those that have told us that they are retired."""
        await self._load()
        listed = {name: found.info for name, found in (self._listed or {}).items()}
        tunable = [
            replace(info, can_tune=self._can_tune is True)
            for name, info in listed.items()
            if name not in self._retired
        ]
        return [*tunable, *map(self._replaced, self._retired.values())]

    def offers_tuning(self) -> bool | None:
        """Whether the server fine-tunes; None if that is not known. Waits for nothing."""
        self.start()
        return self._can_tune

    async def takes_schema(self, model: str) -> bool:
        """Whether the model's answers can be held to a JSON schema, as far as is known."""
        await self._load()
        found = (self._listed or {}).get(model)
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
            for name, found in (self._listed or {}).items()
            if not found.deprecated and name not in self._retired and name != model
        ]
        return max(usable, key=fitness, default=None)

    def retire(self, model: str, on: date | None) -> None:
        """Note what an answer has told; only of models that have been listed."""
        found = (self._listed or {}).get(model)
        if found is not None and on is not None:
            self._retired[model] = replace(
                found.info, can_extract=False, can_tune=False, retired_on=on
            )

    def doubt(self) -> None:
        """The list may be out of date: ask anew, at the next occasion."""
        self._due = min(self._due, self._clock())

    def start(self) -> None:
        """Ask for the list now, in the background, if it is not fresh and not being asked for."""
        if self._refresh is None and self._clock() >= self._due:
            self._begun = self._clock()
            self._refresh = asyncio.create_task(self._ask())

    async def close(self) -> None:
        """Ask no more."""
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.wait([self._refresh])

    def _replaced(self, retired: BaseModelInfo) -> BaseModelInfo:
        return replace(retired, replaced_by=self.replacement(retired.name))

    async def _load(self) -> None:
        self.start()
        if self._listed is None and self._refresh is not None:
            # All callers together wait only so long for a server that does not answer.
            left = self._begun + self._patience - self._clock()
            await asyncio.wait([self._refresh], timeout=max(0.0, left))

    async def _ask(self) -> None:
        self._due = self._clock() + self._again_after
        try:
            self._listed = await self._list()
            self._can_tune = await self._ask_for_tuning()
            self._due = self._clock() + self._fresh_for
        except Exception as error:  # nobody waits for this; the SDK may trip over anything
            said = error.code if isinstance(error, BackendError) else type(error).__name__
            log.warning("models_not_listed", backend=self._client.remote.name, error=said)
        finally:
            self._refresh = None

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

        return await self._client.call(ask, within=_SECONDS_A_PAGE)

    async def _ask_for_tuning(self) -> bool | None:
        """Whether the server fine-tunes; what is known stays, where it does not say."""
        try:
            await self._client.call(
                lambda: self._client.sdk.finetuning.list_finetuned_models(page_size=1),
                within=_SECONDS_A_PAGE,
            )
        except BackendError as error:
            return False if is_gone(error) else self._can_tune
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
