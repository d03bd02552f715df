"""Datasets: upload, validation report, documents, export, deletion."""

import asyncio
import json
from collections.abc import Sequence

from app.datasets import present
from app.datasets.ingest import SplitSource
from app.datasets.repository import DatasetRepository
from app.datasets.schemas import Dataset, DatasetReport, ReportedProblem
from app.platform.blobs import Blobs
from app.platform.clock import new_id, now
from app.platform.errors import ApiError, not_found
from app.platform.leftovers import of_owners
from app.platform.lineage import Lineage
from app.platform.lines import read_page
from app.platform.pagination import Page, decode_id, encode_cursor
from app.platform.unfinished import check_room
from app.platform.uploads import UploadedFile
from app.platform.work import Work
from app.prompts.tasks import MENTION_TASKS, Task
from app.tables import DatasetFileRow, DatasetRow, DatasetSplitRow

JOB = "dataset"


class Datasets:
    """The datasets room's operations within one unit of work."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows = DatasetRepository(work.session)

    async def create(
        self,
        dataset_id: str,
        name: str,
        format_name: str | None,
        files: Sequence[tuple[UploadedFile, str | None]],
        based_on: str | None = None,
    ) -> Dataset:
        """Register uploaded files (each with its split, if given) and have them read.

        Then they replace or add to the documents of the dataset `based_on`, if that is given.
        Raises ApiError `too_many_jobs`.
        """
        await check_room(self._work)
        row = DatasetRow(
            id=dataset_id,
            name=name,
            format=format_name,
            status="validating",
            errors=0,
            warnings=0,
            problem_counts={},
            based_on=based_on,
            created_at=now(),
        )
        self._rows.add(row)
        await self._rows.flush()
        for position, (file, split) in enumerate(files):
            self._rows.add(
                DatasetFileRow(
                    dataset_id=dataset_id,
                    position=position,
                    filename=file.filename,
                    split=split,
                    sha256=file.sha256,
                    bytes=file.bytes,
                    blob=file.blob,
                )
            )
        await self._rows.flush()
        self._work.start_job(JOB, dataset_id)
        return await self.get(dataset_id)

    async def create_revision(
        self,
        dataset_id: str,
        base_id: str | None,
        name: str | None,
        file: UploadedFile,
        splits: Sequence[str],
    ) -> Dataset:
        """Register a BioC JSON file of corrected documents, which are of these splits.

        Raises ApiError `not_found`, `dataset_not_ready`, `unknown_split`, `too_many_jobs`.
        """
        await check_room(self._work)
        if base_id is not None:
            # Held, so that nobody deletes it before all can see what is made from it.
            base = await self._row(base_id, lock=True)
            await self._ready_splits(base_id, splits)
            name = name or base.name
        files = [(file, None)]
        return await self.create(dataset_id, name or file.filename, "bioc_json", files, base_id)

    async def get(self, dataset_id: str) -> Dataset:
        """One dataset. Raises ApiError `not_found`."""
        return (await self._present([await self._row(dataset_id)]))[0]

    async def page(self, cursor: str | None, limit: int) -> Page[Dataset]:
        """Datasets, newest first."""
        rows = await self._rows.page(decode_id(cursor, "ds"), limit + 1)
        more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
        return Page(items=await self._present(rows[:limit]), next_cursor=more)

    async def names(self, dataset_ids: Sequence[str]) -> dict[str, str]:
        """What these are called, by id."""
        return await self._rows.names(dataset_ids)

    async def report(self, dataset_id: str) -> tuple[DatasetReport, str | None]:
        """The validation report without its problems, and the blob of their lines if there are any.

        Raises ApiError `not_found`.
        """
        row = await self._row(dataset_id)
        report = DatasetReport(
            dataset_id=row.id,
            status=present.status(row),
            summary=present.summary(row),
            items=[],
            next_cursor=None,
        )
        return report, row.report_blob

    async def split_sources(
        self, dataset_id: str, splits: Sequence[str] | None = None
    ) -> list[SplitSource]:
        """Blobs of the splits named, or of all. Raises `dataset_not_ready`, `unknown_split`."""
        rows = await self._ready_splits(dataset_id, splits)
        return [SplitSource(row.name, row.blob, row.characters) for row in rows]

    async def annotated(self, dataset_id: str, splits: Sequence[str]) -> frozenset[Task]:
        """The tasks that these splits have any annotation of. Raises as `split_sources`."""
        rows = await self._ready_splits(dataset_id, splits)
        found = {
            task for row in rows for task, type_ in MENTION_TASKS.items() if row.mentions.get(type_)
        }
        related = any(row.relations for row in rows)
        return frozenset(found | ({Task.RELATIONS} if related else set()))

    async def delete(self, dataset_id: str, lineage: Lineage, *, cascade: bool) -> None:
        """Remove a dataset. Raises ApiError `in_use` if something was built from it."""
        row = await self._row(dataset_id, lock=True)
        if row.status == "validating":
            raise ApiError("conflict", "The dataset is still being read.")
        if (revision := await self._rows.unfinished_revision(dataset_id)) is not None:
            raise ApiError("conflict", f"The dataset {revision} is being made from this one.")
        await lineage.release(self._work, "dataset", dataset_id, cascade=cascade)
        await self._rows.delete(row)
        self.delete_blobs(dataset_id)

    async def blobs_in_use(self, keys: Sequence[str]) -> set[str]:
        """Of these blobs those that a row names, and all of a row whose job has not ended."""
        kept = of_owners(keys, await self._rows.unfinished())
        return kept | await self._rows.named_blobs(keys)

    async def unfinished(self) -> Sequence[str]:
        """Ids of datasets whose job has not ended."""
        return await self._rows.unfinished()

    def delete_blobs(self, dataset_id: str) -> None:
        """Have nothing left of what belongs to a dataset, once that is committed."""

        async def remove() -> None:
            await asyncio.to_thread(self._work.blobs.delete_owner, dataset_id)

        self._work.after_commit(remove)

    async def _row(self, dataset_id: str, *, lock: bool = False) -> DatasetRow:
        row = await (self._rows.lock if lock else self._rows.get)(dataset_id)
        if row is None:
            raise not_found("dataset", dataset_id)
        return row

    async def _ready_splits(
        self, dataset_id: str, names: Sequence[str] | None
    ) -> list[DatasetSplitRow]:
        row = await self._row(dataset_id)
        if row.status != "ready":
            raise ApiError("dataset_not_ready", f"The dataset's status is {row.status}.")
        splits = list(await self._rows.splits([dataset_id]))
        if not splits:
            # It has been deleted since its row was read: to who writes, PostgreSQL shows in each
            # statement what is there by then.
            raise not_found("dataset", dataset_id)
        if names is None:
            return splits
        by_name = {split.name: split for split in splits}
        if missing := [name for name in names if name not in by_name]:
            known = ", ".join(by_name)
            raise ApiError("unknown_split", f"{len(missing)} unknown; it has: {known}.")
        return [by_name[name] for name in names]

    async def _present(self, rows: Sequence[DatasetRow]) -> list[Dataset]:
        ids = [row.id for row in rows]
        files, splits = await self._rows.files(ids), await self._rows.splits(ids)
        return [
            present.dataset(
                row,
                [file for file in files if file.dataset_id == row.id],
                [split for split in splits if split.dataset_id == row.id],
            )
            for row in rows
        ]


async def problems(
    blobs: Blobs, blob: str, start: int, limit: int
) -> tuple[list[ReportedProblem], int | None]:
    """Problems of a report from a byte offset on, and where those after them begin."""
    path = await blobs.local(blob)
    lines, following = await asyncio.to_thread(read_page, path, start, limit)
    return [ReportedProblem(**json.loads(line)) for line in lines], following


def new_dataset_id() -> str:
    """An id for a dataset to come; its upload is stored under it."""
    return new_id("ds")
