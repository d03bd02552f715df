"""A training made ready in the shared folder: its files, checked, and the record of it."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from app.backends.base import BackendError, TrainingJob
from app.backends.cohere_finetune.folder import Attempt, Folder, Record
from app.backends.generation.rows import chats, refused

T = TypeVar("T")
Body = Callable[[str], Mapping[str, Any]]

# Its suffix is one the container looks for; nothing else in these folders may have it.
_ROWS = "rows.jsonl"
# Rows beyond 16,384 tokens are left out; no tokeniser is here to count, four characters is usual.
_LONGEST_ROW = 16_384 * 4


class _Written(NamedTuple):
    """What became of a file's rows: written, left out as duplicates, and very long ones."""

    rows: int
    duplicates: int
    long: int


def prepare(
    folder: Folder,
    job: TrainingJob,
    body: Body,
    *,
    attempt: int,
    now: float,
    stopped: threading.Event,
) -> Attempt:
    """Put the job's files into a folder of a new name, all of them or none.

    `body` makes the request of a name. Raises BackendError `training_data_refused`, OSError, and
    InterruptedError once `stopped` is set.
    """
    staged = folder.staging(job.reference)
    try:
        # Only who owns the files, and the container's root, may read the texts.
        (staged / "input").mkdir(mode=0o700)
        data = staged / "input" / "data"
        training = _write(job, job.training.rows, data / "training", stopped)
        evaluation = None
        if job.evaluation is not None:
            evaluation = _write(job, job.evaluation.rows, data / "evaluation", stopped)
        name, number = folder.free_name(job.reference, attempt)
        request = dict(body(name))
        _check(training, evaluation, request["eval_percentage"])
        record = Record(
            reference=job.reference,
            attempt=number,
            phase="waiting",
            since=now,
            body=request,
            rows=training.rows,
            evaluation_rows=evaluation.rows if evaluation else 0,
            duplicates=training.duplicates + (evaluation.duplicates if evaluation else 0),
            long=training.long + (evaluation.long if evaluation else 0),
        )
        return folder.add(staged, name, record)
    except BaseException:
        folder.clear_staging(job.reference)
        raise


def _write(job: TrainingJob, source: Path, target: Path, stopped: threading.Event) -> _Written:
    """Write each row of `source` once, as a chat."""
    target.mkdir(parents=True)
    seen: set[bytes] = set()
    duplicates = long = 0
    with (target / _ROWS).open("x", encoding="ascii") as out:
        for chat in chats(source, job.template):
            if stopped.is_set():
                raise InterruptedError("stopped")
            digest = blake2b(chat.encode("ascii"), digest_size=16).digest()
            if digest in seen:
                duplicates += 1
                continue
            seen.add(digest)
            long += len(chat) > _LONGEST_ROW
            out.write(chat)
    return _Written(len(seen), duplicates, long)


def _check(training: _Written, evaluation: _Written | None, eval_percentage: float) -> None:
    """Refuse what the container would: a side with no row, also after its own split."""
    if evaluation is not None:
        if not training.rows or not evaluation.rows:
            raise refused("There is no row to learn from, or none to evaluate on.")
    # Where it splits, it rounds the evaluation's part down.
    elif int(training.rows * eval_percentage) < 1:
        raise refused(
            f"{training.rows} different rows are too few to set {eval_percentage:.0%} of them "
            "aside for evaluation: give an evaluation file or more rows."
        )


async def in_thread(work: Callable[[threading.Event], T]) -> T:
    """The result of `work` in a thread, which has ended when this does, cancelled or not."""
    stopped = threading.Event()
    running = asyncio.ensure_future(asyncio.to_thread(work, stopped))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.wait({running})
        if not running.cancelled():
            running.exception()  # seen, so that asyncio does not complain of it
        raise
    except OSError as error:
        raise unreachable(error) from None


def unreachable(error: OSError) -> BackendError:
    """The error that says what the shared folder did not let happen."""
    return BackendError(
        "backend_unavailable",
        f"The trainer's shared folder cannot be used ({type(error).__name__}).",
        retryable=True,
        hint="Check MEDTUNE_COHERE_FINETUNE_DIR: it must be mounted, with space left, and Medtune "
        "must run as the user the container runs as.",
    )
