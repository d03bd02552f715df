"""`medtune extract`: texts in, a line of JSON for each on stdout, in input order.

Asked at once or by a batch, a line is the same: `{"index", "id", "extraction"}` or, of a text
without an answer, `{"index", "id", "error"}`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import httpx
import typer

from app.commands.progress import followed, say
from app.commands.service import (
    NO_MEDTUNE,
    CommandError,
    Json,
    Target,
    at_service,
    checked,
    path_of,
    succeeded,
)
from app.commands.texts import Kind, opened, read
from app.extraction_batches.entries import Entry, Fault
from app.extractions.schemas import MAX_TEXTS

# The body of a request has a limit in bytes; a code point may take twelve of them.
_MOST_CHARACTERS = 300_000
_LEFT_OUT = frozenset({"id", "timing"})  # they differ each time
# Of one text; any other refusal is one of all.
_FAULTS = frozenset({"text_too_long", "body_too_large"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Which model, about what, and how the answer is to be written."""

    model: str
    source: str = "-"
    kind: Kind = "text"
    tasks: Sequence[str] = ()
    min_score: float | None = None
    min_precision: float | None = None
    vocabularies: Sequence[str] = ()
    batch: bool = False
    format: str = "jsonl"

    def body(self) -> Json:
        """What requests about few texts and about many have in common."""
        options = {
            "min_score": self.min_score,
            "min_precision": self.min_precision,
            "vocabularies": list(self.vocabularies) or None,
        }
        said = {name: value for name, value in options.items() if value is not None}
        return {"model": self.model, "tasks": list(self.tasks) or None, "options": said}


def run(asked: Asked, target: Target) -> None:
    """Extract, and write what was found to stdout. Raises CommandError, also if a text failed."""
    with opened(asked.source) as stream, at_service(target) as client:
        if asked.batch or asked.format != "jsonl":
            failed, documents = _by_batch(client, asked, stream)
        else:
            failed, documents = _at_once(client, asked, read(stream, asked.kind))
    if failed:
        raise CommandError(f"{failed} of {documents} documents failed.")


def _at_once(client: httpx.Client, asked: Asked, entries: Iterator[Entry]) -> tuple[int, int]:
    """How many failed, of how many."""
    failed = documents = 0
    for part in parts(entries):
        answers = iter(_answers(client, asked, [e.text for e in part if e.fault is None]))
        for entry in part:
            outcome = entry.fault or next(answers)
            failed += isinstance(outcome, Fault)
            typer.echo(_line(entry, outcome), nl=False)
        documents += len(part)
    return failed, documents


def parts(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """The entries in order, as many together as one request may ask about."""
    part: list[Entry] = []
    characters = 0
    for entry in entries:
        more = len(entry.text)
        if part and (len(part) == MAX_TEXTS or characters + more > _MOST_CHARACTERS):
            yield part
            part, characters = [], 0
        part.append(entry)
        characters += more
    if part:
        yield part


def _answers(client: httpx.Client, asked: Asked, texts: Sequence[str]) -> list[Json | Fault]:
    """What was found in each text, or why nothing could be. Raises CommandError."""
    if not texts:
        return []
    answer = client.post("/v1/extractions", json={**asked.body(), "texts": texts})
    fault = _fault(answer)
    if fault is None:
        found: list[Json | Fault] = checked(answer, "items")["items"]
        if len(found) != len(texts):
            raise CommandError(NO_MEDTUNE)
        return found
    if len(texts) == 1:
        return [fault]
    # Which of them it is, each shows by itself.
    return list(chain.from_iterable(_answers(client, asked, [text]) for text in texts))


def _fault(answer: httpx.Response) -> Fault | None:
    """What is wrong with one of the texts, if that is why there is no answer."""
    if answer.is_success:
        return None
    try:
        problem: Any = answer.json()
        fault = Fault(problem["code"], problem["detail"])
    except (ValueError, KeyError, TypeError):
        return None
    return fault if fault.code in _FAULTS else None


def _line(entry: Entry, outcome: Json | Fault) -> bytes:
    row: Json = {"index": entry.index, "id": entry.id}
    if isinstance(outcome, Fault):
        row["error"] = {"code": outcome.code, "message": outcome.message}
    else:
        row["extraction"] = {name: v for name, v in outcome.items() if name not in _LEFT_OUT}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _by_batch(client: httpx.Client, asked: Asked, stream: BinaryIO) -> tuple[int, int]:
    """How many failed, of how many. The batch is deleted once its results have been written."""
    body = asked.body()
    form = {"model": asked.model, "options": json.dumps(body["options"])}
    if asked.tasks:
        form["tasks"] = json.dumps(body["tasks"])
    with TemporaryFile() as lines:
        lines.writelines(stream if asked.kind == "jsonl" else _as_jsonl(read(stream, asked.kind)))
        lines.seek(0)
        files = {"file": ("texts.jsonl", lines)}
        batch = checked(client.post("/v1/extraction-batches", data=form, files=files), "id")
    location = path_of("extraction-batches", batch["id"])
    say(f"Batch {batch['id']}")
    batch = succeeded(followed(client, location), "batch", location)
    with client.stream("GET", f"{location}/results", params={"format": asked.format}) as answer:
        if not answer.is_success:
            answer.read()
            checked(answer)
        for chunk in answer.iter_bytes():
            typer.echo(chunk, nl=False)
    client.delete(location)  # of the texts nothing stays at the service
    return batch["failed"], batch["documents"]


def _as_jsonl(entries: Iterable[Entry]) -> Iterator[bytes]:
    return (json.dumps({"text": entry.text}).encode() + b"\n" for entry in entries)
