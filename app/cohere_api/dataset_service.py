"""Datasets as Cohere's API has them, on top of the datasets room; their ids are the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.cohere_api.dataset_repository import (
    CohereDatasetRepository,
    DatasetFilter,
    DatasetRows,
)
from app.cohere_api.dataset_schemas import (
    TYPES,
    CohereDataset,
    DatasetPart,
    FinetuneDatasetMetrics,
    Metrics,
    ValidationStatus,
)
from app.cohere_api.examples import Counted, common_format
from app.datasets.schemas import ReportedProblem
from app.datasets.service import Datasets, problems
from app.platform.blobs import Blobs
from app.platform.clock import now
from app.platform.errors import ApiError, not_found
from app.platform.lineage import Lineage
from app.platform.uploads import UploadedFile
from app.platform.work import Work
from app.tables import CohereDatasetRow, DatasetFileRow

TRAIN, EVAL = "train", "eval"
_MAX_LISTED = 100
_BYTES_PER_TOKEN = 4


@dataclass(frozen=True)
class NewDataset:
    """What was sent: the files with their examples, by split, and what to say of them."""

    id: str
    name: str
    type: str
    keep_fields: list[str]
    optional_fields: list[str]
    files: dict[str, tuple[UploadedFile, Counted]]


@dataclass(frozen=True)
class FoundDataset:
    """The rows of a dataset, those of its files among them."""

    rows: DatasetRows
    files: Sequence[DatasetFileRow]


class CohereDatasets:
    """The operations of Cohere's `/v1/datasets` within one unit of work."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows = CohereDatasetRepository(work.session)

    async def create(self, new: NewDataset) -> None:
        """Register an upload and have it validated."""
        await Datasets(self._work).create(
            new.id,
            new.name,
            common_format(counted for _, counted in new.files.values()),
            [(file, split) for split, (file, _) in new.files.items()],
        )
        evaluation = new.files.get(EVAL)
        await self._rows.add(
            CohereDatasetRow(
                dataset_id=new.id,
                type=new.type,
                keep_fields=new.keep_fields,
                optional_fields=new.optional_fields,
                train_examples=new.files[TRAIN][1].examples,
                eval_examples=None if evaluation is None else evaluation[1].examples,
            )
        )

    async def get(self, dataset_id: str) -> FoundDataset:
        """One dataset. Raises ApiError `not_found`."""
        return (await self._with_files([await self._found(dataset_id)]))[0]

    async def page(self, chosen: DatasetFilter, limit: int, offset: int) -> list[FoundDataset]:
        """Datasets that this API has created, newest first."""
        return await self._with_files(await self._rows.page(chosen, limit, offset))

    async def usage(self) -> int:
        """Bytes of all datasets as they were uploaded."""
        return await self._rows.uploaded_bytes()

    async def delete(self, dataset_id: str, lineage: Lineage) -> None:
        """Remove a dataset, for good once it is read and no fine-tune is left that has it.

        Raises ApiError `not_found`.
        """
        await self._one_at_a_time()
        found = await self._found(dataset_id)
        found.told.deleted_at = now()
        await self.bury(lineage)

    async def bury(self, lineage: Lineage) -> None:
        """Remove for good whatever was deleted and is no longer needed."""
        await self._one_at_a_time()
        for dataset_id in await self._rows.deleted_and_unneeded():
            await Datasets(self._work).delete(dataset_id, lineage, cascade=True)

    async def check_trainable(self, dataset_id: str) -> None:
        """Raise ApiError `dataset_not_ready` if this API says it is not validated, or is deleted.

        Datasets that were created elsewhere are judged there.
        """
        await self._one_at_a_time()
        if await self._rows.is_deleted(dataset_id):
            raise ApiError("dataset_not_ready", "The dataset was deleted.")
        found = await self._rows.get(dataset_id)
        if found is not None and (status := validation_status(found)) != "validated":
            raise ApiError("dataset_not_ready", f"The dataset's validation status is {status}.")

    async def _one_at_a_time(self) -> None:
        """Nothing is deleted while a training on it is being arranged."""
        await self._work.one_at_a_time("cohere datasets")

    async def _found(self, dataset_id: str) -> DatasetRows:
        found = await self._rows.get(dataset_id)
        if found is None:
            raise not_found("dataset", dataset_id)
        return found

    async def _with_files(self, found: Sequence[DatasetRows]) -> list[FoundDataset]:
        files = await self._rows.files([each.row.id for each in found])
        return [
            FoundDataset(each, [file for file in files if file.dataset_id == each.row.id])
            for each in found
        ]


async def present(blobs: Blobs, found: FoundDataset) -> CohereDataset:
    """A dataset as Cohere tells of it.

    Not within a transaction: its report may have to be fetched.
    """
    listed: list[ReportedProblem] = []
    row = found.rows.row
    if row.problem_counts:
        assert row.report_blob is not None
        listed, _ = await problems(blobs, row.report_blob, 0, _MAX_LISTED)
    # The report's beginning, errors first.
    listed = sorted(listed, key=lambda problem: problem.severity != "error")
    return _present(found.rows, found.files, listed)


def validation_status(found: DatasetRows) -> ValidationStatus:
    """The status; what is ready here has failed there if it has too few examples."""
    if found.row.status == "validating":
        return "processing"
    failed = found.row.status == "failed" or _shortage(found.told) is not None
    return "failed" if failed else "validated"


def _shortage(told: CohereDatasetRow) -> str | None:
    """What is said of too few examples; None if there are enough."""
    type_ = TYPES[told.type]
    minimum = type_.minimum if told.eval_examples is None else type_.minimum_with_eval
    if told.train_examples >= minimum:
        return None
    return f"not enough valid train examples: {told.train_examples}, at least {minimum} are needed"


def _sentence(problem: ReportedProblem) -> str:
    place = problem.file or ""
    if problem.line is not None:
        place += f"{', ' if place else ''}line {problem.line}"
    return f"{place}: {problem.message}. {problem.hint}" if place else problem.message


def _present(
    found: DatasetRows, files: Sequence[DatasetFileRow], problems: Sequence[ReportedProblem]
) -> CohereDataset:
    told, row = found.told, found.row
    sentences = [_sentence(problem) for problem in problems]
    error = None
    if row.status == "failed":
        # None is in the report, or not so early, if reading broke down or warnings abound.
        reported = bool(problems) and problems[0].severity == "error"
        error = sentences.pop(0) if reported else row.error_message
    elif row.status == "ready":
        error = _shortage(told)
    rows = {TRAIN: told.train_examples, EVAL: told.eval_examples or 0}
    sizes = {
        split: sum(file.bytes for file in files if file.split == split) for split in (TRAIN, EVAL)
    }
    return CohereDataset(
        id=row.id,
        name=row.name,
        created_at=row.created_at,
        updated_at=row.finished_at or row.created_at,
        dataset_type=told.type,
        validation_status=validation_status(found),
        validation_error=error,
        validation_warnings=sentences,
        required_fields=list(TYPES[told.type].fields),
        preserve_fields=[*told.keep_fields, *told.optional_fields],
        dataset_parts=[
            DatasetPart(
                id=f"{row.id}-{file.position}",
                name=file.filename,
                index=file.position,
                size_bytes=file.bytes,
                num_rows=rows.get(file.split or TRAIN),
            )
            for file in files
        ],
        metrics=Metrics(
            finetune_dataset_metrics=FinetuneDatasetMetrics(
                trainable_token_count=-(-sizes[TRAIN] // _BYTES_PER_TOKEN),
                total_examples=sum(rows.values()),
                train_examples=rows[TRAIN],
                train_size_bytes=sizes[TRAIN],
                eval_examples=rows[EVAL],
                eval_size_bytes=sizes[EVAL],
            )
        ),
    )
