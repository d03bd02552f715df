"""Rows of evaluations and of what they measured."""

from collections.abc import Sequence

from sqlalchemy import Select, String, and_, cast, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.platform.leftovers import owners_of
from app.platform.row_locks import locked
from app.tables import EvaluationResultRow, EvaluationRow


class EvaluationRepository:
    """Reads and writes rows in the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, row: EvaluationRow, results: Sequence[EvaluationResultRow]) -> None:
        """Insert an evaluation and a row for each of its models."""
        self._session.add(row)
        await self._session.flush()
        self._session.add_all(results)
        await self._session.flush()

    async def get(self, evaluation_id: str) -> EvaluationRow | None:
        """One evaluation."""
        return await self._session.get(EvaluationRow, evaluation_id)

    async def lock(self, evaluation_id: str) -> EvaluationRow | None:
        """The same, as it is now, and no one else changes it until the transaction ends."""
        return await locked(self._session, EvaluationRow, evaluation_id)

    async def results(self, evaluation_ids: Sequence[str]) -> Sequence[EvaluationResultRow]:
        """Rows of the models of these evaluations, in the order they were asked for."""
        query = select(EvaluationResultRow).where(
            EvaluationResultRow.evaluation_id.in_(evaluation_ids)
        )
        return (await self._session.scalars(query.order_by(EvaluationResultRow.position))).all()

    async def newest(
        self, dataset_id: str | None, model: str | None, after: str | None, limit: int
    ) -> Sequence[EvaluationRow]:
        """Evaluations of a dataset, of a model, or all; newest first, beyond an id."""
        query = _chosen(dataset_id, model).order_by(EvaluationRow.id.desc()).limit(limit)
        if after is not None:
            query = query.where(EvaluationRow.id < after)
        return (await self._session.scalars(query)).all()

    async def best(
        self,
        dataset_id: str | None,
        model: str | None,
        after: tuple[float, str] | None,
        limit: int,
    ) -> Sequence[EvaluationRow]:
        """The same of those that have scores; the best first, beyond a score and an id."""
        score, key = EvaluationRow.best_f1, EvaluationRow.id
        query = _chosen(dataset_id, model).where(score.is_not(None))
        query = query.order_by(score.desc(), key.desc()).limit(limit)
        if after is not None:
            query = query.where(or_(score < after[0], and_(score == after[0], key < after[1])))
        return (await self._session.scalars(query)).all()

    async def of_dataset(self, dataset_id: str) -> Sequence[str]:
        """Ids of the evaluations on a dataset."""
        query = select(EvaluationRow.id).where(EvaluationRow.dataset_id == dataset_id)
        return (await self._session.scalars(query)).all()

    async def using(self, vocabulary_id: str, statuses: Sequence[str]) -> Sequence[str]:
        """Ids of the evaluations in one of these states that name a vocabulary."""
        # The JSON as text: an id is in no other string. Each database has functions of its own.
        named = cast(EvaluationRow.options, String).contains(vocabulary_id, autoescape=True)
        query = select(EvaluationRow.id).where(named, EvaluationRow.status.in_(statuses))
        return (await self._session.scalars(query)).all()

    async def named_blobs(self, keys: Sequence[str]) -> set[str]:
        """The blobs that the rows of these blobs' owners name."""
        query = select(EvaluationResultRow.blob).where(
            EvaluationResultRow.evaluation_id.in_(owners_of(keys))
        )
        return {blob for blob in await self._session.scalars(query) if blob is not None}

    async def with_status(self, statuses: Sequence[str]) -> Sequence[str]:
        """Ids of the evaluations in one of these states."""
        query = select(EvaluationRow.id).where(EvaluationRow.status.in_(statuses))
        return (await self._session.scalars(query)).all()

    async def delete(self, row: EvaluationRow) -> None:
        """Remove an evaluation; the database removes what it measured."""
        await self._session.delete(row)
        await self._session.flush()


def _chosen(dataset_id: str | None, model: str | None) -> Select[EvaluationRow]:
    query = select(EvaluationRow)
    if dataset_id is not None:
        query = query.where(EvaluationRow.dataset_id == dataset_id)
    if model is not None:
        of_model = select(EvaluationResultRow.evaluation_id).where(
            EvaluationResultRow.model == model
        )
        query = query.where(EvaluationRow.id.in_(of_model))
    return query
