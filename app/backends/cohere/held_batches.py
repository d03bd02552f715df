"""What a Cohere server holds of batches: found by name, looked at, cancelled, and their output.

As in `holdings.py` what is read is checked, since the SDK checks nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import inf

from app.backends.base import BackendError
from app.backends.cohere.client import CohereClient
from app.backends.cohere.failures import is_gone, is_unknown_model
from app.backends.cohere.holdings import Holdings, seconds_of, unless_gone
from app.backends.remote import Failure, RemoteError

_PAGE = 100
_NOT_OFFERED = 501
_NO_ENDPOINT = (404, 405, _NOT_OFFERED)
# How the service spells it, and how its own notebook does.
_CANCELLED = frozenset({"canceling", "cancelling", "canceled", "cancelled"})


@dataclass(frozen=True, slots=True)
class HeldBatch:
    """A batch; `status` is in lower case without its prefix, and spelt one way."""

    id: str
    status: str
    input_id: str | None
    output_id: str | None
    created: float = inf

    @property
    def over(self) -> bool:
        """Whether it will not change any more."""
        return self.status in ("completed", "failed", "cancelled")

    @property
    def of_use(self) -> bool:
        """Whether it has answers or will have."""
        return self.status not in ("failed", "cancelled", "cancelling")


def refuses(error: BackendError) -> bool:
    """Whether the server does not do this, whoever asks and whenever."""
    not_offered = isinstance(error, RemoteError) and error.failure.status == _NOT_OFFERED
    return not_offered or is_gone(error)


def has_no_endpoint(error: BackendError) -> bool:
    """Whether a refusal is of batches at all, and not of one model."""
    if is_unknown_model(error):
        return False
    return isinstance(error, RemoteError) and error.failure.status in _NO_ENDPOINT


class HeldBatches:
    """The batches of one server. Raises BackendError."""

    def __init__(self, client: CohereClient, holdings: Holdings) -> None:
        self._client = client
        self._batches = client.sdk.batches
        self._holdings = holdings

    async def probe(self) -> None:
        """Ask for the list, to see whether there is one."""
        await self._client.call(lambda: self._batches.list(page_size=1))

    async def named(self, name: str) -> list[HeldBatch]:
        """The batches of this name, oldest first."""
        found = [
            batch
            async for thing in self._holdings.all_pages(
                "batches", lambda token: self._batches.list(page_size=_PAGE, page_token=token)
            )
            if getattr(thing, "name", None) == name and (batch := held(thing))
        ]
        return sorted(found, key=lambda batch: (batch.created, batch.id))

    async def get(self, batch_id: str) -> HeldBatch | None:
        """The batch as it is now; None if there is none of this id."""
        return held(await self._holdings.one("batch", partial(self._batches.retrieve, batch_id)))

    async def cancel(self, batch_id: str) -> None:
        """Stop it; one that is over stays as it is."""
        await unless_gone(lambda: self._client.call(partial(self._batches.cancel, batch_id)), None)

    async def output(self, dataset_id: str) -> Sequence[str] | None:
        """The addresses of a dataset's files; None while it is not complete, () if it is gone."""
        dataset = await self._holdings.one(
            "dataset", lambda: self._client.sdk.datasets.get(dataset_id)
        )
        if dataset is None:
            return ()
        if getattr(dataset, "validation_status", None) in ("queued", "processing", "unknown"):
            return None
        parts = getattr(dataset, "dataset_parts", None)
        addresses = [getattr(part, "url", None) for part in parts or ()]
        if not addresses:
            return None
        if not all(isinstance(address, str) and address for address in addresses):
            raise RemoteError(self._client.remote.name, Failure(kind="malformed"))
        return [str(address) for address in addresses]


def held(thing: object) -> HeldBatch | None:
    """A batch as the SDK gives it; None if it has no id."""
    batch_id = getattr(thing, "id", None)
    if not isinstance(batch_id, str) or not batch_id:
        return None
    status = str(getattr(thing, "status", "")).removeprefix("BATCH_STATUS_").lower()
    if status in _CANCELLED:
        status = "cancelling" if status.endswith("ing") else "cancelled"
    return HeldBatch(
        batch_id,
        status,
        _id(getattr(thing, "input_dataset_id", None)),
        _id(getattr(thing, "output_dataset_id", None)),
        seconds_of(getattr(thing, "created_at", None)),
    )


def _id(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
