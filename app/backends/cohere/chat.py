"""One question to `/v2/chat`, and its answer read; batches ask and are answered the same way."""

import math
from collections.abc import Mapping
from typing import Any, Literal

from app.backends.base import BackendError, ExtractOptions
from app.backends.cohere.client import CohereClient
from app.backends.cohere.failures import MalformedError, is_about_schema
from app.backends.generation import Question, Reply

SchemaKey = Literal["json_schema", "schema"]


class Chat:
    """Asks the models of one server; `timeout` bounds one attempt, in seconds."""

    def __init__(self, client: CohereClient, name: str, timeout: float) -> None:
        self._client = client
        self._name = name
        self._timeout = timeout
        # Cohere's specification says json_schema, its guide schema: servers may know one only.
        self._schema_key: SchemaKey = "json_schema"

    @property
    def schema_key(self) -> SchemaKey:
        """The key by which the server is known, or thought, to take a schema."""
        return self._schema_key

    async def complete(self, model: str, question: Question, options: ExtractOptions) -> Reply:
        """What the model answers. Raises BackendError."""
        key = self._schema_key
        try:
            return await self._ask(model, question, options, key)
        except BackendError as error:
            if question.schema is None or not is_about_schema(error):
                raise
        other: SchemaKey = "schema" if key == "json_schema" else "json_schema"
        try:
            reply = await self._ask(model, question, options, other)
        except BackendError as error:
            if not is_about_schema(error):
                raise
        else:
            self._schema_key = other
            return reply
        raise BackendError(
            "capability_unavailable",
            f"The model {model} of the backend {self._name} cannot be held to a JSON schema.",
            hint="Ask for lists: mode list.",
        )

    async def _ask(
        self, model: str, question: Question, options: ExtractOptions, key: SchemaKey
    ) -> Reply:
        body: dict[str, Any] = {
            "model": model,
            "messages": [
                {"role": "system", "content": question.system},
                {"role": "user", "content": question.user},
            ],
            "temperature": options.temperature,
            "stream": False,
        }
        if options.max_tokens is not None:
            body["max_tokens"] = options.max_tokens
        if question.schema is not None:
            body["response_format"] = response_format(question.schema, key)

        async def ask() -> tuple[str, Reply]:
            return read_reply(await self._client.poster.post("v2/chat", body))

        finish, reply = await self._client.call(ask, within=self._timeout, about=model)
        if (failed := broken_off(finish, model, self._name)) is not None:
            raise failed
        return reply


def response_format(schema: Mapping[str, Any], key: SchemaKey) -> dict[str, Any]:
    """What is asked for to hold an answer to a JSON Schema."""
    return {"type": "json_object", key: schema}


def broken_off(finish: str, model: str, backend: str) -> BackendError | None:
    """The error that an answer with this end stands for, if it does."""
    if finish == "ERROR":
        said = f"The model {model} of the backend {backend} broke off with an error."
        return BackendError("backend_failed", said, retryable=True)
    if finish == "TIMEOUT":
        said = f"The model {model} of the backend {backend} did not get done in time."
        return BackendError("backend_timeout", said, retryable=True)
    return None


def read_reply(answer: object) -> tuple[str, Reply]:
    """Why the answer, its JSON read, ends, and what it says. Raises MalformedError."""
    finish, message = _member(answer, "finish_reason"), _member(answer, "message")
    content = _member(message, "content") or ()
    if not isinstance(finish, str) or message is None or not isinstance(content, list | tuple):
        raise MalformedError
    # A model that reasons says what it thinks in items of their own, and first.
    texts = [
        text
        for item in content
        if _member(item, "type") == "text" and isinstance(text := _member(item, "text"), str)
    ]
    tokens = _member(_member(answer, "usage"), "tokens")
    return finish, Reply(
        "".join(texts),
        truncated=finish == "MAX_TOKENS",
        input_tokens=_count(_member(tokens, "input_tokens")),
        output_tokens=_count(_member(tokens, "output_tokens")),
    )


def _member(value: object, name: str) -> object:
    """A member of what should be a JSON object."""
    return value.get(name) if isinstance(value, dict) else None


def _count(value: object) -> int:
    """A number of tokens; the API has them as floating point numbers."""
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else 0
