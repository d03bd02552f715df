"""Errors in context, page by page: the cursor is the byte of a record, and an error's number."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from anyio import to_thread

from app.evaluations.causes import Cause, Error
from app.evaluations.clues import sentence_starts
from app.evaluations.detail_schemas import ErrorInContext
from app.evaluations.kept import Kept, KeptModel, place
from app.evaluations.records import Record
from app.evaluations.samples import read_document
from app.platform.lines import read_page
from app.platform.pagination import Page, decode_offsets, encode_cursor
from app.prompts.tasks import Task

_BEFORE_AND_AFTER = 80  # code points of context where sentences are too long
_LONGEST_CONTEXT = 600
_MOST_SCANNED = 32 << 20  # bytes of records read for one page, however rare what is asked for


async def error_page(
    kept: Kept,
    model: str | None,
    task: Task | None,
    cause: Cause | None,
    cursor: str | None,
    limit: int,
) -> Page[ErrorInContext]:
    """Errors of one model in the order of the documents; a page of rare ones may hold fewer."""
    chosen = kept.model(model, "/query/model", 0)
    if task is not None:
        kept.check_task(task)
    start, skip = decode_offsets(cursor, 2)
    reading = _Errors(kept, chosen, task, cause)
    return await to_thread.run_sync(reading.page, start, skip, limit)


class _Errors:
    """The errors of one model that were asked for."""

    def __init__(
        self, kept: Kept, model: KeptModel, task: Task | None, cause: Cause | None
    ) -> None:
        self._kept = kept
        self._model = model
        self._task = task
        self._cause = cause

    def page(self, start: int, skip: int, limit: int) -> Page[ErrorInContext]:
        """From the record at byte `start` on, but for the first `skip` errors of it."""
        items: list[ErrorInContext] = []
        end = start + _MOST_SCANNED
        following: int | None = start
        while following is not None and start < end:
            lines, following = read_page(self._model.records, start, limit)
            for line in lines:
                record = Record.model_validate_json(line)
                errors = self._chosen(record)
                shown = errors[skip : skip + limit - len(items)]
                items += self._in_context(record, shown)
                if skip + len(shown) < len(errors):
                    return Page(
                        items=items, next_cursor=encode_cursor(f"{start}.{skip + len(shown)}")
                    )
                start, skip = start + len(line) + 1, 0
        return Page(items=items, next_cursor=encode_cursor(following and f"{following}.0"))

    def _chosen(self, record: Record) -> list[Error]:
        return [
            error
            for error in record.errors
            if self._task in (None, error.task) and self._cause in (None, error.cause)
        ]

    def _in_context(self, record: Record, errors: Sequence[Error]) -> Iterator[ErrorInContext]:
        if not errors:
            return
        split = self._kept.splits[record.split]
        document = read_document(split.path, record.offset)
        text, sentences = document.text, sentence_starts(document)
        for error in errors:
            begin, end = _context(error, sentences, len(text))
            yield ErrorInContext(
                document_id=record.document_id,
                split=split.name,
                model=self._model.id,
                task=error.task,
                outcome=error.outcome,
                cause=error.cause.value,
                start=error.start,
                end=error.end,
                text=text[error.start : error.end],
                type=error.type,
                identifiers=list(error.identifiers),
                instead=list(error.instead),
                other=None if error.other is None else place(text, error.other),
                context=text[begin:end],
                context_start=begin,
            )


def _context(error: Error, sentences: Sequence[int], length: int) -> tuple[int, int]:
    """The sentences of the error and of what it was taken for, of a text of this length.

    Were they too long, its own sentence alone, or else a stretch around it.
    """
    other = error.other or (error.start, error.end)
    for start, end in (
        (min(error.start, other[0]), max(error.end, other[1])),
        (error.start, error.end),
    ):
        first, last = bisect_right(sentences, start), bisect_left(sentences, end)
        begin = sentences[first - 1] if first else 0
        until = sentences[last] if last < len(sentences) else length
        if until - begin <= _LONGEST_CONTEXT:
            return begin, until
    begin = max(0, error.start - _BEFORE_AND_AFTER)
    return begin, min(length, error.end + _BEFORE_AND_AFTER, begin + _LONGEST_CONTEXT)
