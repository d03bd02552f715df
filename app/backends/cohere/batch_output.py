"""What a batch on a Cohere server has come to: its output found, downloaded and read."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Literal

from app.backends.base import BackendError
from app.backends.cohere.batch_pace import BatchPace
from app.backends.cohere.batch_rows import Key, Rows, outcome, read_rows
from app.backends.cohere.client import CohereClient
from app.backends.cohere.failures import MalformedError
from app.backends.cohere.held_batches import HeldBatch, HeldBatches
from app.backends.generation import Reply


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


class LostError(BackendError):
    """The server no longer has what it was given, or what it has made of it."""


class BatchOutput:
    """Reads the output of batches of one backend; `name` is the backend's."""

    def __init__(self, client: CohereClient, held: HeldBatches, name: str, pace: BatchPace) -> None:
        self._client = client
        self._held = held
        self._name = name
        self._pace = pace

    async def outcomes(self, batch: HeldBatch, model: str, rows: Rows) -> Outcomes:
        """What the output says; looked at anew if it cannot be read."""
        keys = await asyncio.to_thread(rows.keys)
        for pause in self._pace.in_flight:
            try:
                found = await self._output(batch, model, keys)
                break
            except LostError:
                raise
            # An address runs out after some time: then it says 403, and there is a new one.
            except (BackendError, MalformedError) as error:
                if isinstance(error, BackendError) and is_away(error):
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
                raise unreadable(self._name)
            return ()
        for pause in self._pace.pauses(self._name):
            if (addresses := await self._held.output(batch.output_id)) == ():
                raise lost(self._name)
            if addresses is not None:
                return addresses
            await asyncio.sleep(pause)
        raise unreadable(self._name)


def lost(backend: str) -> LostError:
    """The error for what there was on the server and is no more."""
    said = f"The backend {backend} no longer has the batch it was given."
    return LostError("backend_failed", said, retryable=True)


def unreadable(backend: str) -> BackendError:
    """The error for an answer of success that cannot be understood."""
    said = f"The backend {backend} gave an answer that cannot be read."
    return BackendError("backend_failed", said, retryable=True)


def is_away(error: BackendError) -> bool:
    """Whether the server serves nobody at the moment."""
    return error.retryable and error.code in ("backend_unavailable", "backend_timeout")
