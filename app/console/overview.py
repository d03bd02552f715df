"""What the service is at and what came last, of all kinds of long jobs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.backends.registry import Backends
from app.datasets.service import Datasets
from app.evaluations.service import Evaluations
from app.extraction_batches.service import ExtractionBatches
from app.fine_tunes.service import FineTunes
from app.platform.work import Work
from app.training_files.service import TrainingFiles
from app.vocabularies.service import Vocabularies

ENDED = frozenset({"ready", "succeeded", "failed", "cancelled"})
# Of each kind so many of the newest are looked at for what is still at work.
_LOOKED_AT = 100
_MOST_RUNNING, _MOST_LATEST = 20, 10


@dataclass(frozen=True)
class Activity:
    """A thing with a job: what it is, where its page is, how far it is (percent, if known)."""

    kind: str
    path: str
    name: str
    status: str
    stage: str
    percent: float | None
    created_at: datetime

    @property
    def ended(self) -> bool:
        """Whether its job has come to an end, good or bad."""
        return self.status in ENDED


@dataclass(frozen=True)
class Overview:
    """Both newest first; `more` says that not all that runs is listed."""

    running: Sequence[Activity]
    latest: Sequence[Activity]
    more: bool

    @property
    def empty(self) -> bool:
        """Whether nobody has done anything yet."""
        return not self.running and not self.latest


async def overview(work: Work, backends: Backends) -> Overview:
    """What runs now and what came last, in one transaction for reading."""
    found = [
        activity
        for kind, path, items in (
            ("Dataset", "datasets", (await Datasets(work).page(None, _LOOKED_AT)).items),
            (
                "Training file",
                "training-files",
                (await TrainingFiles(work).page(None, None, _LOOKED_AT)).items,
            ),
            (
                "Fine-tune",
                "fine-tunes",
                (await FineTunes(work, backends).page(None, None, _LOOKED_AT)).items,
            ),
            (
                "Vocabulary",
                "vocabularies",
                (await Vocabularies(work).page(None, _LOOKED_AT)).items,
            ),
            (
                "Evaluation",
                "evaluations",
                (await Evaluations(work).page(None, None, "created_at", None, _LOOKED_AT)).items,
            ),
            ("Batch", "batches", (await ExtractionBatches(work).page(None, None, 20)).items),
        )
        for activity in _activities(kind, path, items)
    ]
    found.sort(key=lambda each: each.created_at, reverse=True)
    running = [each for each in found if not each.ended]
    latest = [each for each in found if each.ended]
    return Overview(running[:_MOST_RUNNING], latest[:_MOST_LATEST], len(running) > _MOST_RUNNING)


def _activities(kind: str, path: str, items: Sequence[Any]) -> Iterator[Activity]:
    for each in items:
        percent = getattr(each, "progress", None)
        if percent is not None and kind == "Batch":
            percent *= 100  # its progress is a share
        yield Activity(
            kind=kind,
            path=f"/{path}/{each.id}",
            name=getattr(each, "name", each.id),
            status=str(each.status),
            stage=getattr(each, "stage", ""),
            percent=percent,
            created_at=each.created_at,
        )
