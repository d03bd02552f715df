"""One batch on a Cohere server from its upload to its answers, however often it is cut off.

The questions are uploaded as a dataset, a batch is made of it, and its output is a dataset again.
The first two bear the run's name. The dataset is looked for before anything is created, then the
batch: a run begun again goes on where it was, and is not charged twice. In the end all datasets
are deleted, for they hold text; a batch cannot be deleted, and holds none.
"""

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Literal

import structlog
from cohere.batches import Batch

from app.backends.base import BackendError
from app.backends.cohere.batch_pace import BatchPace
from app.backends.cohere.batch_rows import Key, Rows, outcome, read_rows
from app.backends.cohere.client import CohereClient
from app.backends.cohere.failures import MalformedError
from app.backends.cohere.held_batches import (
    HeldBatch,
    HeldBatches,
    has_no_endpoint,
    held,
    refuses,
)
from app.backends.cohere.holdings import HeldDataset, Holdings, lenient
from app.backends.generation import Reply

log = structlog.get_logger(__name__)

_DATASET_TYPE = "batch-chat-v2-input"
_TIDYING_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of the questions that have rows in the output; `cancelled`: by someone there."""

    of: Mapping[Key, Reply | BackendError]
    cancelled: bool = False


class RefusedError(Exception):
    """There will be no batch: of this server, of this model, or of rows like these."""

    def __init__(self, what: Literal["server", "model", "rows"]) -> None:
        super().__init__(what)
        self.what = what


class BatchRuns:
    """The runs of one backend; `name` is the backend's."""

    def __init__(self, client: CohereClient, name: str, pace: BatchPace) -> None:
        self._client = client
        self._name = name
        self._pace = pace
        self._holdings = Holdings(client)
        self._held = HeldBatches(client, self._holdings)

    async def probe(self) -> None:
        """Ask the server for a list of batches. Raises BackendError, RefusedError."""
        try:
            await self._held.probe()
        except BackendError as error:
            raise _refused(error, "server") from None

    async def run(self, name: str, model: str, rows: Rows) -> Outcomes:
        """Ask the questions. Failed, it leaves no text and no batch at work there.

        Raises RefusedError, and BackendError: should it be that the server is away, all is left
        there for the next run of the name. So it is if this is cancelled: a process that ends, or
        was taken for dead, must not end what another one goes on with.
        """
        batch: HeldBatch | None = None
        try:
            batch = await self._launched(name, model, rows)
            batch = await self._finished(batch)
            outcomes = await self._outcomes(batch, model, rows)
        except (BackendError, RefusedError) as failed:
            if isinstance(failed, RefusedError):
                await self._tidy(name, batch)
            elif not _is_away(failed):
                await self._tidy(name, batch, cancel=True)
            raise
        await self._tidy(name, batch)
        return outcomes

    async def drop(self, name: str) -> None:
        """Leave no text and no batch at work there, whoever has begun the run."""
        await self._tidy(name, None, cancel=True)

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
        useful = [batch for batch in await self._held.named(name) if batch.of_use]
        for batch in useful[1:]:
            if not batch.over:
                await self._held.cancel(batch.id)
        return useful[0] if useful else None

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
            raise self._unreadable()
        return dataset_id

    async def _validated(self, dataset_id: str) -> None:
        for pause in self._pace.pauses(self._name):
            dataset = await self._holdings.dataset(dataset_id)
            if dataset is None:
                raise self._lost()
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
            failed = self._unreadable()
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
                raise self._lost()
            away, batch = None, seen
        if batch.status == "failed":
            raise RefusedError("rows")
        return batch

    async def _outcomes(self, batch: HeldBatch, model: str, rows: Rows) -> Outcomes:
        """What the output says; looked at anew if it cannot be read."""
        keys = await asyncio.to_thread(rows.keys)
        for pause in self._pace.in_flight:
            try:
                found = await self._output(batch, model, keys)
                break
            # An address runs out after some time: then it says 403, and there is a new one.
            except (BackendError, MalformedError) as error:
                if isinstance(error, BackendError) and _is_away(error):
                    raise
                await asyncio.sleep(pause)
        else:
            raise RefusedError("server")  # another batch would cost as much, and end like this one
        answered = any(isinstance(each, Reply) for each in found.values())
        if found and rows.ask_for_schema and not answered:
            raise RefusedError("rows")
        return Outcomes(found, cancelled=batch.status == "cancelled")

    async def _output(
        self, batch: HeldBatch, model: str, keys: Mapping[str, Key]
    ) -> dict[Key, Reply | BackendError]:
        """Raises MalformedError, BackendError."""
        found: dict[Key, Reply | BackendError] = {}

        def join(file: IO[bytes]) -> None:
            for custom_id, body, error in read_rows(file):
                # Of rows that come twice the first one counts, unless there is no answer in it.
                key = keys.get(custom_id)
                if key is not None and not isinstance(found.get(key), Reply):
                    found[key] = outcome(body, error, model, self._name)

        for address in await self._addresses(batch):
            with tempfile.TemporaryFile() as file:
                await self._client.download(address, file)
                await asyncio.to_thread(join, file)
        return found

    async def _addresses(self, batch: HeldBatch) -> Sequence[str]:
        """Where the output is; a batch that was cancelled may have none."""
        if batch.output_id is None:
            if batch.status == "completed":
                raise self._unreadable()
            return ()
        for pause in self._pace.pauses(self._name):
            if (addresses := await self._held.output(batch.output_id)) is not None:
                return addresses
            await asyncio.sleep(pause)
        raise self._unreadable()

    async def _tidy(self, name: str, batch: HeldBatch | None, *, cancel: bool = False) -> None:
        """Delete what holds text; cannot fail, for what was asked for is done, or has failed."""
        try:
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
        except (BackendError, TimeoutError) as error:
            log.warning("batch_not_tidied", backend=self._name, batch=name, exc_info=error)

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

    def _lost(self) -> BackendError:
        said = f"The backend {self._name} no longer has the batch it was given."
        return BackendError("backend_failed", said, retryable=True)

    def _unreadable(self) -> BackendError:
        said = f"The backend {self._name} gave an answer that cannot be read."
        return BackendError("backend_failed", said, retryable=True)


def _is_away(error: BackendError) -> bool:
    return error.retryable and error.code in ("backend_unavailable", "backend_timeout")


def _refused(
    error: BackendError, what: Literal["server", "model", "rows"]
) -> BackendError | RefusedError:
    """What a failed call means: that there will be no batch, or what went wrong this time."""
    return RefusedError(what) if refuses(error) else lenient(error)
