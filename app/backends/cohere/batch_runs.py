"""One batch on a Cohere server from its upload to its answers, however often it is cut off.

The questions are uploaded as a dataset, a batch is made of it, and its output is a dataset again.
The first two bear the run's name. The dataset is looked for before anything is created, then the
batch: a run begun again goes on where it was, and is not charged twice. So all is left there until
whoever has asked has stored the answers, and drops the run: then all datasets are deleted, for they
hold text; a batch cannot be deleted, and holds none.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from typing import Literal

import structlog
from cohere.batches import Batch

from app.backends.base import BackendError
from app.backends.cohere.batch_output import (
    BatchOutput,
    Outcomes,
    RefusedError,
    is_away,
    lost,
    unreadable,
)
from app.backends.cohere.batch_pace import BatchPace
from app.backends.cohere.batch_rows import Rows
from app.backends.cohere.client import CohereClient
from app.backends.cohere.held_batches import (
    HeldBatch,
    HeldBatches,
    has_no_endpoint,
    held,
    refuses,
)
from app.backends.cohere.holdings import HeldDataset, Holdings, lenient

log = structlog.get_logger(__name__)

_DATASET_TYPE = "batch-chat-v2-input"
_TIDYING_SECONDS = 30.0


class BatchRuns:
    """The runs of one backend; `name` is the backend's."""

    def __init__(self, client: CohereClient, name: str, pace: BatchPace) -> None:
        self._client = client
        self._name = name
        self._pace = pace
        self._holdings = Holdings(client)
        self._held = HeldBatches(client, self._holdings)
        self._output = BatchOutput(client, self._held, name, pace)
        self._done: dict[str, HeldBatch] = {}  # that are to be dropped

    async def probe(self) -> None:
        """Ask the server for a list of batches. Raises BackendError, RefusedError."""
        try:
            await self._held.probe()
        except BackendError as error:
            raise _refused(error, "server") from None

    async def run(self, name: str, model: str, rows: Rows) -> Outcomes:
        """Ask the questions. Failed, it leaves no text and no batch at work there.

        Done, all is left there until `drop`. Raises RefusedError, and BackendError: should it be
        that the server is away, all is left there for the next run of the name. So it is if this is
        cancelled: a process that ends, or was taken for dead, must not end what another one goes on
        with.
        """
        batch: HeldBatch | None = None
        try:
            batch = await self._launched(name, model, rows)
            batch = await self._finished(batch)
            outcomes = await self._output.outcomes(batch, model, rows)
        except (BackendError, RefusedError) as failed:
            if isinstance(failed, RefusedError):
                await self._tidy(name, batch)
            elif not is_away(failed):
                await self._tidy(name, batch, cancel=True)
            raise
        self._done[name] = batch
        return outcomes

    async def drop(self, name: str) -> None:
        """Leave no text and no batch at work there, whoever has begun the run.

        Raises BackendError.
        """
        batch = self._done.pop(name, None)
        try:
            await self._delete_texts(name, batch, cancel=batch is None)
        except TimeoutError:
            said = f"The backend {self._name} did not get done with deleting a batch's texts."
            raise BackendError("backend_timeout", said, retryable=True) from None

    async def _launched(self, name: str, model: str, rows: Rows) -> HeldBatch:
        """The batch of this name, created if there is none."""
        datasets = await self._datasets(name)
        if datasets:
            # An earlier attempt has come this far, and perhaps further.
            if (batch := await self._found(name)) is not None:
                return batch
            dataset_id = datasets[0].id
        else:
            dataset_id = await self._upload(name, rows)
        await self._validated(dataset_id)
        for pause in self._pace.in_flight if datasets else ():
            await asyncio.sleep(pause)
            if (batch := await self._found(name)) is not None:
                return batch
        return await self._created(name, model, dataset_id)

    async def _datasets(self, name: str) -> list[HeldDataset]:
        try:
            return await self._holdings.datasets(name, _DATASET_TYPE)
        except BackendError as error:
            raise _refused(error, "server") from None

    async def _found(self, name: str) -> HeldBatch | None:
        """The oldest batch of the name that is of use; later ones, which nobody needs, end."""
        useful = [b for b in await self._held.named(name) if b.of_use and not await self._spent(b)]
        for batch in useful[1:]:
            if not batch.over:
                await self._held.cancel(batch.id)
        return useful[0] if useful else None

    async def _spent(self, batch: HeldBatch) -> bool:
        """Whether its answers have been deleted, by an earlier attempt that meant to end it."""
        if batch.status != "completed" or batch.output_id is None:
            return False
        return await self._holdings.dataset(batch.output_id) is None

    async def _upload(self, name: str, rows: Rows) -> str:
        """The id of the new dataset; should the answer be lost, the next run finds its name."""
        with tempfile.TemporaryFile() as file:
            await asyncio.to_thread(rows.write, file)
            upload = ("batch.jsonl", file, "application/jsonl")
            try:
                answer = await self._client.call(
                    lambda: self._client.sdk.datasets.create(
                        name=name, type=_DATASET_TYPE, data=upload
                    ),
                    repeat=False,
                )
            except BackendError as error:
                raise _refused(error, "server") from None
        dataset_id = getattr(answer, "id", None)
        if not isinstance(dataset_id, str) or not dataset_id:
            raise unreadable(self._name)
        return dataset_id

    async def _validated(self, dataset_id: str) -> None:
        for pause in self._pace.pauses(self._name):
            dataset = await self._holdings.dataset(dataset_id)
            if dataset is None:
                raise lost(self._name)
            if dataset.status == "failed":
                raise RefusedError("rows")
            if dataset.status in ("validated", "skipped"):
                return
            await asyncio.sleep(pause)

    async def _created(self, name: str, model: str, dataset_id: str) -> HeldBatch:
        request = Batch(name=name, input_dataset_id=dataset_id, model=model)
        try:
            answer = await self._client.call(
                lambda: self._client.sdk.batches.create(request=request), repeat=False
            )
        except BackendError as error:
            failed = _refused(error, "server" if has_no_endpoint(error) else "model")
            if isinstance(failed, RefusedError):
                raise failed from None
        else:
            if (batch := held(getattr(answer, "batch", None))) is not None:
                return batch
            failed = unreadable(self._name)
        # The answer of a create proves nothing, neither good nor bad; what is there does.
        if (found := await self._found(name)) is None:
            raise failed
        return found

    async def _finished(self, batch: HeldBatch) -> HeldBatch:
        """The batch once it is over; waits for a server that is away for a while."""
        away: float | None = None
        for pause in self._pace.pauses(self._name):
            if batch.over:
                break
            await asyncio.sleep(pause)
            try:
                seen = await self._held.get(batch.id)
            except BackendError as error:
                away = away or time.monotonic()
                if not error.retryable or time.monotonic() - away > self._pace.away:
                    raise
                continue
            if seen is None:
                raise lost(self._name)
            away, batch = None, seen
        if batch.status == "failed":
            raise RefusedError("rows")
        return batch

    async def _tidy(self, name: str, batch: HeldBatch | None, *, cancel: bool = False) -> None:
        """Delete what holds text; cannot fail, for what was asked for has."""
        try:
            await self._delete_texts(name, batch, cancel=cancel)
        except (BackendError, TimeoutError) as error:
            log.warning("batch_not_tidied", backend=self._name, batch=name, exc_info=error)

    async def _delete_texts(self, name: str, batch: HeldBatch | None, *, cancel: bool) -> None:
        """Raises BackendError, TimeoutError."""
        async with asyncio.timeout(_TIDYING_SECONDS):
            batches = [batch] if batch else []
            if cancel:
                batches = await self._cancelled(batches or await self._held.named(name))
            inputs = await self._holdings.datasets(name, _DATASET_TYPE)
            held_ids = {dataset.id for dataset in inputs}
            for each in batches:
                held_ids |= {i for i in (each.input_id, each.output_id) if i is not None}
            for dataset_id in held_ids:
                await self._holdings.delete_dataset(dataset_id)

    async def _cancelled(self, batches: Sequence[HeldBatch]) -> list[HeldBatch]:
        """The batches after they were cancelled; some output may have come before."""
        ended = []
        for batch in batches:
            if not batch.over:
                await self._held.cancel(batch.id)
            for pause in self._pace.in_flight:
                if batch.over or (seen := await self._held.get(batch.id)) is None:
                    break
                batch = seen
                await asyncio.sleep(0.0 if batch.over else pause)
            ended.append(batch)
        return ended


def _refused(
    error: BackendError, what: Literal["server", "model", "rows"]
) -> BackendError | RefusedError:
    """What a failed call means: that there will be no batch, or what went wrong this time."""
    return RefusedError(what) if refuses(error) else lenient(error)
