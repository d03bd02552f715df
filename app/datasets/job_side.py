"""What the job of a dataset does to its row: each method is one step's transaction."""

import asyncio
from collections.abc import Sequence

from app.datasets.ingest import IngestRequest, IngestResult, Source, SplitSource
from app.datasets.repository import DatasetRepository
from app.datasets.service import Datasets
from app.notifications.service import Notifications
from app.platform.clock import now
from app.platform.shares import advance
from app.platform.work import Work
from app.tables import DatasetRow, DatasetSplitRow


class JobSide:
    """A dataset as its job sees it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows = DatasetRepository(work.session)

    async def job_request(self, dataset_id: str) -> IngestRequest | None:
        """What its job has to read; None if there is nothing left to do."""
        row = await self._rows.get(dataset_id)
        if row is None or row.status != "validating":
            return None
        settings = self._work.settings
        return IngestRequest(
            dataset_id=dataset_id,
            sources=tuple(
                Source(file.blob, file.filename, file.split, file.bytes)
                for file in await self._rows.files([dataset_id])
            ),
            format=row.format,
            blobs=self._work.blobs,
            max_unpacked_bytes=settings.max_unpacked_bytes,
            max_unpack_ratio=settings.max_unpack_ratio,
            max_documents=settings.max_documents,
            base=await self._base(row),
        )

    async def advance(self, dataset_id: str, share: float) -> None:
        """Store how much has been read, 0 to 1; never less than before."""
        await advance(self._work.session, DatasetRow, dataset_id, share)

    async def finish(self, dataset_id: str, result: IngestResult) -> None:
        """Store what was read; the uploaded bytes are then no longer needed."""
        row = await self._rows.lock(dataset_id)
        if row is None or row.status != "validating":
            return
        row.format = "+".join(result.formats) or row.format
        row.errors, row.warnings = result.errors, result.warnings
        row.problem_counts = dict(result.problems)
        row.report_blob = result.report_blob
        row.version = result.version
        row.progress = 1.0
        row.status = "failed" if result.errors else "ready"
        if result.errors:
            row.error_code = "invalid_dataset"
            row.error_message = f"Errors found: {result.errors}; the report lists them."
        await self._end(row)
        for position, split in enumerate(result.splits):
            self._rows.add(
                DatasetSplitRow(
                    dataset_id=dataset_id,
                    name=split.name,
                    position=position,
                    blob=split.blob,
                    documents=split.documents,
                    mentions=dict(split.mentions),
                    relations=split.relations,
                    characters=split.characters,
                )
            )
        uploaded = {file.blob for file in await self._rows.files([dataset_id])}
        # A blob is named by its content: an empty file and an empty report are the same one.
        kept = {result.report_blob, *(split.blob for split in result.splits)}

        async def remove() -> None:
            for blob in uploaded - kept:
                await asyncio.to_thread(self._work.blobs.delete, blob)

        self._work.after_commit(remove)
        if not result.errors:
            documents = sum(split.documents for split in result.splits)
            self._work.count(lambda metrics: metrics.documents_ingested(documents))

    async def fail(self, dataset_id: str, code: str, message: str) -> None:
        """The job broke down: nothing is kept but the reason."""
        row = await self._rows.lock(dataset_id)
        if row is None or row.status != "validating":
            return
        row.status, row.error_code, row.error_message = "failed", code, message
        await self._end(row)
        Datasets(self._work).delete_blobs(dataset_id)

    async def unfinished(self) -> Sequence[str]:
        """Ids of datasets whose job has not ended."""
        return await self._rows.unfinished()

    async def _base(self, row: DatasetRow) -> tuple[SplitSource, ...]:
        if row.based_on is None:
            return ()
        return tuple(await Datasets(self._work).split_sources(row.based_on))

    async def _end(self, row: DatasetRow) -> None:
        row.finished_at = now()
        await Notifications(self._work).announce(row)
