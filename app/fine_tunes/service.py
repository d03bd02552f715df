"""Fine-tunes: launch, read, cancel."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from app.backends.base import Backend
from app.backends.registry import Backends
from app.fine_tunes.ledger import Ledger
from app.fine_tunes.repository import FineTuneRepository
from app.fine_tunes.schemas import (
    FineTune,
    FineTuneEvent,
    FineTuneRequest,
    MetricValue,
    RepeatRequest,
)
from app.fine_tunes.states import TERMINAL, Status
from app.notifications.service import Notifications
from app.platform.clock import new_id, now
from app.platform.errors import ApiError, FieldError, invalid_field
from app.platform.failures import job_failure
from app.platform.lineage import Lineage, Link
from app.platform.pagination import Page, decode_id, decode_offset, encode_cursor
from app.platform.problem_json import field_errors
from app.platform.unfinished import check_room
from app.platform.work import Work
from app.tables import FineTuneRow
from app.training_files.service import TrainingFiles
from app.vocabularies.service import Vocabularies

JOB = "fine_tune"
_ELSEWHERE = (
    "Train on the backend local, on a self-hosted cohere-finetune, or on another Cohere-compatible "
    "server: GET /v1/backends lists those there are."
)


class FineTunes:
    """The fine-tunes room's operations within one unit of work, for which `backends` have been
    asked."""

    def __init__(self, work: Work, backends: Backends) -> None:
        self._work = work
        self._backends = backends
        self._rows = FineTuneRepository(work.session)
        self._ledger = Ledger(work)

    async def create(self, request: FineTuneRequest) -> FineTune:
        """Register a fine-tune and have it trained, once its training files are built.

        Raises ApiError `not_found`, `training_file_not_ready`, `unknown_backend`,
        `capability_unavailable`, `backend_unavailable`, `invalid_request`,
        `vocabulary_not_ready`, `too_many_jobs`.
        """
        return await self._create(request, {})

    async def repeat(self, fine_tune_id: str, request: RepeatRequest) -> FineTune:
        """Train on the same data again, there or elsewhere. Raises as `create`."""
        row = await self._ledger.row(fine_tune_id)
        elsewhere = request.backend not in (None, row.backend)
        hyperparameters = request.hyperparameters
        if hyperparameters is None:
            hyperparameters = {} if elsewhere else row.hyperparameters
        again = FineTuneRequest(
            training_file_id=row.training_file_id,
            evaluation_file_id=row.evaluation_file_id,
            backend=request.backend or row.backend,
            base_model=request.base_model or (None if elsewhere else row.base_model),
            hyperparameters=hyperparameters,
            vocabularies=(row.vocabularies or [])
            if request.vocabularies is None
            else request.vocabularies,
            name=request.name or row.name,
            notify=await Notifications(self._work).still_there(row.notify or [])
            if request.notify is None
            else request.notify,
        )
        return await self._create(again, {"repeats": row.id})

    async def _create(self, request: FineTuneRequest, told: dict[str, Any]) -> FineTune:
        await check_room(self._work)
        backend = self._backends.get(request.backend)
        hyperparameters = _check_hyperparameters(backend, request.hyperparameters)
        # As the catalogue lists it, or without the backend's name.
        base_model = request.base_model and request.base_model.removeprefix(f"{request.backend}:")
        await self._check_base_model(backend, base_model)
        for file_id in filter(None, [request.training_file_id, request.evaluation_file_id]):
            file = await TrainingFiles(self._work).get(file_id)
            if file.status == "failed":
                raise ApiError("training_file_not_ready", f"{file.id} could not be built.")
        vocabularies = await self._vocabularies(request.vocabularies)
        notify = await Notifications(self._work).targets(request.notify)
        fine_tune_id = new_id("ft")
        row = FineTuneRow(
            id=fine_tune_id,
            name=request.name or fine_tune_id,
            training_file_id=request.training_file_id,
            evaluation_file_id=request.evaluation_file_id,
            backend=request.backend,
            base_model=base_model,
            hyperparameters=hyperparameters,
            vocabularies=vocabularies,
            status=Status.QUEUED.value,
            stage="",
            progress=0.0,
            notify=notify,
            created_at=now(),
        )
        await self._rows.add(row)
        await self._ledger.event(row, Status.QUEUED.value, told)
        self._work.start_job(JOB, fine_tune_id)
        return _present(row)

    async def get(self, fine_tune_id: str) -> FineTune:
        """One fine-tune. Raises ApiError `not_found`."""
        return _present(await self._ledger.row(fine_tune_id))

    async def page(self, status: Status | None, cursor: str | None, limit: int) -> Page[FineTune]:
        """Fine-tunes, newest first."""
        rows = await self._rows.page(status and status.value, decode_id(cursor, "ft"), limit + 1)
        more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
        return Page(items=[_present(row) for row in rows[:limit]], next_cursor=more)

    async def events(
        self, fine_tune_id: str, cursor: str | None, limit: int
    ) -> Page[FineTuneEvent]:
        """What happened, in order. Raises ApiError `not_found`."""
        await self._ledger.row(fine_tune_id)
        rows = await self._rows.events(fine_tune_id, decode_offset(cursor), limit + 1)
        items = [FineTuneEvent.model_validate(row, from_attributes=True) for row in rows[:limit]]
        more = encode_cursor(items[-1].sequence) if len(rows) > limit else None
        return Page(items=items, next_cursor=more)

    async def metrics(self, fine_tune_id: str, cursor: str | None, limit: int) -> Page[MetricValue]:
        """The training curve, in order. Raises ApiError `not_found`."""
        await self._ledger.row(fine_tune_id)
        rows = await self._rows.metrics(fine_tune_id, decode_offset(cursor), limit + 1)
        items = [
            MetricValue(
                sequence=row.sequence,
                stage=row.stage,
                step=row.step,
                name=row.name,
                value=row.value,
            )
            for row in rows[:limit]
        ]
        more = encode_cursor(items[-1].sequence) if len(rows) > limit else None
        return Page(items=items, next_cursor=more)

    async def cancel(self, fine_tune_id: str) -> FineTune:
        """Ask for an end. Safe to repeat. Raises ApiError `not_found`, `not_cancellable`."""
        row = await self._ledger.locked(fine_tune_id)
        status = Status(row.status)
        if status in (Status.CANCELLING, Status.CANCELLED):
            return _present(row)
        if status in TERMINAL:
            raise ApiError("not_cancellable", f"The fine-tune has {status.value}.")
        # What has not begun needs no one to stop it.
        await self._ledger.move(
            row, Status.CANCELLED if status is Status.QUEUED else Status.CANCELLING
        )
        return _present(row)

    async def unfinished_since(self, backend: str) -> datetime | None:
        """When the oldest fine-tune on a backend that has not ended was created, if there is one.

        A model of that backend that no row names may be its."""
        return await self._rows.oldest(backend, [s.value for s in Status if s not in TERMINAL])

    async def rename(self, fine_tune_id: str, name: str) -> FineTune:
        """Give it, and its model, another name. Raises ApiError `not_found`."""
        row = await self._ledger.locked(fine_tune_id)
        row.name = name
        for model in await self._rows.models(fine_tune_id):
            model.name = name
        return _present(row)

    async def delete(self, fine_tune_id: str, lineage: Lineage, *, cascade: bool) -> None:
        """Remove a fine-tune that has ended, with its events and metrics.

        Raises ApiError `not_found`, `conflict` (it has not ended), `in_use` (it has a model).
        """
        await self._ledger.row(fine_tune_id)
        await lineage.release(self._work, "fine-tune", fine_tune_id, cascade=cascade)
        await _delete(self._work, fine_tune_id)

    async def _vocabularies(self, keys: Sequence[str]) -> list[str]:
        """Their ids; they stay as long as this fine-tune."""
        if not keys:
            return []
        vocabularies = Vocabularies(self._work)
        await vocabularies.hold()
        return await vocabularies.ready(keys, "/vocabularies")

    async def _check_base_model(self, backend: Backend, base_model: str | None) -> None:
        if base_model is None:
            return
        models = [model for _, model in await self._backends.base_models(backend.name)]
        if not models and not backend.lists_all_models:
            return  # its server does not answer now: the launch will tell
        tunable = [model.name for model in models if model.can_tune]
        if base_model not in tunable:
            known = ", ".join(tunable) or "none: leave it out"
            raise invalid_field("/base_model", "unknown", f"Models to start from: {known}.")


async def _built_from(work: Work, training_file_id: str) -> Sequence[str]:
    return await FineTuneRepository(work.session).built_from(training_file_id)


async def _delete(work: Work, fine_tune_id: str) -> None:
    rows = FineTuneRepository(work.session)
    row = await rows.lock(fine_tune_id)
    if row is None:
        return
    if row.status not in TERMINAL:
        raise ApiError("conflict", f"The fine-tune {row.id} is {row.status}: cancel it first.")
    await rows.delete(row)


async def _using(work: Work, vocabulary_id: str) -> Sequence[str]:
    return await FineTuneRepository(work.session).using(vocabulary_id)


LINK = Link("training file", "fine-tune", _built_from, _delete)
VOCABULARY_LINK = Link("vocabulary", "fine-tune", _using, _delete)


def _check_hyperparameters(backend: Backend, given: dict[str, Any]) -> dict[str, Any]:
    """All hyperparameters, defaults filled in. Raises ApiError naming each field at fault."""
    schema = backend.hyperparameters
    if schema is None:
        said = f"The backend {backend.name} does not train."
        raise ApiError("capability_unavailable", said, hint=_ELSEWHERE)
    if not backend.configured:
        said = f"The backend {backend.name} is not configured."
        raise ApiError("backend_unavailable", said, hint=backend.setup_hint)
    try:
        return schema.model_validate(given).model_dump(mode="json")
    except ValidationError as error:
        found = field_errors([dict(fault) for fault in error.errors(include_url=False)])
        faults = [FieldError(f"/hyperparameters{f.pointer}", f.code, f.detail) for f in found]
        raise ApiError("invalid_request", "Hyperparameters are not valid.", errors=faults) from None


def _present(row: FineTuneRow) -> FineTune:
    return FineTune(
        id=row.id,
        name=row.name,
        status=Status(row.status),
        stage=row.stage,
        progress=row.progress,
        training_file_id=row.training_file_id,
        evaluation_file_id=row.evaluation_file_id,
        backend=row.backend,
        base_model=row.base_model,
        hyperparameters=row.hyperparameters,
        vocabularies=row.vocabularies or [],
        notify=row.notify or [],
        model_id=row.model_id,
        error=job_failure(row.error_code, row.error_message),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
