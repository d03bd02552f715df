"""What the service and the processes that work off batches say to each other: JSON in frames.

A frame is its length (four bytes, the lowest first) and so many bytes of JSON. Annotations cross as
plain lists, which costs a tenth of pickling them; floating point numbers come out as they went in.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

from app.backends.base import (
    Annotations,
    BackendError,
    ExtractOptions,
    FoundMention,
    FoundRelation,
)
from app.prompts.tasks import Task

LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Model:
    """A model's name (its sha256), its file, and how texts are to be annotated with it."""

    name: str
    file: Path
    tasks: frozenset[Task]
    options: ExtractOptions

    def request(self, texts: Sequence[str]) -> bytes:
        """The frame that asks for the texts' annotations."""
        return frame(
            {
                "name": self.name,
                "file": str(self.file),
                "tasks": sorted(self.tasks),
                "vocabularies": [str(path) for path in self.options.vocabularies],
                "min_precision": self.options.min_precision,
                "texts": texts,
            }
        )

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Self:
        """The model that a request names."""
        options = ExtractOptions(
            vocabularies=tuple(map(Path, request["vocabularies"])),
            min_precision=request["min_precision"],
        )
        tasks = frozenset(map(Task, request["tasks"]))
        return cls(request["name"], Path(request["file"]), tasks, options)


def frame(message: object) -> bytes:
    """A message as it is sent."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return len(body).to_bytes(LENGTH_BYTES, "little") + body


def receive(stream: BinaryIO) -> Any | None:
    """The next message; None at the end of the stream, also one within a frame."""
    length = stream.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    size = int.from_bytes(length, "little")
    body = stream.read(size)
    return json.loads(body) if len(body) == size else None


def packed(found: Annotations) -> list[Any]:
    """The annotations as plain lists."""
    return [
        [[m.start, m.end, m.type, m.identifiers, m.score, m.match] for m in found.mentions],
        [[r.chemical, r.disease, r.type, r.score, r.evidence] for r in found.relations],
        found.ungrounded,
        found.warnings,
        found.input_tokens,
        found.output_tokens,
    ]


def unpacked(lists: Sequence[Any]) -> Annotations:
    """The annotations that were `packed`."""
    mentions, relations, ungrounded, warnings, input_tokens, output_tokens = lists
    return Annotations(
        tuple(
            FoundMention(start, end, type_, tuple(identifiers), score, match)
            for start, end, type_, identifiers, score, match in mentions
        ),
        tuple(
            FoundRelation(chemical, disease, type_, score, tuple(map(tuple, evidence)))
            for chemical, disease, type_, score, evidence in relations
        ),
        tuple((Task(task), item) for task, item in ungrounded),
        tuple(warnings),
        input_tokens,
        output_tokens,
    )


def error_packed(error: BackendError) -> Mapping[str, Any]:
    """What has kept all texts from being annotated, as a message."""
    return {"error": [error.code, error.message, error.hint]}


def error_unpacked(message: Mapping[str, Any]) -> BackendError | None:
    """The error that was `error_packed`; None if the message is no error."""
    if "error" not in message:
        return None
    code, said, hint = message["error"]
    return BackendError(code, said, hint=hint)
