"""The backend of a Cohere server: its chat models extract, its fine-tuning trains."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

from app.backends.base import (
    DEFAULT_OPTIONS,
    Annotations,
    BackendError,
    BaseModelInfo,
    ExtractOptions,
    JobState,
    TrainingJob,
)
from app.backends.cohere.hyperparameters import CohereHyperparameters
from app.backends.generation import Question, Reply, annotate
from app.platform.remote_settings import RemoteServer
from app.platform.telemetry import Telemetry
from app.prompts.tasks import Task

if TYPE_CHECKING:
    # These import the SDK's types, which takes a second: see `open`.
    from app.backends.cohere.batches import CohereBatches
    from app.backends.cohere.catalogue import Catalogue
    from app.backends.cohere.chat import Chat
    from app.backends.cohere.client import CohereClient, Forwarded
    from app.backends.cohere.training import CohereTraining

_TRAININGS_AT_ONCE = 8
_QUESTIONS_AT_ONCE = 64  # of one extraction


@dataclass(frozen=True, slots=True)
class _Opened:
    client: "CohereClient"
    catalogue: "Catalogue"
    chat: "Chat"
    batches: "CohereBatches"
    training: "CohereTraining"


class CohereBackend:
    """A Cohere server as a place where models are trained and run.

    `timeout` (seconds) bounds one attempt of a chat, `attempts` their number. Keeps no text.
    """

    lists_all_models = False
    trainings_at_once = _TRAININGS_AT_ONCE
    setup_hint: str | None = (
        "The operator of this service should set MEDTUNE_COHERE_API_KEY, or "
        "MEDTUNE_COHERE_BASE_URL for another server than Cohere's own."
    )

    def __init__(
        self,
        name: str,
        server: RemoteServer,
        *,
        timeout: float,
        attempts: int,
        poll_seconds: float,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.name = name
        self.configured = server.configured
        self.poll_seconds = poll_seconds
        self._server = server
        self._timeout = timeout
        self._attempts = attempts
        self._telemetry = telemetry
        self._opened: _Opened | None = None
        self._opening = asyncio.Lock()
        self._closed = False

    @property
    def is_away(self) -> bool:
        """See `MayBeAway`."""
        return self._opened is not None and self._opened.client.remote.is_away

    @property
    def hyperparameters(self) -> type[BaseModel] | None:
        """Those of Cohere's chat fine-tuning; None once the server is known not to offer it."""
        if self._opened is not None and self._opened.catalogue.offers_tuning() is False:
            return None
        return CohereHyperparameters

    async def open(self) -> None:
        """Load the SDK, in a thread, and ask for the models, in the background.

        To be called when the service starts; else the first call has to wait for it. Does not
        wait for the server, and does nothing if none is configured.
        """
        if self.configured and not self._closed:
            (await self._ready()).catalogue.start()

    async def base_models(self) -> Sequence[BaseModelInfo]:
        """The chat models the server lists; empty if it is not configured or does not answer."""
        if not self.configured:
            return ()
        return await (await self._ready()).catalogue.models()

    async def extract(
        self,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list[Annotations]:
        """Annotate each text, a chat for each task of it. Raises BackendError."""
        opened = await self._ready()
        tuned = options.template is not None
        json_mode = not tuned and await opened.catalogue.takes_schema(model)

        async def complete(question: Question) -> Reply:
            return await opened.chat.complete(model, question, options)

        try:
            return await annotate(
                texts,
                tasks,
                options,
                json_mode=json_mode,
                complete=complete,
                at_once=_QUESTIONS_AT_ONCE,
            )
        except BackendError as error:
            raise self._explained(opened, error, model, tuned=tuned) from None

    async def extract_batch(
        self,
        reference: str,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list[Annotations | BackendError] | None:
        """As `extract`, by a batch on the server; None if it offers none for the model."""
        opened = await self._ready()
        tuned = options.template is not None
        json_mode = not tuned and await opened.catalogue.takes_schema(model)
        try:
            return await opened.batches.extract(
                reference, model, texts, tasks, options, json_mode=json_mode
            )
        except BackendError as error:
            raise self._explained(opened, error, model, tuned=tuned) from None

    async def drop_batch(self, reference: str) -> None:
        """Stop the batch and leave no text of it on the server. Raises BackendError."""
        await (await self._ready()).batches.drop(reference)

    async def forward(
        self,
        path: str,
        body: bytes | None = None,
        *,
        method: str = "POST",
        params: Mapping[str, str] | None = None,
    ) -> "Forwarded":
        """A request of Cohere's API passed on as it is; see `CohereClient.forward`."""
        client = (await self._ready()).client
        return await client.forward(path, body, method=method, params=params)

    async def launch(self, job: TrainingJob) -> None:
        """Start the job, unless one of this reference runs or has succeeded already."""
        with self._learning():
            await (await self._ready()).training.launch(job)

    async def poll(self, reference: str) -> JobState:
        """How the job stands now."""
        with self._learning():
            return await (await self._ready()).training.poll(reference)

    async def cancel(self, reference: str) -> None:
        """Stop the job. Safe to repeat."""
        await (await self._ready()).training.cancel(reference)

    async def forget(self, reference: str) -> None:
        """Keep nothing of the job but the model. Safe to repeat."""
        await (await self._ready()).training.forget(reference)

    async def delete_model(self, model: str) -> None:
        """Remove a tuned model for good. Safe to repeat."""
        await (await self._ready()).training.delete_model(model)

    async def close(self) -> None:
        """Close all connections."""
        async with self._opening:
            self._closed = True
            opened, self._opened = self._opened, None
        if opened is not None:
            await opened.catalogue.close()
            await opened.client.close()

    @contextmanager
    def _learning(self) -> Iterator[None]:
        """Should the server turn out not to fine-tune, ask it anew whether it does."""
        try:
            yield
        except BackendError as error:
            if error.code == "capability_unavailable" and self._opened is not None:
                self._opened.catalogue.doubt()
                self._opened.catalogue.start()
            raise

    async def _ready(self) -> _Opened:
        """Raises BackendError `backend_unavailable` if there is no server to talk to."""
        if self._opened is not None:
            return self._opened
        if not self.configured:
            raise BackendError(
                "backend_unavailable",
                f"The backend {self.name} is not configured.",
                hint=self.setup_hint,
            )
        async with self._opening:
            if self._closed:
                raise BackendError("backend_unavailable", f"The backend {self.name} is closed.")
            if self._opened is None:
                self._opened = await asyncio.to_thread(self._open)
            return self._opened

    def _open(self) -> _Opened:
        from app.backends.cohere.batches import CohereBatches
        from app.backends.cohere.catalogue import Catalogue
        from app.backends.cohere.chat import Chat
        from app.backends.cohere.client import CohereClient
        from app.backends.cohere.training import CohereTraining

        client = CohereClient(
            self.name,
            self._server,
            timeout=self._timeout,
            attempts=self._attempts,
            telemetry=self._telemetry,
        )
        client.warm_up()
        chat = Chat(client, self.name, self._timeout)
        return _Opened(
            client,
            Catalogue(client),
            chat,
            CohereBatches(client, chat, self.name),
            CohereTraining(client, self.name),
        )

    def _explained(
        self, opened: _Opened, error: BackendError, model: str, *, tuned: bool
    ) -> BackendError:
        """The error with what is known about the model; the server's own words are not shown."""
        from app.backends.cohere.failures import is_too_long, is_unknown_model, retirement

        if (retired := retirement(error)) is not None:
            opened.catalogue.retire(model, retired.on)
            opened.catalogue.doubt()
            ways = []
            if tuned:
                ways.append("Fine-tune again elsewhere: POST /v1/fine-tunes/{id}/repeat.")
            if (replacement := opened.catalogue.replacement(model)) is not None:
                ways.append(f"A model that is there: {self.name}:{replacement}.")
            when = f" on {retired.on}" if retired.on else ""
            return BackendError(
                "retired",
                f"The backend {self.name} retired the model {model}{when}.",
                hint=" ".join(ways) or None,
                retired_on=retired.on,
            )
        if is_unknown_model(error):
            opened.catalogue.doubt()
            said = f"The backend {self.name} has no model {model}, or none for its key."
            return BackendError("model_not_found", said)
        if is_too_long(error):
            said = f"Text and answer do not fit into the context of {model} at {self.name}."
            return BackendError("text_too_long", said, hint="Split the text, or lower max_tokens.")
        return error
