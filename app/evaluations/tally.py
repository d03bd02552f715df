"""What is added up over the answers of one model, and the result that comes of it."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from app.corpora.scoring import Counts
from app.evaluations.asking import Answered
from app.evaluations.bootstrap import Integers
from app.evaluations.measures import HEADLINE, MEASURES, Measure
from app.evaluations.records import Record
from app.evaluations.schemas import (
    Cost,
    EvaluationResult,
    EvaluationWarning,
    Latency,
    Overlap,
    Price,
    Score,
    TokenUsage,
)
from app.prompts.tasks import Task

_MILLION = 1_000_000
_MOST_SENTENCES = 5  # of a model's own warnings that are told


class Tally:
    """The counts of one model; one answer after the other is added."""

    def __init__(self, tasks: frozenset[Task], trained_on: frozenset[bytes] | None) -> None:
        """`trained_on` are the digests of the texts it has learnt from, None if nobody knows."""
        self.tasks = [task for task in Task if task in tasks]
        self._trained_on = trained_on
        self._totals: dict[Task, dict[Measure, Counts]] = {task: {} for task in self.tasks}
        self._headline: dict[Task, list[tuple[int, int, int]]] = {task: [] for task in self.tasks}
        self._causes: dict[Task, Counter[str]] = {task: Counter() for task in self.tasks}
        self._milliseconds: list[float] = []
        self._seconds = 0.0
        self._tokens = TokenUsage(input_tokens=0, output_tokens=0)
        self._ungrounded = self._seen = self._too_long = 0
        self._sentences: Counter[str] = Counter()

    def add(self, answered: Answered, records: Iterable[Record]) -> None:
        """Add the answers about a batch, and what was made of each."""
        each = answered.seconds / len(answered.samples)
        self._seconds += answered.seconds
        self._too_long += answered.too_long
        for sample, found, record in zip(answered.samples, answered.found, records, strict=True):
            self._milliseconds.append(1000 * each)
            self._tokens.input_tokens += found.input_tokens
            self._tokens.output_tokens += found.output_tokens
            self._ungrounded += sum(task in self.tasks for task, _ in found.ungrounded)
            self._sentences.update(set(found.warnings))
            self._seen += self._trained_on is not None and sample.digest in self._trained_on
            for task, measured in record.counts.items():
                totals = self._totals[task]
                for measure, counts in measured.items():
                    totals[measure] = totals.get(measure, Counts()) + counts
                headline = measured[HEADLINE[task]]
                self._headline[task].append((headline.tp, headline.fp, headline.fn))
            for error in record.errors:
                self._causes[error.task][error.cause] += 1

    @property
    def documents(self) -> int:
        """How many answers were added."""
        return len(self._milliseconds)

    def counts(self, task: Task) -> Integers:
        """By the headline measure of a task: tp, fp, fn of each document, in order."""
        return np.array(self._headline[task], dtype=np.int64).reshape(-1, 3)

    def result(
        self, model: str, asked: str, name: str, price: Price | None, wall_seconds: float | None
    ) -> EvaluationResult:
        """All that was measured; `wall_seconds` if several answers were waited for at once."""
        overlap = None
        if self._trained_on is not None:
            overlap = Overlap(documents=self._seen, of=self.documents)
        best = [self._totals[task].get(HEADLINE[task], Counts()).f1 for task in self.tasks]
        return EvaluationResult(
            model=model,
            asked=asked,
            name=name,
            tasks=self.tasks,
            scores={task: _scores(task, self._totals[task]) for task in self.tasks},
            f1=_rounded(sum(best) / len(best)),
            errors={task: dict(self._causes[task].most_common()) for task in self.tasks},
            latency=self._latency(wall_seconds or self._seconds),
            usage=self._tokens,
            cost=None if price is None else self._cost(price),
            ungrounded=self._ungrounded,
            overlap=overlap,
        )

    def warnings(self, model: str) -> list[EvaluationWarning]:
        """What to know before the scores of this model are believed."""
        told: list[tuple[str, str]] = []
        if self._seen:
            detail = f"{self._seen} of {self.documents} documents were in its training file."
            told.append(("evaluated_on_training_documents", detail))
        if self._too_long:
            detail = f"{self._too_long} documents were too long for it and count as unanswered."
            told.append(("documents_too_long", detail))
        for sentence, times in self._sentences.most_common(_MOST_SENTENCES):
            told.append(("answer_warning", f"In {times} of {self.documents} answers: {sentence}"))
        return [EvaluationWarning(code=code, model=model, detail=text) for code, text in told]

    def _latency(self, seconds: float) -> Latency:
        p50, p95 = np.percentile(self._milliseconds or [0.0], (50, 95))
        speed = self.documents / seconds if seconds else 0.0
        return Latency(
            p50_ms=round(float(p50), 2),
            p95_ms=round(float(p95), 2),
            documents_per_second=round(speed, 1),
        )

    def _cost(self, price: Price) -> Cost:
        spent = self._tokens.input_tokens * price.input + self._tokens.output_tokens * price.output
        return Cost(amount=round(spent / _MILLION, 6), currency=price.currency)


def _scores(task: Task, totals: Mapping[Measure, Counts]) -> dict[str, Score | None]:
    return {
        measure.value: _score(totals[measure]) if measure in totals else None
        for measure in MEASURES[task]
    }


def _score(counts: Counts) -> Score:
    return Score(
        tp=counts.tp,
        fp=counts.fp,
        fn=counts.fn,
        precision=_rounded(counts.precision),
        recall=_rounded(counts.recall),
        f1=_rounded(counts.f1),
    )


def _rounded(ratio: float) -> float:
    return round(ratio, 6)
