"""How a fine-tune on a Cohere server stands, as a job's state: stage, progress, curve, warnings."""

import math
from dataclasses import dataclass, field

from app.backends.base import JobState, JobStatus, MetricPoint
from app.backends.cohere.holdings import HeldTune, Holdings, unless_gone
from app.backends.cohere.hyperparameters import CohereHyperparameters

_DEFAULTS = CohereHyperparameters()
_LONGEST_WARNING = 300
_MOST_WARNINGS = 20
# Paused and offline models have been trained: Cohere idled them after a time without requests.
_TRAINED = {"ready", "paused", "temporarily_offline"}
# How far a training is when it begins each stage; what it does not say is somewhere in between.
_PROGRESS = {"queued": 0.05, "finetuning": 0.1, "deploying_api": 0.95}
_TRAINING_ENDS = 0.9


@dataclass
class _Facts:
    """What does not change between two looks, so that it is asked for once."""

    warnings: tuple[str, ...] = ()
    steps: int | None = None
    events_of: str = ""
    events: list[tuple[str, str]] = field(default_factory=list)


class Standing:
    """Makes job states of fine-tunes; remembers what it has learnt about each."""

    def __init__(self, holdings: Holdings, backend: str) -> None:
        self._holdings = holdings
        self._backend = backend
        self._facts: dict[str, _Facts] = {}

    def forget(self, tune_id: str) -> None:
        """Remember nothing of a fine-tune."""
        self._facts.pop(tune_id, None)

    async def of(self, tune: HeldTune) -> JobState:
        """The state of a fine-tune that was just looked at. Raises BackendError."""
        facts = await self._known(tune)
        curve: list[MetricPoint] = []
        if tune.status != "queued":
            curve = await unless_gone(lambda: self._holdings.curve(tune.id), [])
        state = _status(tune.status)
        failed = state is JobStatus.FAILED
        return JobState(
            status=state,
            progress=_progress(tune.status, curve, facts.steps),
            stage=tune.status,
            metrics=curve,
            model=f"{tune.id}-ft" if state is JobStatus.SUCCEEDED else None,
            error_code="training_failed" if failed else None,
            error_message=f"The fine-tune failed on {self._backend}; it does not say why."
            if failed
            else None,
            warnings=facts.warnings,
            details={"finetuned_model": tune.id, "events": facts.events},
        )

    async def _known(self, tune: HeldTune) -> _Facts:
        facts = self._facts.get(tune.id)
        if facts is None:
            facts = self._facts[tune.id] = await self._learn(tune)
        if facts.events_of != tune.status:
            facts.events = await unless_gone(lambda: self._holdings.events(tune.id), [])
            facts.events_of = tune.status
        return facts

    async def _learn(self, tune: HeldTune) -> _Facts:
        """What the dataset says of the rows; it may be gone by now."""
        dataset = None if tune.dataset_id is None else await self._holdings.dataset(tune.dataset_id)
        if dataset is None:
            return _Facts()
        warnings = tuple(w[:_LONGEST_WARNING] for w in dataset.warnings[:_MOST_WARNINGS])
        if dataset.training_rows is None:
            return _Facts(warnings)
        epochs = tune.settings.get("train_epochs", _DEFAULTS.train_epochs)
        batch = tune.settings.get("train_batch_size", _DEFAULTS.train_batch_size)
        return _Facts(warnings, math.ceil(epochs * math.ceil(dataset.training_rows / batch)))


def _status(status: str) -> JobStatus:
    if status in _TRAINED:
        return JobStatus.SUCCEEDED
    if status == "failed":
        return JobStatus.FAILED
    return JobStatus.CANCELLED if status == "deleted" else JobStatus.RUNNING


def _progress(status: str, curve: list[MetricPoint], steps: int | None) -> float:
    """0 to 1; while it trains, by the last step measured of all there will be at most."""
    if status in _TRAINED:
        return 1.0
    begun = _PROGRESS.get(status, _PROGRESS["queued"])
    if status != "finetuning" or not steps or not curve:
        return begun
    return begun + (_TRAINING_ENDS - begun) * min(1.0, curve[-1].step / steps)
