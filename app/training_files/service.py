"""Training files: build, read, delete."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from app.datasets.service import Datasets
from app.notifications.service import Notifications
from app.platform.clock import new_id, now
from app.platform.errors import ApiError, invalid_field, not_found
from app.platform.failures import job_failure
from app.platform.idempotency import fingerprint
from app.platform.leftovers import of_owners
from app.platform.lineage import Lineage, Link
from app.platform.pagination import Page, decode_id, encode_cursor
from app.platform.progress import share_done
from app.platform.shares import advance
from app.platform.unfinished import check_room
from app.platform.work import Work
from app.prompts.render import RowFormat, TextChoice
from app.prompts.tasks import Task
from app.prompts.templates import BUILT_IN
from app.tables import TrainingFileRow
from app.training_files.build import BuildRequest, BuildResult
from app.training_files.repository import TrainingFileRepository
from app.training_files.schemas import (
    TrainingFile,
    TrainingFileRequest,
    TrainingFileStatistics,
    TrainingFileStatus,
)

JOB = "training_file"


@dataclass(frozen=True)
class TrainingData:
    """What a fine-tune learns from: the blobs of the rows, and of the documents behind them."""

    rows: str
    documents: tuple[str, ...]
    tasks: frozenset[Task]
    template_id: str


class TrainingFiles:
    """The training files room's operations within one unit of work."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows = TrainingFileRepository(work.session)

    async def create(self, request: TrainingFileRequest) -> TrainingFile:
        """Register a training file and have it built.

        Raises ApiError `not_found`, `dataset_not_ready`, `unknown_split`, `too_many_jobs`.
        """
        await check_room(self._work)
        datasets = Datasets(self._work)
        dataset = await datasets.get(request.dataset_id)
        annotated = await datasets.annotated(dataset.id, request.splits)
        tasks = _check_tasks(request.tasks, annotated)
        asked = request.model_dump(mode="json") | {
            "dataset_id": dataset.version,
            "tasks": tasks,
            "template": BUILT_IN.hash,
        }
        row = TrainingFileRow(
            id=new_id("tf"),
            dataset_id=dataset.id,
            tasks=tasks,
            splits=request.splits,
            text=request.text,
            format=request.format,
            template_id=BUILT_IN.id,
            template_hash=BUILT_IN.hash,
            reference=fingerprint(asked),
            status="building",
            created_at=now(),
        )
        await self._rows.add(row)
        self._work.start_job(JOB, row.id)
        return _present(row)

    async def get(self, training_file_id: str) -> TrainingFile:
        """One training file. Raises ApiError `not_found`."""
        return _present(await self._row(training_file_id))

    async def page(
        self, dataset_id: str | None, cursor: str | None, limit: int
    ) -> Page[TrainingFile]:
        """Training files, newest first."""
        rows = await self._rows.page(dataset_id, decode_id(cursor, "tf"), limit + 1)
        more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
        return Page(items=[_present(row) for row in rows[:limit]], next_cursor=more)

    async def content(self, training_file_id: str) -> str:
        """The blob of the JSONL. Raises ApiError `not_found`, `training_file_not_ready`."""
        return _blob(await self._row(training_file_id))

    async def training_data(self, training_file_id: str) -> TrainingData:
        """What to learn from. Raises ApiError `not_found`, `training_file_not_ready`."""
        row = await self._row(training_file_id)
        sources = await Datasets(self._work).split_sources(row.dataset_id, row.splits)
        return TrainingData(
            rows=_blob(row),
            documents=tuple(source.blob for source in sources),
            tasks=frozenset(map(Task, row.tasks)),
            template_id=row.template_id,
        )

    async def delete(self, training_file_id: str, lineage: Lineage, *, cascade: bool) -> None:
        """Remove a training file. Raises ApiError `in_use` if a model was trained on it."""
        await self._row(training_file_id)
        await lineage.release(self._work, "training file", training_file_id, cascade=cascade)
        await self.delete_released(training_file_id)

    async def delete_released(self, training_file_id: str) -> None:
        """Remove a training file that nothing was built from. Raises ApiError `conflict`."""
        row = await self._row(training_file_id, lock=True)
        if row.status == "building":
            raise ApiError("conflict", f"The training file {row.id} is still being built.")
        await self._rows.delete(row)

        async def remove() -> None:
            await asyncio.to_thread(self._work.blobs.delete_owner, training_file_id)

        self._work.after_commit(remove)

    async def job_request(self, training_file_id: str) -> BuildRequest | None:
        """What its job has to render; None if there is nothing left to do."""
        row = await self._rows.get(training_file_id)
        if row is None or row.status != "building":
            return None
        sources = await Datasets(self._work).split_sources(row.dataset_id, row.splits)
        return BuildRequest(
            training_file_id=row.id,
            documents=tuple(source.blob for source in sources),
            tasks=tuple(map(Task, row.tasks)),
            text=cast(TextChoice, row.text),
            format=cast(RowFormat, row.format),
            template_id=row.template_id,
            blobs=self._work.blobs,
        )

    async def advance(self, training_file_id: str, share: float) -> None:
        """Store how much has been rendered, 0 to 1; never less than before."""
        await advance(self._work.session, TrainingFileRow, training_file_id, share)

    async def finish(self, training_file_id: str, result: BuildResult) -> None:
        """Store what was built."""
        row = await self._rows.lock(training_file_id)
        if row is None or row.status != "building":
            return
        row.status, row.progress = "ready", 1.0
        row.blob, row.sha256, row.bytes = result.blob, result.sha256, result.bytes
        row.statistics = result.statistics.model_dump()
        await self._end(row)

    async def fail(self, training_file_id: str, code: str, message: str) -> None:
        """The job broke down: nothing is kept but the reason."""
        row = await self._rows.lock(training_file_id)
        if row is None or row.status != "building":
            return
        row.status, row.error_code, row.error_message = "failed", code, message
        await self._end(row)

    async def blobs_in_use(self, keys: Sequence[str]) -> set[str]:
        """Of these blobs those that a row names, and all of a row whose job has not ended."""
        kept = of_owners(keys, await self._rows.unfinished())
        return kept | await self._rows.named_blobs(keys)

    async def unfinished(self) -> Sequence[str]:
        """Ids of training files whose job has not ended."""
        return await self._rows.unfinished()

    async def _end(self, row: TrainingFileRow) -> None:
        row.finished_at = now()
        await Notifications(self._work).announce(row)

    async def _row(self, training_file_id: str, *, lock: bool = False) -> TrainingFileRow:
        row = await (self._rows.lock if lock else self._rows.get)(training_file_id)
        if row is None:
            raise not_found("training file", training_file_id)
        return row


async def _built_from(work: Work, dataset_id: str) -> Sequence[str]:
    return await TrainingFileRepository(work.session).built_from(dataset_id)


async def _delete(work: Work, training_file_id: str) -> None:
    await TrainingFiles(work).delete_released(training_file_id)


LINK = Link("dataset", "training file", _built_from, _delete)


def _check_tasks(asked: Sequence[Task] | None, annotated: frozenset[Task]) -> list[str]:
    """The tasks asked for, or all there are. Raises ApiError if one has no annotation at all.

    Rows that say "there is none" of what was never annotated would teach a model to find none.
    """
    if not annotated:
        raise invalid_field("/splits", "nothing_annotated", "The splits have no annotation.")
    if asked is None:
        return [task.value for task in Task if task in annotated]
    for index, task in enumerate(asked):
        if task not in annotated:
            detail = f"The splits have no annotated {task}."
            raise invalid_field(f"/tasks/{index}", "nothing_annotated", detail)
    return [task.value for task in asked]


def _blob(row: TrainingFileRow) -> str:
    if row.status != "ready" or row.blob is None:
        raise ApiError("training_file_not_ready", f"The training file's status is {row.status}.")
    return row.blob


def _present(row: TrainingFileRow) -> TrainingFile:
    statistics = None
    if row.statistics is not None:
        statistics = TrainingFileStatistics.model_validate(row.statistics)
    return TrainingFile(
        id=row.id,
        dataset_id=row.dataset_id,
        status=cast(TrainingFileStatus, row.status),
        progress=share_done(row.status, row.progress),
        tasks=[Task(task) for task in row.tasks],
        splits=row.splits,
        text=cast(TextChoice, row.text),
        format=cast(RowFormat, row.format),
        template=row.template_id,
        template_hash=row.template_hash,
        reference=row.reference,
        sha256=row.sha256,
        bytes=row.bytes,
        statistics=statistics,
        error=job_failure(row.error_code, row.error_message),
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
