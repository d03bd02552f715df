"""Vocabularies as clients see them."""

from typing import cast

from app.corpora.documents import MentionType
from app.platform.failures import job_failure
from app.platform.progress import share_done
from app.tables import VocabularyRow
from app.vocabularies.schemas import (
    Vocabulary,
    VocabularyFile,
    VocabularyStatistics,
    VocabularyStatus,
)


def present(row: VocabularyRow) -> Vocabulary:
    """The row as the API shows it."""
    statistics = None
    if row.statistics is not None:
        statistics = VocabularyStatistics.model_validate(row.statistics)
    return Vocabulary(
        id=row.id,
        name=row.name,
        status=cast(VocabularyStatus, row.status),
        progress=share_done(row.status, row.progress),
        type=cast(MentionType | None, row.type),
        files=[VocabularyFile.model_validate(file) for file in row.files["items"]],
        sha256=row.sha256,
        bytes=row.bytes,
        statistics=statistics,
        error=job_failure(row.error_code, row.error_message),
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
