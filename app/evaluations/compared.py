"""Two models of an evaluation compared document by document; the cursor is a rank."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from anyio import to_thread

from app.corpora.documents import Document
from app.evaluations.bootstrap import Integers, document_f1
from app.evaluations.comparing import gained_and_lost
from app.evaluations.detail_schemas import (
    Change,
    ChangeKind,
    ComparedDocument,
    DetailedComparison,
    DocumentCounts,
)
from app.evaluations.items import Item
from app.evaluations.kept import Kept, KeptModel, place
from app.evaluations.measures import HEADLINE, MEASURES, Measure
from app.evaluations.records import Counted, Record
from app.evaluations.samples import read_document
from app.evaluations.significance import compare
from app.platform.errors import ApiError, invalid_field
from app.platform.pagination import decode_offset, encode_cursor
from app.platform.work import Platform
from app.prompts.tasks import Task


async def comparison(
    platform: Platform,
    kept: Kept,
    names: tuple[str | None, str | None],
    task: Task | None,
    measure: Measure | None,
    cursor: str | None,
    limit: int,
) -> DetailedComparison:
    """Two models (names of baseline and model) by one measure, the largest differences first."""
    baseline = kept.model(names[0], "/query/baseline", 0)
    model = kept.model(names[1], "/query/model", 1)
    if baseline is model:
        raise invalid_field("/query/model", "given_twice", "Name two different models.")
    task = task or kept.tasks[0]
    kept.check_task(task)
    measure = measure or HEADLINE[task]
    if measure not in MEASURES[task]:
        raise invalid_field("/query/measure", "unknown", f"It is no measure of {task}.")
    rank = decode_offset(cursor)

    def read() -> tuple[_Counts, _Counts]:
        return _counts(baseline, task, measure), _counts(model, task, measure)

    before, after = await to_thread.run_sync(read, limiter=platform.heavy)
    summary = await compare(
        platform,
        (baseline.id, before.counts),
        (model.id, after.counts),
        task,
        measure,
        kept.resamples,
    )
    gains = document_f1(after.counts) - document_f1(before.counts)
    order = np.argsort(-np.abs(gains), kind="stable")
    if rank > len(order):
        raise ApiError("invalid_cursor", "The cursor is not one of this list.")

    def show() -> list[ComparedDocument]:
        return [
            _compared(kept, task, float(gains[at]), before.at(at), after.at(at))
            for at in order[rank : rank + limit]
        ]

    documents = await to_thread.run_sync(show)
    more = rank + limit if rank + limit < len(order) else None
    return DetailedComparison(
        **summary.model_dump(), documents=documents, next_cursor=encode_cursor(more)
    )


@dataclass(frozen=True, slots=True)
class _Counts:
    """Counts (tp, fp, fn) of all records of a file, and the byte at which each begins."""

    records: Path
    counts: Integers
    begins: Sequence[int]

    def at(self, position: int) -> tuple[Record, DocumentCounts]:
        """One record, and its row of the counts."""
        with self.records.open("rb") as file:
            file.seek(self.begins[position])
            record = Record.model_validate_json(file.readline())
        tp, fp, fn = map(int, self.counts[position])
        return record, DocumentCounts(tp=tp, fp=fp, fn=fn)


def _counts(model: KeptModel, task: Task, measure: Measure) -> _Counts:
    rows, begins, at = [], [], 0
    with model.records.open("rb") as file:
        for line in file:
            counts = Counted.model_validate_json(line).counts.get(task, {}).get(measure)
            if counts is None:
                detail = f"{model.id} was not measured so."
                raise invalid_field("/query/measure", "not_measured", detail)
            rows.append((counts.tp, counts.fp, counts.fn))
            begins.append(at)
            at += len(line)
    return _Counts(model.records, np.array(rows, dtype=np.int64).reshape(-1, 3), begins)


def _compared(
    kept: Kept,
    task: Task,
    gain: float,
    before: tuple[Record, DocumentCounts],
    after: tuple[Record, DocumentCounts],
) -> ComparedDocument:
    record, other = before[0], after[0]
    split = kept.splits[record.split]
    gold = read_document(split.path, record.offset)
    changes = gained_and_lost(gold, record.found, other.found, task)
    return ComparedDocument(
        document_id=record.document_id,
        split=split.name,
        outcome="won" if gain > 0 else "lost" if gain < 0 else "tied",
        baseline=before[1],
        model=after[1],
        changes=[
            *(_change("gained", gold, item) for item in changes.gained),
            *(_change("lost", gold, item) for item in changes.lost),
            *(_change("false_positive_removed", gold, i) for i in changes.false_positives_removed),
            *(_change("false_positive_added", gold, i) for i in changes.false_positives_added),
        ],
    )


def _change(kind: ChangeKind, gold: Document, item: Item) -> Change:
    spans = [(item.start, item.end), *filter(None, [item.other])]
    return Change(
        kind=kind,
        places=[place(gold.text, span) for span in spans],
        identifiers=list(item.identifiers),
    )
