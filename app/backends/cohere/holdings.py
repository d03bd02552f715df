"""What a Cohere server holds under a name: datasets and fine-tunes, found by listing all pages.

Names there need not be unique, and answers of success are not validated by the SDK: what is read
here is checked, and whatever is not as it should be is passed over.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from math import inf, isfinite
from typing import TypeVar

from app.backends.base import BackendError, MetricPoint
from app.backends.cohere.client import CohereClient
from app.backends.cohere.failures import MalformedError, is_gone
from app.backends.remote import RemoteError

T = TypeVar("T")

_PAGE = 100
_MOST_PAGES = 1000


@dataclass(frozen=True, slots=True)
class HeldDataset:
    """A dataset; `error` and `warnings` are what its validation has said."""

    id: str
    status: str
    error: str = ""
    warnings: tuple[str, ...] = ()
    training_rows: int | None = None
    created: float = inf


@dataclass(frozen=True, slots=True)
class HeldTune:
    """A fine-tune; `status` is in lower case without its prefix, `created` in seconds.

    `settings` are the numbers among the hyperparameters, where the server tells them.
    """

    id: str
    status: str
    dataset_id: str | None
    settings: Mapping[str, float]
    created: float = inf


def lenient(error: BackendError) -> BackendError:
    """The same, to be tried again: a training is not given up for one answer a proxy garbled."""
    if isinstance(error, RemoteError) and error.failure.kind == "malformed":
        error.retryable = True
    return error


async def unless_gone(call: Callable[[], Awaitable[T]], otherwise: T) -> T:
    """The result of the call, or `otherwise` if what it is about is gone."""
    try:
        return await call()
    except BackendError as error:
        if not is_gone(error):
            raise
        return otherwise


class Holdings:
    """Looks things up, and deletes them; deleting what is gone is done. Raises BackendError."""

    def __init__(self, client: CohereClient) -> None:
        self._client = client
        self._datasets = client.sdk.datasets
        self._finetuning = client.sdk.finetuning

    async def tunes(self, name: str) -> list[HeldTune]:
        """The fine-tunes of this name, oldest first; with deleted ones, if the server has them."""
        found = [
            tune
            async for model in self.all_pages(
                "finetuned_models",
                lambda token: self._finetuning.list_finetuned_models(
                    page_size=_PAGE, page_token=token
                ),
            )
            if _named(model, name) and (tune := _tune(model))
        ]
        return sorted(found, key=lambda tune: (tune.created, tune.id))

    async def tune(self, tune_id: str) -> HeldTune | None:
        """A fine-tune; None if there is none of this id."""
        get = partial(self._finetuning.get_finetuned_model, tune_id)
        return _tune(await self.one("finetuned_model", get))

    async def delete_tune(self, tune_id: str) -> None:
        """Delete a fine-tune, or stop its training."""
        await self._delete(lambda: self._finetuning.delete_finetuned_model(tune_id))

    async def events(self, tune_id: str) -> list[tuple[str, str]]:
        """(status, time as RFC 3339) of a fine-tune, in order of time."""
        found = [
            (_status(getattr(event, "status", None)), at.isoformat())
            async for event in self.all_pages(
                "events",
                lambda token: self._finetuning.list_events(
                    tune_id, page_size=_PAGE, page_token=token
                ),
            )
            if isinstance(at := getattr(event, "created_at", None), datetime)
        ]
        return sorted(found, key=lambda event: event[1])

    async def curve(self, tune_id: str) -> list[MetricPoint]:
        """The training curve so far, in order of steps."""
        found = [
            point
            async for step in self.all_pages(
                "step_metrics",
                lambda token: self._finetuning.list_training_step_metrics(
                    tune_id, page_size=_PAGE, page_token=token
                ),
            )
            for point in _points(step)
        ]
        return sorted(found, key=lambda point: (point.step, point.name))

    async def datasets(self, name: str, kind: str | None = None) -> list[HeldDataset]:
        """The datasets of this name, oldest first; `kind` is their type, where it is known."""
        found: dict[str, HeldDataset] = {}
        offset = 0
        ask = partial(self._datasets.list, dataset_type=kind, limit=_PAGE)
        for _ in range(_MOST_PAGES):
            page, _token = await self._page("datasets", partial(ask, offset=offset))
            for thing in page:
                if _named(thing, name) and (dataset := _dataset(thing)):
                    found[dataset.id] = dataset
            # A server may give shorter pages than asked for; only an empty one is the end.
            if not page:
                break
            offset += len(page)
        return sorted(found.values(), key=lambda dataset: (dataset.created, dataset.id))

    async def dataset(self, dataset_id: str) -> HeldDataset | None:
        """A dataset; None if there is none of this id."""
        return _dataset(await self.one("dataset", lambda: self._datasets.get(dataset_id)))

    async def delete_dataset(self, dataset_id: str) -> None:
        """Delete a dataset."""
        await self._delete(lambda: self._datasets.delete(dataset_id))

    async def _delete(self, delete: Callable[[], Awaitable[object]]) -> None:
        await unless_gone(lambda: self._client.call(delete), None)

    async def one(self, field: str, get: Callable[[], Awaitable[object]]) -> object | None:
        """What the answer has in `field`; None if the thing is gone."""

        async def read() -> object:
            if (thing := getattr(await get(), field, None)) is None:
                raise MalformedError(field)
            return thing

        return await unless_gone(lambda: self._read(read), None)

    async def all_pages(
        self, field: str, get: Callable[[str | None], Awaitable[object]]
    ) -> AsyncIterator[object]:
        """All things of a list, however many pages the server makes of it."""
        token: str | None = None
        for _ in range(_MOST_PAGES):
            page, following = await self._page(field, partial(get, token))
            for thing in page:
                yield thing
            if following in (None, "", token):
                return
            token = following

    async def _page(
        self, field: str, get: Callable[[], Awaitable[object]]
    ) -> tuple[list[object], str | None]:
        """A page of a list, and the next page's token; a server may leave out an empty list."""

        async def read() -> tuple[list[object], str | None]:
            answer = await get()
            page, token = getattr(answer, field, None), getattr(answer, "next_page_token", None)
            if not isinstance(page, list | None) or not isinstance(token, str | None):
                raise MalformedError(field)
            return page or [], token

        return await self._read(read)

    async def _read(self, read: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._client.call(read)
        except RemoteError as error:
            raise lenient(error) from None


def _named(thing: object, name: str) -> bool:
    return getattr(thing, "name", None) == name


def _tune(model: object) -> HeldTune | None:
    tune_id = getattr(model, "id", None)
    if not isinstance(tune_id, str) or not tune_id:
        return None
    settings = getattr(model, "settings", None)
    dataset_id = getattr(settings, "dataset_id", None)
    chosen = getattr(settings, "hyperparameters", None)
    numbers = {name: getattr(chosen, name, None) for name in ("train_epochs", "train_batch_size")}
    return HeldTune(
        id=tune_id,
        status=_status(getattr(model, "status", None)),
        dataset_id=dataset_id if isinstance(dataset_id, str) else None,
        settings={name: n for name, n in numbers.items() if isinstance(n, int | float) and n > 0},
        created=seconds_of(getattr(model, "created_at", None)),
    )


def _dataset(dataset: object) -> HeldDataset | None:
    dataset_id = getattr(dataset, "id", None)
    if not isinstance(dataset_id, str) or not dataset_id:
        return None
    error = getattr(dataset, "validation_error", None)
    warnings = getattr(dataset, "validation_warnings", None)
    facts = getattr(getattr(dataset, "metrics", None), "finetune_dataset_metrics", None)
    rows = getattr(facts, "train_examples", None)
    return HeldDataset(
        id=dataset_id,
        status=str(getattr(dataset, "validation_status", "")).lower(),
        error=error if isinstance(error, str) else "",
        warnings=_strings(warnings),
        training_rows=rows if isinstance(rows, int) and rows > 0 else None,
        created=seconds_of(getattr(dataset, "created_at", None)),
    )


def _strings(values: object) -> tuple[str, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        return ()
    return tuple(value for value in values if isinstance(value, str))


def _status(status: object) -> str:
    return str(status).removeprefix("STATUS_").lower()


def seconds_of(at: object) -> float:
    """Seconds since 1970; whatever has no time counts as youngest."""
    if not isinstance(at, datetime):
        return inf
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _points(step: object) -> Iterator[MetricPoint]:
    """The measurements of a step; its number is absent for the first one."""
    metrics = getattr(step, "metrics", None)
    number = getattr(step, "step_number", None)
    if not isinstance(metrics, Mapping):
        return
    for name, value in metrics.items():
        if name != "step" and isinstance(value, int | float) and isfinite(value):
            at = number if isinstance(number, int) else 0
            yield MetricPoint("training", at, str(name), float(value))
