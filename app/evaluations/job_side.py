"""What the job of an evaluation does to its rows: each method is one transaction of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.datasets.service import Datasets
from app.evaluations.ending import end
from app.evaluations.repository import EvaluationRepository
from app.evaluations.schemas import (
    UNFINISHED,
    Comparison,
    EvaluationOptions,
    EvaluationResult,
    EvaluationWarning,
    Price,
    Status,
)
from app.platform.clock import now
from app.platform.work import Work
from app.prompts.tasks import Task


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure: `models` are (id, the name asked for), `documents` how many there are.

    `splits` are the blobs of the documents.
    """

    evaluation_id: str
    models: Sequence[tuple[str, str]]
    documents: int
    splits: Sequence[str]
    tasks: frozenset[Task]
    options: EvaluationOptions
    prices: dict[str, Price]
    resamples: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: for each model its result and the blob of its records."""

    results: Sequence[tuple[EvaluationResult, str]]
    comparisons: Sequence[Comparison]
    warnings: Sequence[EvaluationWarning]


class JobSide:
    """An evaluation as its job sees it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows = EvaluationRepository(work.session)

    async def begin(self, evaluation_id: str) -> Plan | None:
        """What to do; None if it has ended. One that was cut off begins anew."""
        row = await self._rows.lock(evaluation_id)
        if row is None or row.status not in UNFINISHED:
            return None
        if row.status == Status.QUEUED:
            row.status, row.started_at = Status.RUNNING.value, now()
        datasets = Datasets(self._work)
        sources = await datasets.split_sources(row.dataset_id, row.splits)
        counted = {s.name: s.documents for s in (await datasets.get(row.dataset_id)).splits}
        row.documents = sum(counted[source.name] for source in sources)
        return Plan(
            evaluation_id=row.id,
            models=[(each.model, each.asked) for each in await self._rows.results([row.id])],
            documents=row.documents,
            splits=[source.blob for source in sources],
            tasks=frozenset(map(Task, row.tasks)),
            options=EvaluationOptions.model_validate(row.options["options"]),
            prices={k: Price.model_validate(v) for k, v in row.options["prices"].items()},
            resamples=row.options["resamples"],
        )

    async def record(self, evaluation_id: str, stage: str, progress: float) -> bool:
        """Store how far it is, 0 to 1, unless it was further before; False if it is to end."""
        row = await self._rows.lock(evaluation_id)
        if row is None or row.status != Status.RUNNING:
            return False
        row.stage, row.progress = stage, max(row.progress, progress)
        return True

    async def succeed(self, evaluation_id: str, outcome: Outcome) -> bool:
        """Store what was measured, all of it; False if it was cancelled in the last moment.

        Safe to repeat: whether a commit was done is not known when its answer is lost.
        """
        row = await self._rows.lock(evaluation_id)
        if row is None or row.status != Status.RUNNING:
            return row is not None and row.status == Status.SUCCEEDED
        each = zip(await self._rows.results([row.id]), outcome.results, strict=True)
        for result_row, (result, blob) in each:
            result_row.result, result_row.blob = result.model_dump(mode="json"), blob
        row.comparisons = {
            "comparisons": [each.model_dump(mode="json") for each in outcome.comparisons],
            "warnings": [each.model_dump(mode="json") for each in outcome.warnings],
        }
        row.best_f1 = max(result.f1 for result, _ in outcome.results)
        row.stage, row.progress = "", 1.0
        await end(self._work, row, Status.SUCCEEDED)
        return True

    async def fail(self, evaluation_id: str, code: str, message: str) -> bool:
        """Nothing is kept but the reason; False if it has succeeded. Safe to repeat."""
        row = await self._rows.lock(evaluation_id)
        if row is not None and row.status in UNFINISHED:
            row.error_code, row.error_message = code, message
            await end(self._work, row, Status.FAILED)
        return row is None or row.status != Status.SUCCEEDED

    async def unfinished(self) -> Sequence[str]:
        """Ids of evaluations whose job has not ended."""
        return await self._rows.with_status([status.value for status in UNFINISHED])
