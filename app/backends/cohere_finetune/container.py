"""The HTTP service of a cohere-finetune container: one training at a time, known by no id.

POST /finetune   202 started, 409 one is in progress, 400 hyperparameters refused
GET /status      {"status": "idle" | "in progress" | "finished" | "error", "message": ...}
GET /terminate   the service ends, its training with it
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import httpx
from pydantic import BaseModel, ValidationError

from app.backends.observed import event_hooks
from app.backends.remote import Failure, Remote, RemoteError, understand_httpx
from app.platform.telemetry import Telemetry


class Status(BaseModel):
    """What the container says of the training it had last; `message` comes with an error."""

    status: Literal["idle", "in progress", "finished", "error"]
    message: str = ""

    @property
    def busy(self) -> bool:
        """Whether it is at work, or its thread has died and it will say so for ever."""
        return self.status == "in progress"


class Answer(NamedTuple):
    """How it took a request to train: refused for its hyperparameters, failed for other reasons.

    `unknown` if it may or may not have heard; `message` is why it was refused.
    """

    kind: Literal["started", "busy", "refused", "failed", "unknown"]
    message: str = ""


class Container:
    """One container; `timeout` in seconds for each call."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        timeout: float,
        attempts: int,
        telemetry: Telemetry | None = None,
    ) -> None:
        telemetry = telemetry or Telemetry()
        self._remote = Remote(name, telemetry=telemetry, attempts=attempts)
        # Certificates take long to load, and a plain address needs none.
        secure = not url.startswith("http://")
        self._http = httpx.AsyncClient(
            base_url=url, timeout=timeout, verify=secure, event_hooks=event_hooks(telemetry)
        )

    async def status(self) -> Status:
        """What it is at. Raises BackendError, always retryable: a training may be going on."""

        async def ask() -> Status:
            answer = await self._http.get("/status")
            return Status.model_validate_json(answer.raise_for_status().content)

        try:
            return await self._remote.call(ask, _understand)
        except RemoteError as error:
            error.retryable = True
            raise

    async def finetune(self, body: Mapping[str, Any]) -> Answer:
        """Ask for a training, once.

        Raises BackendError if it has certainly not, as the server is left alone for a moment.
        """

        async def ask() -> Answer:
            answer = await self._http.post("/finetune", json=body)
            match answer.status_code:
                case 202:
                    return Answer("started")
                case 409:
                    return Answer("busy")
                case 400:
                    return Answer("refused", _message(answer))
            answer.raise_for_status()
            return Answer("unknown")

        try:
            return await self._remote.call(ask, _understand, repeat=False)
        except RemoteError as error:
            status = error.failure.status
            if status is None or status in (408, 429) or status > 500:
                return Answer("unknown")  # a cut connection, or a proxy in between
            return Answer("failed", f"it answered with status {status}")

    async def terminate(self) -> None:
        """End the service and its training; the answer may be lost with it."""

        async def ask() -> None:
            (await self._http.get("/terminate")).raise_for_status()

        try:
            await self._remote.call(ask, _understand, repeat=False)
        except RemoteError as error:
            if error.failure.kind != "connection":
                raise

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()


def _message(answer: httpx.Response) -> str:
    """The `message` of an error; nothing of a page of HTML."""
    try:
        return _Refusal.model_validate_json(answer.content).message
    except ValidationError:
        return f"it answered with status {answer.status_code}"


class _Refusal(BaseModel):
    message: str


def _understand(error: Exception) -> Failure | None:
    if isinstance(error, ValidationError):
        return Failure(kind="malformed")
    return understand_httpx(error)
