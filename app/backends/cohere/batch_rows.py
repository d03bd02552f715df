"""The rows of a batch of chats: what is uploaded, and what comes back.

An input row is a line of JSON, `{"custom_id", "body"}`, its body a chat without model and stream.
An output row, of an Avro file, has the same `custom_id`, the `body` of the chat's answer, and an
`error` that is empty where there is none. They come in any order and may come twice. Cohere has no
guide to batches of chats: this is how its service was seen to behave in 2026.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import fastavro  # the SDK reads datasets with it and brings it along

from app.backends.base import BackendError, ExtractOptions
from app.backends.cohere.chat import SchemaKey, broken_off, read_reply, response_format
from app.backends.cohere.failures import MalformedError, is_too_long
from app.backends.generation import Question, Reply
from app.backends.generation.questions import ask
from app.backends.remote import Failure, RemoteError
from app.prompts.tasks import Task

Key = tuple[int, Task]  # position of the text, and what was asked of it


class Rows:
    """The questions of a batch, a row for each text and task; a text without words has none."""

    def __init__(
        self,
        texts: Sequence[str],
        tasks: frozenset[Task],
        options: ExtractOptions,
        *,
        json_mode: bool,
        key: SchemaKey,
    ) -> None:
        self.questions = {
            (position, task): ask(text, task, options, json_mode=json_mode)
            for position, text in enumerate(texts)
            if text.strip()
            for task in Task
            if task in tasks
        }
        self._options = options
        self._key = key

    @property
    def ask_for_schema(self) -> bool:
        """Whether answers are to be held to a schema."""
        return any(question.schema is not None for question in self.questions.values())

    def write(self, target: IO[bytes]) -> None:
        """All rows, as JSONL."""
        for (position, task), question in self.questions.items():
            body = self._body(question)
            row = {"custom_id": _custom_id(position, task, body), "body": body}
            target.write(json.dumps(row).encode() + b"\n")
        target.seek(0)

    def keys(self) -> dict[str, Key]:
        """What each `custom_id` is about."""
        return {
            _custom_id(*key, self._body(question)): key for key, question in self.questions.items()
        }

    def _body(self, question: Question) -> dict[str, Any]:
        turns = (("system", question.system), ("user", question.user))
        body: dict[str, Any] = {
            # As lists: a column of a dataset has one type.
            "messages": [
                {"role": role, "content": [{"type": "text", "text": said}]} for role, said in turns
            ],
            "temperature": self._options.temperature,
        }
        if self._options.max_tokens is not None:
            body["max_tokens"] = self._options.max_tokens
        if question.schema is not None:
            body["response_format"] = response_format(question.schema, self._key)
        return body


def _custom_id(position: int, task: Task, body: Mapping[str, Any]) -> str:
    """With a digest of the question: an answer to another one is never taken for its answer."""
    digest = hashlib.sha256(json.dumps(body).encode()).hexdigest()[:12]
    return f"{position}-{task}-{digest}"


def read_rows(file: IO[bytes]) -> Iterator[tuple[str, object, str]]:
    """(custom_id, body, error) of each row that has an id. Raises MalformedError."""
    try:
        for row in fastavro.reader(file):
            if isinstance(row, dict) and isinstance(custom_id := row.get("custom_id"), str):
                yield custom_id, row.get("body"), _said(row.get("error"))
    # The reader has no exception of its own for what is no Avro file, or a broken one.
    except (ValueError, KeyError, TypeError, IndexError, EOFError, OSError, AttributeError) as e:
        raise MalformedError("output") from e


def outcome(body: object, error: str, model: str, backend: str) -> Reply | BackendError:
    """What became of a question, after the row about it; nothing the server says is shown."""
    if error:
        if is_too_long(RemoteError(backend, Failure(400, error))):
            said = f"Text and answer do not fit into the context of {model} at {backend}."
            return BackendError("text_too_long", said, hint="Split the text, or lower max_tokens.")
        return unanswered(backend)
    try:
        text = body if isinstance(body, str) else json.dumps(body)
        finish, reply = read_reply(json.loads(text))
    except (ValueError, TypeError, RecursionError, MalformedError):
        return unanswered(backend)
    return broken_off(finish, model, backend) or reply


def unanswered(backend: str, *, cancelled: bool = False) -> BackendError:
    """A question has no answer: it is not known why, or someone has `cancelled` its batch there."""
    if cancelled:
        said = f"The batch was cancelled at the backend {backend}, and this text was not done yet."
        return BackendError("backend_failed", said)
    said = f"The backend {backend} failed on this text in a batch."
    return BackendError("backend_failed", said, retryable=True)


def _said(error: object) -> str:
    if error is None or error == "":
        return ""
    return error if isinstance(error, str) else json.dumps(error, default=str)
