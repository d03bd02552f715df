"""The backend of an OpenAI-compatible server (vLLM, llama.cpp, Ollama, ...): its models extract.

It needs the optional package `openai`. What is on the wire is OpenAI's chat completions and models
API, as these servers speak it; answers are checked here, since the SDK does not.
"""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import aiohttp
from pydantic import BaseModel

from app.backends.base import (
    DEFAULT_OPTIONS,
    Annotations,
    BackendError,
    BaseModelInfo,
    ExtractOptions,
    JobState,
    JobStatus,
    TrainingJob,
)
from app.backends.generation import Question, Reply, annotate
from app.backends.observed import event_hooks
from app.backends.openai_answers import MalformedError, read_message, read_models, read_reply
from app.backends.refreshed import Refreshed
from app.backends.remote import Failure, Remote, RemoteError, seconds_to_wait
from app.platform.remote_settings import RemoteServer
from app.platform.telemetry import Telemetry
from app.prompts.tasks import Task

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_OPENAI = "https://api.openai.com/v1"
_CONNECT_SECONDS = 10.0
_QUESTIONS_AT_ONCE = 64  # of one extraction
# The list of models, in seconds; see `Refreshed`.
_FRESH, _PATIENCE, _LISTED_WITHIN, _AGAIN_AFTER = 60.0, 1.0, 5.0, 5.0

_OF_A_MODEL = re.compile(r"\bmodel(?:_not_found)?\b", re.IGNORECASE)
_OF_THE_SCHEMA = re.compile(r"response_format|json_schema|\bschema\b|grammar", re.IGNORECASE)
_OF_THE_LENGTH = re.compile(r"context[ _](?:length|size|window)", re.IGNORECASE)

_INSTALL = "run: pip install 'medtune[openai]'"


class OpenAIBackend:
    """An OpenAI-compatible server as a place where models are run; it trains none.

    `timeout` (seconds) bounds one attempt, `attempts` their number. Any model may be asked for
    that the server knows, listed or not: merged weights may be served under a fine-tune's name.
    """

    lists_all_models = False
    trainings_at_once = 1
    poll_seconds = 5.0

    def __init__(
        self,
        name: str,
        server: RemoteServer,
        *,
        timeout: float,
        attempts: int,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.name = name
        self._installed = find_spec("openai") is not None
        self.configured = server.configured and self._installed
        task = "set MEDTUNE_OPENAI_BASE_URL" if self._installed else _INSTALL
        self.setup_hint: str | None = f"The operator of this service should {task}."
        self._server = server
        self._timeout = timeout
        self._telemetry = telemetry or Telemetry()
        self._remote = Remote(name, telemetry=self._telemetry, attempts=attempts)
        self._sdk: AsyncOpenAI | None = None
        self._opening = asyncio.Lock()
        self._closed = False
        self._models = Refreshed(
            self._list,
            name,
            "models",
            fresh_for=_FRESH,
            patience=_PATIENCE,
            again_after=_AGAIN_AFTER,
        )
        self._without_schema: set[str] = set()

    @property
    def is_away(self) -> bool:
        """See `MayBeAway`."""
        return self._remote.is_away

    @property
    def hyperparameters(self) -> type[BaseModel] | None:
        """None: nothing is trained here."""
        return None

    async def open(self) -> None:
        """Load the SDK, which takes a second, in a thread; else the first call waits for it."""
        if self.configured and not self._closed:
            await self._ready()

    async def base_models(self) -> Sequence[BaseModelInfo]:
        """The models the server lists; empty if it is not configured or has not answered yet."""
        if not self.configured or self._closed:
            return ()
        return await self._models.get() or ()

    async def extract(
        self,
        model: str,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions = DEFAULT_OPTIONS,
    ) -> list[Annotations]:
        """Annotate each text, a chat completion for each task of it. Raises BackendError."""
        sdk = await self._ready()

        async def complete(question: Question) -> Reply:
            return await self._complete(sdk, model, question, options)

        try:
            return await annotate(
                texts,
                tasks,
                options,
                json_mode=True,
                complete=complete,
                at_once=_QUESTIONS_AT_ONCE,
            )
        except RemoteError as error:
            raise self._explained(error, model) from None

    async def launch(self, job: TrainingJob) -> None:
        """BackendError `capability_unavailable`, always."""
        said = f"The backend {self.name} runs models and trains none."
        raise BackendError("capability_unavailable", said)

    async def poll(self, reference: str) -> JobState:
        """LOST: no job was ever launched here."""
        return JobState(JobStatus.LOST)

    async def cancel(self, reference: str) -> None:
        """There is nothing to stop."""

    async def forget(self, reference: str) -> None:
        """There is nothing to forget."""

    async def delete_model(self, model: str) -> None:
        """There is nothing to remove: the models are the server's."""

    async def close(self) -> None:
        """Close all connections."""
        async with self._opening:
            self._closed = True
            sdk, self._sdk = self._sdk, None
        await self._models.close()
        if sdk is not None:
            await sdk.close()

    async def _ready(self) -> "AsyncOpenAI":
        """Raises BackendError `backend_unavailable` if there is nothing to talk to or with."""
        if self._sdk is not None:
            return self._sdk
        if not self.configured:
            said = f"The backend {self.name} is not configured."
            raise BackendError("backend_unavailable", said, hint=self.setup_hint)
        async with self._opening:
            if self._closed:
                raise BackendError("backend_unavailable", f"The backend {self.name} is closed.")
            if self._sdk is None:
                self._sdk = await asyncio.to_thread(self._connect)
            return self._sdk

    def _connect(self) -> "AsyncOpenAI":
        import openai

        # It may log what is sent, at DEBUG.
        logging.getLogger("openai").setLevel(logging.INFO)
        key = self._server.api_key.get_secret_value() if self._server.api_key else ""
        connect = min(self._timeout, _CONNECT_SECONDS)
        sdk = openai.AsyncOpenAI(
            api_key=key or "unused",
            base_url=self._server.base_url or _OPENAI,
            max_retries=0,
            # Over aiohttp, whose pool does not slow down with the number of calls; texts go to
            # this server and not to where it may point.
            http_client=openai.DefaultAioHttpClient(
                timeout=openai.Timeout(self._timeout, connect=connect, pool=None),
                follow_redirects=False,
                event_hooks=event_hooks(self._telemetry),
            ),
        )
        # The environment's are meant for OpenAI, and this may be any server.
        sdk.organization = sdk.project = None
        _ = sdk.chat.completions, sdk.models  # loaded late otherwise, by the first call
        return sdk

    async def _complete(
        self, sdk: "AsyncOpenAI", model: str, question: Question, options: ExtractOptions
    ) -> Reply:
        """What the model answers, held to the schema if the server can do that."""
        if question.schema is not None and model not in self._without_schema:
            wanted = {"name": question.task.value, "strict": True, "schema": question.schema}
            form = {"response_format": {"type": "json_schema", "json_schema": wanted}}
            try:
                return await self._ask(sdk, model, question, options, form)
            except RemoteError as error:
                if error.failure.status not in (400, 422) or not _says(error, _OF_THE_SCHEMA):
                    raise
            # The question itself says what is wanted, too.
            self._without_schema.add(model)
        return await self._ask(sdk, model, question, options, {})

    async def _ask(
        self,
        sdk: "AsyncOpenAI",
        model: str,
        question: Question,
        options: ExtractOptions,
        form: Mapping[str, Any],
    ) -> Reply:
        limit = {} if options.max_tokens is None else {"max_tokens": options.max_tokens}

        async def ask() -> Reply:
            answer = await sdk.chat.completions.create(
                model=model,
                messages=[
                    {"role": "system", "content": question.system},
                    {"role": "user", "content": question.user},
                ],
                temperature=options.temperature,
                extra_body={**limit, **form},
            )
            return read_reply(answer)

        return await self._remote.call(ask, _understand, within=self._timeout, about=model)

    async def _list(self) -> Sequence[BaseModelInfo]:
        sdk = await self._ready()

        async def ask() -> Sequence[BaseModelInfo]:
            return read_models(await sdk.models.list(), self.name)

        # What is slow to come says nothing about the answers of the models.
        return await self._remote.call(
            ask, _understand, repeat=False, within=_LISTED_WITHIN, about="lists"
        )

    def _explained(self, error: RemoteError, model: str) -> BackendError:
        """The error as what it means here; the server's own words are not shown."""
        status = error.failure.status
        if status == 404 and _says(error, _OF_A_MODEL):
            said = f"The backend {self.name} serves no model {model}."
            return BackendError("model_not_found", said)
        if status == 404:
            said = f"The backend {self.name} has no chat completions at its address (status 404)."
            hint = "The operator should check its base URL, which mostly ends in /v1."
            return BackendError("backend_failed", said, hint=hint)
        if status in (400, 413, 422) and _says(error, _OF_THE_LENGTH):
            said = f"Text and answer do not fit into the context of {model} at {self.name}."
            return BackendError("text_too_long", said, hint="Split the text, or lower max_tokens.")
        return error


def _says(error: RemoteError, what: re.Pattern[str]) -> bool:
    return what.search(error.failure.message) is not None


def _understand(error: Exception) -> Failure | None:
    """The failure behind an exception of the SDK or of the HTTP client below it."""
    import openai

    match error:
        case openai.APIStatusError():
            status = error.status_code
            if status < 400:
                return Failure(status, kind="malformed")  # a redirect
            wait = seconds_to_wait(error.response.headers)
            return Failure(status, read_message(error.body), wait)
        case openai.APITimeoutError():
            # With aiohttp below it a connection that was refused or cut is a ConnectTimeout.
            cut = type(error.__cause__).__name__ in ("ConnectTimeout", "PoolTimeout")
            return Failure(kind="connection" if cut else "timeout")
        case openai.APIConnectionError() | aiohttp.ClientError():
            return Failure(kind="connection")
        # The SDK does not check what it reads: what it trips over can be anything.
        case MalformedError() | openai.APIError() | ValueError() | TypeError() | RecursionError():
            return Failure(kind="malformed")
    return None
