"""Results of a shard: one line of JSON for each document, in input order.

{"index": 0, "id": "227508", "extraction": {...}}      as POST /v1/extractions, but id and timing
{"index": 7, "id": "7", "error": {"code": "...", "message": "..."}}

Of a batch that keeps no text there is `text_sha256` before the extraction, and hashes are in it.
An extraction is as /v1/extractions gives it, without what differs each time: `id` and `timing`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from app.backends.base import Annotations
from app.extraction_batches.entries import Entry, Fault
from app.extraction_batches.hashed import text_sha256, without_text
from app.extractions.service import ExtractionOptions, to_json
from app.prompts.tasks import Task

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# In every line of a failed document, and hardly in any other.
_FAILED = b',"error":{"code":'


@dataclass(slots=True)
class Results:
    """The lines of a shard and what they add up to."""

    lines: list[bytes] = field(default_factory=list)
    succeeded: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Presenter:
    """How annotations become lines: the model they are of, and what was asked for."""

    model_id: str
    tasks: frozenset[Task]
    options: ExtractionOptions
    store_text: bool = True

    def results(self, entries: Iterable[Entry], answers: Sequence[Annotations | Fault]) -> Results:
        """The results of all entries; `answers` are about those without a fault of their own."""
        results, following = Results(), iter(answers)
        for entry in entries:
            outcome = entry.fault or next(following)
            if isinstance(outcome, Fault):
                results.failed += 1
                results.lines.append(failure(entry.index, entry.id, outcome))
            else:
                results.succeeded += 1
                results.input_tokens += outcome.input_tokens
                results.output_tokens += outcome.output_tokens
                results.lines.append(self._line(entry, outcome))
        return results

    def _line(self, entry: Entry, found: Annotations) -> bytes:
        said = to_json(self.model_id, entry.text, found, self.tasks, self.options)
        known = ""
        if not self.store_text:
            known = f'"text_sha256":"{text_sha256(entry.text)}",'
            said = _encode(without_text(said, entry.text))
        head = f'{{"index":{entry.index},"id":{_encode(entry.id)},{known}"extraction":'
        return f"{head}{said}}}\n".encode()


def failure(index: int, document_id: str, fault: Fault) -> bytes:
    """The line of a document that has no answer."""
    row = {
        "index": index,
        "id": document_id,
        "error": {"code": fault.code, "message": fault.message},
    }
    return _encode(row).encode() + b"\n"


def read_failures(lines: Iterable[bytes]) -> Iterator[tuple[int, str, Fault]]:
    """(index, id, fault) of the failed documents among the lines of a shard."""
    for line in lines:
        if _FAILED in line and "error" in (row := json.loads(line)):
            yield row["index"], row["id"], Fault(**row["error"])
