"""The course of an evaluation: ask each model about all documents, score, compare with the first.

Scoring and resampling hold a processor for long, so they are done in threads.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager

from anyio import to_thread

from app.backends.asked import asked_about
from app.backends.base import ExtractOptions
from app.backends.registry import Backends
from app.evaluations.asking import Answered, Asking
from app.evaluations.job_side import Outcome, Plan
from app.evaluations.measures import HEADLINE
from app.evaluations.records import score
from app.evaluations.samples import digests, read_samples
from app.evaluations.schemas import Comparison, EvaluationResult
from app.evaluations.significance import compare
from app.evaluations.tally import Tally
from app.evaluations.watch import Watch
from app.extractions.service import annotate
from app.fine_tunes.service import FineTunes
from app.models.service import Models, ResolvedModel, resolve
from app.platform.blobs import BlobWriter
from app.platform.errors import ApiError
from app.platform.work import Platform
from app.training_files.service import TrainingFiles
from app.vocabularies.service import indexes, local_indexes


class Evaluating:
    """One evaluation at work."""

    def __init__(self, platform: Platform, backends: Backends, plan: Plan) -> None:
        self._platform = platform
        self._backends = backends
        self._plan = plan
        answers = plan.documents * len(plan.models)
        self._watch = Watch(platform, plan.evaluation_id, answers)
        self._trained_on: dict[str, frozenset[bytes]] = {}

    async def run(self) -> Outcome:
        """Measure all models. Raises ApiError if a backend fails for good, UnwantedError."""
        results: list[tuple[EvaluationResult, str]] = []
        tallies: dict[str, Tally] = {}
        if self._plan.options.min_precision is not None:
            for model_id, asked in self._plan.models:
                with _naming(asked):
                    await self._ask_nothing(model_id)
        for model_id, asked in self._plan.models:
            self._watch.begin(model_id)
            with _naming(asked):
                tally, result, blob = await self._measure(model_id, asked)
            results.append((result, blob))
            tallies[model_id] = tally
        self._watch.begin("comparing")
        comparisons = await self._compare(tallies)
        warnings = [told for each, tally in tallies.items() for told in tally.warnings(each)]
        return Outcome(results, comparisons, warnings)

    async def _ask_nothing(self, model_id: str) -> None:
        """A model that cannot keep `min_precision` says so before any has been measured."""
        model = await resolve(self._platform, self._backends, model_id)
        options = await self._options(model)
        await annotate(self._platform, model, [], self._plan.tasks & model.tasks, options)

    async def _measure(self, model_id: str, asked: str) -> tuple[Tally, EvaluationResult, str]:
        model = await resolve(self._platform, self._backends, model_id)
        name, training_file_id = await self._provenance(model)
        tally = Tally(self._plan.tasks & model.tasks, await self._learnt(training_file_id))
        options = await self._options(model)
        asking = Asking(self._platform, model, frozenset(tally.tasks), options)
        started = time.perf_counter()
        splits = [await self._platform.blobs.local(blob) for blob in self._plan.splits]
        async with self._platform.blobs.writer(self._plan.evaluation_id) as out:
            samples = read_samples(splits)
            async with aclosing(asking.answers(samples, self._watch.look)) as answers:
                async for answered in answers:
                    await asyncio.to_thread(_keep, answered, tally, out)
                    self._watch.answered(len(answered.samples))
        seconds = time.perf_counter() - started if asking.way.at_once > 1 else None
        price = self._plan.prices.get(asked)
        return tally, tally.result(model.id, asked, name, price, seconds), out.key

    async def _options(self, model: ResolvedModel) -> ExtractOptions:
        asked = self._plan.options
        if asked.vocabularies is None:
            vocabularies = await local_indexes(self._platform, model.vocabularies)
        else:
            pointer = "/options/vocabularies"
            vocabularies = await indexes(self._platform, asked.vocabularies, pointer)
        return ExtractOptions(
            mode=asked.mode,
            temperature=asked.temperature,
            max_tokens=asked.max_tokens,
            vocabularies=vocabularies,
            min_precision=asked.min_precision,
        )

    async def _provenance(self, model: ResolvedModel) -> tuple[str, str | None]:
        """The model's name, and the training file it learnt from, if it was trained here."""
        told = await asked_about(self._backends, [model.id])
        async with self._platform.work(write=False) as work:
            shown = await Models(work, told).get(model.id)
            if shown.fine_tune_id is None:
                return shown.name, None
            fine_tune = await FineTunes(work, told).get(shown.fine_tune_id)
            return shown.name, fine_tune.training_file_id

    async def _learnt(self, training_file_id: str | None) -> frozenset[bytes] | None:
        """Digests of the texts of a training file; None if there is none."""
        if training_file_id is None:
            return None
        if training_file_id not in self._trained_on:
            async with self._platform.work(write=False) as work:
                data = await TrainingFiles(work).training_data(training_file_id)
            documents = [await self._platform.blobs.local(blob) for blob in data.documents]
            self._trained_on[training_file_id] = await to_thread.run_sync(
                digests, documents, limiter=self._platform.heavy
            )
        return self._trained_on[training_file_id]

    async def _compare(self, tallies: Mapping[str, Tally]) -> list[Comparison]:
        (first, baseline), *others = tallies.items()
        comparisons = []
        for model, tally in others:
            for task in (task for task in baseline.tasks if task in tally.tasks):
                await self._watch.look()
                comparisons.append(
                    await compare(
                        self._platform,
                        (first, baseline.counts(task)),
                        (model, tally.counts(task)),
                        task,
                        HEADLINE[task],
                        self._plan.resamples,
                    )
                )
        return comparisons


@contextmanager
def _naming(asked: str) -> Iterator[None]:
    """An error within is of one of several models: its message begins with the model's name."""
    try:
        yield
    except ApiError as error:
        raise ApiError(error.code, f"{asked}: {error.detail}", hint=error.hint) from None


def _keep(answered: Answered, tally: Tally, out: BlobWriter) -> None:
    records = score(answered, frozenset(tally.tasks))
    out.write(b"".join(record.line() for record in records))
    tally.add(answered, records)
