"""Rows of tuned models and aliases, and the state of the fine-tunes behind them."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.platform.database import ALL_WORKSPACES
from app.platform.row_locks import locked
from app.tables import FineTuneRow, ModelAliasRow, ModelRow


class ModelRepository:
    """Reads and writes rows in the session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, model_id: str) -> ModelRow | None:
        """One tuned model."""
        return await self._session.get(ModelRow, model_id)

    async def lock(self, model_id: str) -> ModelRow | None:
        """The same, as it is now, and no one else changes it until the transaction ends.

        Its fine-tune's row is locked before, as by who deletes that and the model with it.
        """
        row = await self.get(model_id)
        if row is None:
            return None
        await locked(self._session, FineTuneRow, row.fine_tune_id)
        return await locked(self._session, ModelRow, model_id)

    async def with_vocabularies(self, model_id: str) -> tuple[ModelRow, list[str]] | None:
        """One tuned model, and the ids of the vocabularies that it was trained with."""
        query = (
            select(ModelRow, FineTuneRow.vocabularies)
            .join(FineTuneRow, FineTuneRow.id == ModelRow.fine_tune_id)
            .where(ModelRow.id == model_id)
        )
        found = (await self._session.execute(query)).one_or_none()
        return None if found is None else (found[0], found[1] or [])

    async def page(self, after: str | None, limit: int) -> Sequence[ModelRow]:
        """Tuned models, newest first."""
        query = select(ModelRow).order_by(ModelRow.id.desc()).limit(limit)
        if after is not None:
            query = query.where(ModelRow.id < after)
        return (await self._session.scalars(query)).all()

    async def of_fine_tune(self, fine_tune_id: str) -> Sequence[str]:
        """Ids of the models a fine-tune ended in: one or none."""
        query = select(ModelRow.id).where(ModelRow.fine_tune_id == fine_tune_id)
        return (await self._session.scalars(query)).all()

    async def known(self, backend: str, names: Sequence[str]) -> set[str]:
        """Of these models of a backend, those that are in the catalogue, of any workspace."""
        query = select(ModelRow.backend_model).where(
            ModelRow.backend == backend, ModelRow.backend_model.in_(names)
        )
        return set(await self._session.scalars(query.execution_options(**ALL_WORKSPACES)))

    async def tuned(self, names: Sequence[str]) -> set[str]:
        """Of these names at servers, those of tuned models of any workspace.

        Whatever trained them: another backend may be served by the same server.
        """
        query = select(ModelRow.backend_model).where(ModelRow.backend_model.in_(names))
        return set(await self._session.scalars(query.execution_options(**ALL_WORKSPACES)))

    async def fine_tune(self, fine_tune_id: str) -> FineTuneRow | None:
        """The fine-tune of this id."""
        return await self._session.get(FineTuneRow, fine_tune_id)

    async def alias(self, name: str) -> ModelAliasRow | None:
        """One alias."""
        return await self._session.scalar(select(ModelAliasRow).where(ModelAliasRow.name == name))

    async def lock_alias(self, name: str) -> ModelAliasRow | None:
        """The same, as it is now, and no one else changes it until the transaction ends."""
        query = select(ModelAliasRow).where(ModelAliasRow.name == name)
        options = {"populate_existing": True}
        return await self._session.scalar(query.with_for_update(), execution_options=options)

    async def aliases(self) -> Sequence[ModelAliasRow]:
        """All aliases, by name."""
        return (
            await self._session.scalars(select(ModelAliasRow).order_by(ModelAliasRow.name))
        ).all()

    def add_alias(self, row: ModelAliasRow) -> None:
        """Insert an alias."""
        self._session.add(row)

    async def delete_alias(self, row: ModelAliasRow) -> None:
        """Remove an alias."""
        await self._session.delete(row)
        await self._session.flush()

    async def delete(self, row: ModelRow) -> None:
        """Remove a model and the aliases that point to it."""
        await self._session.execute(delete(ModelAliasRow).where(ModelAliasRow.model == row.id))
        fine_tune = await self.fine_tune(row.fine_tune_id)
        if fine_tune is not None:
            fine_tune.model_id = None
        await self._session.delete(row)
        await self._session.flush()
