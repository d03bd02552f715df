"""What the job of a fine-tune does to its row: each method is one step's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.backends.base import JobState
from app.fine_tunes.ledger import Ledger
from app.fine_tunes.repository import FineTuneRepository
from app.fine_tunes.states import TERMINAL, Status
from app.platform.clock import new_id, now
from app.platform.work import Work
from app.tables import FineTuneMetricRow, FineTuneRow, ModelRow
from app.training_files.service import TrainingData, TrainingFiles
from app.vocabularies.service import Vocabularies


@dataclass(frozen=True)
class TrainingPlan:
    """What to launch and on which backend; data and `vocabularies` are blobs still.

    `evaluation` is what to measure it on, if that was asked for.
    """

    backend: str
    base_model: str | None
    hyperparameters: dict[str, Any]
    training: TrainingData
    evaluation: TrainingData | None
    vocabularies: tuple[str, ...]


class JobSide:
    """A fine-tune as its job sees it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows = FineTuneRepository(work.session)
        self._ledger = Ledger(work)

    async def waits(self, fine_tune_id: str) -> bool:
        """Whether it has to wait for a training file that is still being built."""
        row = await self._rows.get(fine_tune_id)
        if row is None or row.status != Status.QUEUED:
            return False
        files = [await TrainingFiles(self._work).get(each) for each in _files(row)]
        return any(file.status == "building" for file in files)

    async def prepare(self, fine_tune_id: str) -> TrainingPlan | None:
        """What is to be launched; None if the fine-tune is not to go on.

        Raises ApiError `training_file_not_ready` if a file could not be built.
        """
        row = await self._rows.lock(fine_tune_id)
        if row is None:
            return None
        if row.status == Status.QUEUED:
            row.started_at = now()
            await self._ledger.move(row, Status.PREPARING)
        return await self._plan(row) if row.status == Status.PREPARING else None

    async def _plan(self, row: FineTuneRow) -> TrainingPlan:
        training, *evaluation = [
            await TrainingFiles(self._work).training_data(each) for each in _files(row)
        ]
        return TrainingPlan(
            backend=row.backend,
            base_model=row.base_model,
            hyperparameters=row.hyperparameters,
            training=training,
            evaluation=evaluation[0] if evaluation else None,
            vocabularies=await Vocabularies(self._work).indexes_of(row.vocabularies or []),
        )

    async def begin(self, fine_tune_id: str) -> TrainingPlan | None:
        """What to launch; None if the fine-tune has ended. One that was cut off is resumed."""
        row = await self._rows.lock(fine_tune_id)
        if row is None or row.status in TERMINAL:
            return None
        if row.status == Status.PREPARING:
            await self._ledger.move(row, Status.TRAINING)
        elif row.status == Status.TRAINING:
            await self._ledger.event(row, "resumed")
        return await self._plan(row)

    async def status(self, fine_tune_id: str) -> Status | None:
        """The status alone; None if the fine-tune is gone."""
        row = await self._rows.get(fine_tune_id)
        return None if row is None else Status(row.status)

    async def backend(self, fine_tune_id: str) -> str | None:
        """The name of its backend; None if the fine-tune is gone."""
        row = await self._rows.get(fine_tune_id)
        return None if row is None else row.backend

    async def record(self, fine_tune_id: str, state: JobState) -> None:
        """Store progress, and the warnings and points of the curve that are new."""
        row = await self._ledger.locked(fine_tune_id)
        # A training that had to begin anew is behind for a while.
        row.stage, row.progress = state.stage, max(row.progress, state.progress)
        if state.warnings:
            told = await self._rows.count_events(fine_tune_id, "warning")
            for warning in state.warnings[told:]:
                await self._ledger.event(row, "warning", {"message": warning})
        known = await self._rows.metric_count(fine_tune_id)
        if known > len(state.metrics):
            await self._rows.clear_metrics(fine_tune_id)
            known = 0
        self._rows.add_metrics(
            [
                FineTuneMetricRow(
                    fine_tune_id=fine_tune_id,
                    sequence=sequence,
                    stage=point.stage,
                    step=point.step,
                    name=point.name,
                    value=point.value,
                    at=now(),
                )
                for sequence, point in enumerate(state.metrics[known:], known + 1)
            ]
        )

    async def unreachable(self, fine_tune_id: str, code: str, message: str) -> None:
        """The backend is away; the training is looked for until it is back."""
        row = await self._ledger.locked(fine_tune_id)
        await self._ledger.event(row, "unreachable", {"code": code, "message": message})

    async def relaunched(self, fine_tune_id: str) -> None:
        """The backend had lost the job and was given it again."""
        await self._ledger.event(await self._ledger.locked(fine_tune_id), "relaunched")

    async def succeed(self, fine_tune_id: str, backend_model: str) -> bool:
        """Put the model into the catalogue; False if it was cancelled in the last moment."""
        row = await self._ledger.locked(fine_tune_id)
        if row.status != Status.TRAINING:
            return row.status == Status.SUCCEEDED
        data = await TrainingFiles(self._work).training_data(row.training_file_id)
        model = ModelRow(
            id=new_id("mdl"),
            name=row.name,
            backend=row.backend,
            base_model=row.base_model,
            backend_model=backend_model,
            tasks=sorted(task.value for task in data.tasks),
            template_id=data.template_id,
            fine_tune_id=row.id,
            created_at=now(),
        )
        await self._rows.add(model)
        row.model_id, row.progress, row.stage = model.id, 1.0, ""
        await self._ledger.move(row, Status.SUCCEEDED, {"model_id": model.id})
        return True

    async def cancelled(self, fine_tune_id: str) -> None:
        """The training has been stopped."""
        row = await self._ledger.locked(fine_tune_id)
        if row.status == Status.CANCELLING:
            await self._ledger.move(row, Status.CANCELLED)

    async def fail(self, fine_tune_id: str, code: str, message: str) -> bool:
        """The training failed (or is cancelled, if it was being); False if it has succeeded.

        A step that is taken again finds that it had ended, and is told the same.
        """
        row = await self._rows.lock(fine_tune_id)
        if row is None:
            return False
        if row.status == Status.CANCELLING:
            await self._ledger.move(row, Status.CANCELLED)
        elif row.status not in TERMINAL:
            row.error_code, row.error_message = code, message
            await self._ledger.move(row, Status.FAILED, {"code": code, "message": message})
        return row.status != Status.SUCCEEDED

    async def unfinished(self) -> Sequence[str]:
        """Ids of fine-tunes whose job has not ended."""
        return await self._rows.with_status([s.value for s in Status if s not in TERMINAL])


def _files(row: FineTuneRow) -> list[str]:
    """Ids of the training files: to learn from, and to be measured on if there is one."""
    return [row.training_file_id, *filter(None, [row.evaluation_file_id])]
