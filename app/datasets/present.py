"""From rows and documents to what the datasets room says on the wire."""

from collections.abc import Sequence
from typing import cast

from app.corpora.documents import Document
from app.datasets.schemas import (
    Dataset,
    DatasetDocument,
    DatasetFile,
    DatasetSplit,
    DatasetStatus,
    DocumentMention,
    DocumentPassage,
    DocumentRelation,
    ReportSummary,
)
from app.platform.failures import job_failure
from app.platform.progress import share_done
from app.tables import DatasetFileRow, DatasetRow, DatasetSplitRow


def status(row: DatasetRow) -> DatasetStatus:
    """The status, as the closed set it is."""
    return cast(DatasetStatus, row.status)


def summary(row: DatasetRow) -> ReportSummary:
    """How many problems there are of each code."""
    return ReportSummary(errors=row.errors, warnings=row.warnings, by_code=row.problem_counts)


def dataset(
    row: DatasetRow, files: Sequence[DatasetFileRow], splits: Sequence[DatasetSplitRow]
) -> Dataset:
    """One dataset with its files and splits."""
    return Dataset(
        id=row.id,
        name=row.name,
        status=status(row),
        progress=share_done(row.status, row.progress),
        format=row.format,
        version=row.version,
        based_on=row.based_on,
        error=job_failure(row.error_code, row.error_message),
        files=[DatasetFile.model_validate(file) for file in files],
        splits=[DatasetSplit.model_validate(split) for split in splits],
        report=summary(row),
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def document(split: str, document: Document) -> DatasetDocument:
    """One document of a split."""
    return DatasetDocument(
        id=document.id,
        split=split,
        passages=[DocumentPassage.model_validate(passage) for passage in document.passages],
        mentions=[DocumentMention.model_validate(mention) for mention in document.mentions],
        relations=[DocumentRelation.model_validate(relation) for relation in document.relations],
    )
