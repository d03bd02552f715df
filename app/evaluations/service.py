"""Evaluations: launch, read, cancel, delete."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

from app.backends.registry import Backends
from app.datasets.service import Datasets
from app.evaluations.ending import end
from app.evaluations.kept import KeptBlobs
from app.evaluations.measures import MEASURES, PROTOCOLS
from app.evaluations.repository import EvaluationRepository
from app.evaluations.schemas import (
    UNFINISHED,
    Comparison,
    Evaluation,
    EvaluationOptions,
    EvaluationRequest,
    EvaluationResult,
    EvaluationWarning,
    Status,
)
from app.models.service import Models, ResolvedModel
from app.notifications.service import Notifications
from app.platform.clock import new_id, now
from app.platform.errors import ApiError, invalid_field, not_found
from app.platform.failures import job_failure
from app.platform.leftovers import of_owners
from app.platform.lineage import Link
from app.platform.pagination import Page, decode_cursor, decode_id, encode_cursor, is_id
from app.platform.unfinished import check_room
from app.platform.work import Work
from app.prompts.tasks import Task
from app.tables import EvaluationResultRow, EvaluationRow
from app.vocabularies.service import Vocabularies

JOB = "evaluation"
_VOCABULARIES = "/options/vocabularies"
_UNFINISHED = [status.value for status in UNFINISHED]

Sort = Literal["created_at", "f1"]


class Evaluations:
    """The evaluations room's operations within one unit of work."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._rows = EvaluationRepository(work.session)

    async def create(self, request: EvaluationRequest, backends: Backends) -> Evaluation:
        """Register an evaluation and have it done.

        Raises ApiError `model_not_found`, `model_not_ready`, `retired`, `capability_unavailable`,
        `backend_unavailable`, `not_found`, `dataset_not_ready`, `unknown_split`,
        `vocabulary_not_ready`, `invalid_request`, `too_many_jobs`.
        """
        await check_room(self._work)
        models = await self._resolve(request.models, backends)
        splits = [request.split] if request.split is not None else request.splits
        sources = await Datasets(self._work).split_sources(request.dataset_id, splits)
        splits = [source.name for source in sources]
        annotated = await Datasets(self._work).annotated(request.dataset_id, splits)
        tasks = _check_tasks(request, models, annotated)
        options = request.options
        if options.vocabularies is not None:
            vocabularies = Vocabularies(self._work)
            await vocabularies.hold()
            ids = await vocabularies.ready(options.vocabularies, _VOCABULARIES)
            options = options.model_copy(update={"vocabularies": ids})
        notify = await Notifications(self._work).targets(request.notify)
        evaluation_id = new_id("ev")
        row = EvaluationRow(
            id=evaluation_id,
            name=request.name or evaluation_id,
            dataset_id=request.dataset_id,
            splits=splits,
            tasks=tasks,
            options={
                "options": options.model_dump(mode="json"),
                "prices": {k: price.model_dump() for k, price in request.prices.items()},
                "resamples": request.resamples,
            },
            status=Status.QUEUED.value,
            stage="",
            progress=0.0,
            notify=notify,
            created_at=now(),
        )
        results = [
            EvaluationResultRow(
                evaluation_id=evaluation_id, position=position, asked=asked, model=model.id
            )
            for position, (asked, model) in enumerate(zip(request.models, models, strict=True))
        ]
        await self._rows.add(row, results)
        self._work.start_job(JOB, evaluation_id)
        return _present(row, results)

    async def get(self, evaluation_id: str) -> Evaluation:
        """One evaluation. Raises ApiError `not_found`."""
        row = await self._row(evaluation_id)
        return _present(row, await self._rows.results([row.id]))

    async def page(
        self,
        dataset_id: str | None,
        model: str | None,
        sort: Sort,
        cursor: str | None,
        limit: int,
    ) -> Page[Evaluation]:
        """Evaluations of a dataset or model, newest first; or those with scores, best first."""
        if sort == "created_at":
            rows = await self._rows.newest(dataset_id, model, decode_id(cursor, "ev"), limit + 1)
        else:
            rows = await self._rows.best(dataset_id, model, _place(cursor), limit + 1)
        more = None
        if len(rows) > limit:
            last = rows[limit - 1]
            more = last.id if sort == "created_at" else f"{last.best_f1!r} {last.id}"
        rows = rows[:limit]
        results = await self._rows.results([row.id for row in rows])
        items = [
            _present(row, [each for each in results if each.evaluation_id == row.id])
            for row in rows
        ]
        return Page(items=items, next_cursor=encode_cursor(more))

    async def cancel(self, evaluation_id: str) -> Evaluation:
        """End it; its job stops soon after. Safe to repeat.

        Raises ApiError `not_found`, `not_cancellable`.
        """
        row = await self._row(evaluation_id, lock=True)
        if row.status in UNFINISHED:
            row.stage = ""
            await end(self._work, row, Status.CANCELLED)
        elif row.status != Status.CANCELLED:
            raise ApiError("not_cancellable", f"The evaluation has {row.status}.")
        return _present(row, await self._rows.results([row.id]))

    async def delete(self, evaluation_id: str) -> None:
        """Remove an evaluation that has ended. Raises ApiError `not_found`, `conflict`."""
        row = await self._row(evaluation_id, lock=True)
        if row.status in UNFINISHED:
            raise ApiError("conflict", f"The evaluation {row.id} is {row.status}: cancel it first.")
        await self._rows.delete(row)

        async def remove() -> None:
            await asyncio.to_thread(self._work.blobs.delete_owner, evaluation_id)

        self._work.after_commit(remove)

    async def kept(self, evaluation_id: str) -> KeptBlobs:
        """What has been kept of each document.

        Raises ApiError `not_found`, `evaluation_not_ready`.
        """
        row = await self._row(evaluation_id)
        if row.status != Status.SUCCEEDED:
            raise ApiError("evaluation_not_ready", f"The evaluation's status is {row.status}.")
        sources = await Datasets(self._work).split_sources(row.dataset_id, row.splits)
        return KeptBlobs(
            models=[
                (each.model, each.asked, each.blob)
                for each in await self._rows.results([row.id])
                if each.blob is not None
            ],
            splits=[(source.name, source.blob) for source in sources],
            tasks=[Task(task) for task in row.tasks],
            resamples=row.options["resamples"],
        )

    async def blobs_in_use(self, keys: Sequence[str]) -> set[str]:
        """Of these blobs those that a row names, and all of a row whose job has not ended."""
        kept = of_owners(keys, await self._rows.with_status(_UNFINISHED))
        return kept | await self._rows.named_blobs(keys)

    async def _row(self, evaluation_id: str, *, lock: bool = False) -> EvaluationRow:
        row = await (self._rows.lock if lock else self._rows.get)(evaluation_id)
        if row is None:
            raise not_found("evaluation", evaluation_id)
        return row

    async def _resolve(self, names: Sequence[str], backends: Backends) -> list[ResolvedModel]:
        models: list[ResolvedModel] = []
        for index, name in enumerate(names):
            model = await Models(self._work, backends).resolve(name)
            if not model.backend.configured:
                said = f"The backend {model.backend.name} is not configured."
                raise ApiError("backend_unavailable", said, hint=model.backend.setup_hint)
            if model.id in {other.id for other in models}:
                detail = f"{model.id} is asked for twice."
                raise invalid_field(f"/models/{index}", "given_twice", detail)
            models.append(model)
        return models


async def _built_from(work: Work, dataset_id: str) -> Sequence[str]:
    return await EvaluationRepository(work.session).of_dataset(dataset_id)


async def _delete(work: Work, evaluation_id: str) -> None:
    await Evaluations(work).delete(evaluation_id)


async def _using(work: Work, vocabulary_id: str) -> Sequence[str]:
    # One that has ended no longer needs it.
    return await EvaluationRepository(work.session).using(vocabulary_id, _UNFINISHED)


LINK = Link("dataset", "evaluation", _built_from, _delete)
VOCABULARY_LINK = Link("vocabulary", "evaluation", _using, _delete)


def _check_tasks(
    request: EvaluationRequest, models: Sequence[ResolvedModel], annotated: frozenset[Task]
) -> list[str]:
    """The tasks asked for, or those every model can be measured on.

    Raises ApiError `invalid_request` for one that nothing is annotated of: all that a model found
    would count as wrong. Raises `capability_unavailable` for one that no model can do, and if there
    is nothing left for a model.
    """
    asked = request.tasks
    if asked is None:
        if not annotated:
            raise invalid_field("/dataset_id", "nothing_annotated", "There is no annotation.")
        tasks = annotated.intersection(*(model.tasks for model in models))
        if not tasks:
            said = "No annotated task can be done by all of the models."
            raise ApiError("capability_unavailable", said, hint="Name the tasks, or fewer models.")
        return [task.value for task in Task if task in tasks]
    for index, task in enumerate(asked):
        if task not in annotated:
            detail = f"The splits have no annotated {task}."
            raise invalid_field(f"/tasks/{index}", "nothing_annotated", detail)
        if not any(task in model.tasks for model in models):
            raise ApiError("capability_unavailable", f"None of the models can do {task}.")
    for model in models:
        if model.tasks.isdisjoint(asked):
            raise ApiError("capability_unavailable", f"{model.id} can do none of the tasks.")
    return [task.value for task in Task if task in asked]


def _place(cursor: str | None) -> tuple[float, str] | None:
    """Score and id of the last evaluation of a page. Raises ApiError `invalid_cursor`."""
    position = decode_cursor(cursor)
    if position is None:
        return None
    score, _, evaluation_id = position.partition(" ")
    with suppress(ValueError):
        if 0 <= (number := float(score)) <= 1 and is_id(evaluation_id, "ev"):
            return number, evaluation_id
    raise ApiError("invalid_cursor", "The cursor is not one of this list.")


def _present(row: EvaluationRow, results: Sequence[EvaluationResultRow]) -> Evaluation:
    tasks = [Task(task) for task in row.tasks]
    outcome = row.comparisons or {"comparisons": [], "warnings": []}
    return Evaluation(
        id=row.id,
        name=row.name,
        dataset_id=row.dataset_id,
        splits=row.splits,
        tasks=tasks,
        models=[each.model for each in results],
        options=EvaluationOptions.model_validate(row.options["options"]),
        status=Status(row.status),
        stage=row.stage,
        progress=row.progress,
        documents=row.documents,
        results=[
            EvaluationResult.model_validate(each.result)
            for each in results
            if each.result is not None
        ],
        comparisons=[Comparison.model_validate(each) for each in outcome["comparisons"]],
        protocols={
            measure.value: PROTOCOLS[measure] for task in tasks for measure in MEASURES[task]
        },
        warnings=[EvaluationWarning.model_validate(each) for each in outcome["warnings"]],
        notify=row.notify or [],
        error=job_failure(row.error_code, row.error_message),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
