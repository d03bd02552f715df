"""Cohere's fine-tuned models, on top of the fine-tunes room: each is a fine-tune of ours."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from app.backends.registry import Backends, base_model_id
from app.cohere_api.dataset_service import EVAL, TRAIN, CohereDatasets
from app.cohere_api.errors import CohereError
from app.cohere_api.finetuning_repository import FinetunedModelRepository, FinetunedModelRows
from app.cohere_api.finetuning_schemas import (
    BaseModelSettings,
    Event,
    FinetunedModel,
    FinetunedModelRequest,
    FinetuneSettings,
    FinetuneStatus,
    Hyperparameters,
    StepMetrics,
)
from app.datasets.service import Datasets
from app.fine_tunes.schemas import FineTuneRequest
from app.fine_tunes.service import FineTunes
from app.fine_tunes.states import TERMINAL, Status
from app.platform.clock import now
from app.platform.errors import ApiError, not_found
from app.platform.lineage import Lineage
from app.platform.unfinished import check_room
from app.platform.work import Work
from app.tables import CohereFinetunedModelRow
from app.training_files.schemas import TrainingFileRequest
from app.training_files.service import TrainingFiles

_STATUSES: Mapping[Status, FinetuneStatus] = MappingProxyType(
    {
        Status.QUEUED: "STATUS_QUEUED",
        Status.PREPARING: "STATUS_FINETUNING",
        Status.TRAINING: "STATUS_FINETUNING",
        Status.CANCELLING: "STATUS_FINETUNING",
        Status.SUCCEEDED: "STATUS_READY",
        Status.FAILED: "STATUS_FAILED",
        Status.CANCELLED: "STATUS_FAILED",
    }
)
# Events by which a status there changes; training comes after preparing, which is the same there.
_TOLD = {status.value for status in Status} - {Status.TRAINING.value, Status.CANCELLING.value}


class FinetunedModels:
    """The operations of Cohere's `/v1/finetuning` within one unit of work, for which `backends`
    have been asked."""

    def __init__(self, work: Work, backends: Backends) -> None:
        self._work = work
        self._backends = backends
        self._rows = FinetunedModelRepository(work.session)
        self._fine_tunes = FineTunes(work, backends)

    async def create(self, request: FinetunedModelRequest, lineage: Lineage) -> FinetunedModel:
        """Have a model trained on a validated dataset.

        Raises CohereError 400 and the ApiErrors of the rooms, all of which are 400 or 503 there.
        """
        await check_room(self._work)
        await self._bury(lineage)
        settings = request.settings
        backend, base_model = await self._base_model(settings.base_model.name)
        training, evaluation = await self._training_files(settings.dataset_id)
        fine_tune = await self._fine_tunes.create(
            FineTuneRequest(
                training_file_id=training,
                evaluation_file_id=evaluation,
                backend=backend,
                base_model=base_model,
                hyperparameters=self._known_there(backend, settings.hyperparameters),
                name=request.name,
            )
        )
        await self._tell(fine_tune.id, settings)
        return await self.get(fine_tune.id)

    async def get(self, fine_tune_id: str) -> FinetunedModel:
        """One of them. Raises ApiError `not_found`."""
        return _present(await self._found(fine_tune_id))

    async def page(
        self, after: str | None, limit: int, *, newest_first: bool
    ) -> tuple[list[FinetunedModel], str | None]:
        """Models by creation, and the id to go on after, if there are more."""
        found = await self._rows.page(after, limit + 1, newest_first=newest_first)
        more = found[limit - 1].row.id if len(found) > limit else None
        return [_present(each) for each in found[:limit]], more

    async def count(self) -> int:
        """How many there are."""
        return await self._rows.count()

    async def update(self, fine_tune_id: str, request: FinetunedModelRequest) -> FinetunedModel:
        """Rename it. Raises ApiError `not_found`, CohereError 400 if settings are to change."""
        found = await self._found(fine_tune_id)
        if changed := _changed(request.settings, _settings(found)):
            told = f"invalid request: {changed} cannot be changed, only the name can"
            raise CohereError(400, told)
        await self._fine_tunes.rename(fine_tune_id, request.name)
        if found.told is None:
            await self._tell(fine_tune_id, None)
        else:
            found.told.updated_at = now()
        return await self.get(fine_tune_id)

    async def delete(self, fine_tune_id: str, lineage: Lineage) -> None:
        """Remove it with its model; what has not ended is cancelled, and removed later.

        Raises ApiError `not_found`.
        """
        found = await self._found(fine_tune_id)
        if found.row.status not in TERMINAL:
            await self._fine_tunes.cancel(fine_tune_id)
        told = found.told or await self._tell(fine_tune_id, None)
        told.deleted_at = now()
        await self._bury(lineage)

    async def events(self, fine_tune_id: str) -> list[Event]:
        """All changes of status, newest first. Raises ApiError `not_found`."""
        await self._found(fine_tune_id)
        return [
            Event(status=_STATUSES[Status(row.type)], created_at=row.at)
            for row in await self._rows.events(fine_tune_id, _TOLD)
        ]

    async def step_metrics(self, fine_tune_id: str) -> list[StepMetrics]:
        """The whole training curve, in order. Raises ApiError `not_found`."""
        await self._found(fine_tune_id)
        steps: dict[tuple[str, int], StepMetrics] = {}
        for row in await self._rows.metrics(fine_tune_id):
            begun = StepMetrics(created_at=row.at, step_number=len(steps) + 1, metrics={})
            steps.setdefault((row.stage, row.step), begun).metrics[row.name] = row.value
        return list(steps.values())

    async def _found(self, fine_tune_id: str) -> FinetunedModelRows:
        found = await self._rows.get(fine_tune_id)
        if found is None:
            raise not_found("fine-tuned model", fine_tune_id)
        return found

    async def _tell(
        self, fine_tune_id: str, settings: FinetuneSettings | None
    ) -> CohereFinetunedModelRow:
        """Keep the settings; none for a fine-tune that was not made here."""
        kept = {} if settings is None else settings.model_dump(mode="json", exclude_none=True)
        row = CohereFinetunedModelRow(fine_tune_id=fine_tune_id, settings=kept, updated_at=now())
        await self._rows.add(row)
        return row

    async def _base_model(self, name: str | None) -> tuple[str, str | None]:
        """The backend, and the model of it to start from. Raises ApiError `unknown_backend`."""
        if name and ":" in name:
            backend, _, model = name.partition(":")
            return self._backends.get(backend).name, model or None
        backend = self._work.settings.cohere_api_backend
        models = await self._backends.base_models(self._backends.get(backend).name)
        # A backend that starts from no model has no use for the names of Cohere's.
        return backend, name if name and any(model.can_tune for _, model in models) else None

    def _known_there(self, backend: str, given: Hyperparameters | None) -> dict[str, object]:
        """What a backend has under Cohere's name; the others train with their defaults."""
        schema = self._backends.get(backend).hyperparameters
        if given is None or schema is None:
            return {}
        return {
            name: value
            for name, value in given.model_dump(exclude_none=True).items()
            if name in schema.model_fields and value != "LORA_TARGET_MODULES_UNSPECIFIED"
        }

    async def _training_files(self, dataset_id: str) -> tuple[str, str | None]:
        """Training files of the splits train and, if there is one, eval; both have the same tasks.

        Raises CohereError 400, ApiError `dataset_not_ready`, `unknown_split`, `invalid_request`.
        """
        datasets = Datasets(self._work)
        try:
            dataset = await datasets.get(dataset_id)
        except ApiError:
            raise CohereError(400, "invalid request: there is no such dataset") from None
        await CohereDatasets(self._work).check_trainable(dataset.id)
        files = TrainingFiles(self._work)
        training = await files.create(
            TrainingFileRequest(dataset_id=dataset.id, splits=[TRAIN], format="chat")
        )
        if all(split.name != EVAL for split in dataset.splits):
            return training.id, None
        annotated = await datasets.annotated(dataset.id, [EVAL])
        tasks = [task for task in training.tasks if task in annotated]
        if not tasks:
            return training.id, None
        request = TrainingFileRequest(
            dataset_id=dataset.id, splits=[EVAL], format="chat", tasks=tasks
        )
        return training.id, (await files.create(request)).id

    async def _bury(self, lineage: Lineage) -> None:
        """Remove for good whatever was deleted and has ended, with the files made only for it."""
        for found in await self._rows.deleted_and_ended():
            row = found.row
            if await self._rows.is_being_built(row):
                continue
            made_here = found.told is not None and bool(found.told.settings)
            files = [row.training_file_id, *filter(None, [row.evaluation_file_id])]
            await self._fine_tunes.delete(row.id, lineage, cascade=True)
            for file in files if made_here else ():
                if not await self._rows.is_needed(file):
                    await TrainingFiles(self._work).delete_released(file)
        await CohereDatasets(self._work).bury(lineage)


def _settings(found: FinetunedModelRows) -> FinetuneSettings:
    """As they were sent; of a fine-tune that was not made here, what would make one like it."""
    if found.told is not None and found.told.settings:
        return FinetuneSettings.model_validate(found.told.settings)
    row = found.row
    name = base_model_id(row.backend, row.base_model or "")
    return FinetuneSettings(
        base_model=BaseModelSettings(base_type="BASE_TYPE_CHAT", name=name),
        dataset_id=found.dataset_id,
    )


def _changed(given: FinetuneSettings, has: FinetuneSettings) -> str | None:
    """The first setting that is to be another; what is not given is not to be."""
    if given.dataset_id != has.dataset_id:
        return "settings.dataset_id"
    for name, value in given.base_model.model_dump(exclude_none=True).items():
        if value != getattr(has.base_model, name):
            return f"settings.base_model.{name}"
    if given.hyperparameters is not None:
        for name, value in given.hyperparameters.model_dump(exclude_none=True).items():
            if value != getattr(has.hyperparameters, name, None):
                return f"settings.hyperparameters.{name}"
    return None


def _present(found: FinetunedModelRows) -> FinetunedModel:
    row, told = found.row, found.told
    moments: list[datetime | None] = [row.created_at, row.started_at, row.finished_at]
    if told is not None:
        moments.append(told.updated_at)
    return FinetunedModel(
        id=row.id,
        name=row.name,
        settings=_settings(found),
        status=_STATUSES[Status(row.status)],
        created_at=row.created_at,
        updated_at=max(moment for moment in moments if moment is not None),
        completed_at=row.finished_at,
    )
