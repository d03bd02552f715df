"""What the service is at and what came last, of all kinds of long jobs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.backends.registry import Backends
from app.datasets.service import Datasets
from app.evaluations.service import Evaluations
from app.extraction_batches.service import ExtractionBatches
from app.extraction_batches.states import Status as Asking
from app.fine_tunes.service import FineTunes
from app.fine_tunes.states import Status as Training
from app.platform.work import Work
from app.training_files.service import TrainingFiles
from app.vocabularies.service import Vocabularies

ENDED = frozenset({"ready", "succeeded", "failed", "cancelled"})
_MOST, _LATEST = 20, 10
# These have no list by status: one that runs is among the newest of them.
_EVALUATIONS = 100
_PATHS = {
    "Dataset": "datasets",
    "Training file": "training-files",
    "Vocabulary": "vocabularies",
    "Fine-tune": "fine-tunes",
    "Evaluation": "evaluations",
    "Batch": "batches",
}


@dataclass(frozen=True)
class Activity:
    """A thing with a job: what it is, where its page is, how far it is (0 to 1).

    `name` is its id where nobody gave it one; `dataset_id`: what it was made of, if it was of one.
    """

    kind: str
    path: str
    name: str
    status: str
    stage: str
    progress: float
    created_at: datetime
    dataset_id: str | None

    @property
    def ended(self) -> bool:
        """Whether its job has come to an end, good or bad."""
        return self.status in ENDED


@dataclass(frozen=True)
class Overview:
    """Newest first, what runs before what is queued; `more`: not all that runs is listed.

    `datasets` are the names of those that these things are of, by id.
    """

    running: Sequence[Activity]
    latest: Sequence[Activity]
    more: bool
    datasets: Mapping[str, str]

    @property
    def empty(self) -> bool:
        """Whether nobody has done anything yet."""
        return not self.running and not self.latest


async def overview(work: Work, backends: Backends) -> Overview:
    """What runs now and what came last, in one transaction for reading."""
    datasets, files, vocabularies = Datasets(work), TrainingFiles(work), Vocabularies(work)
    fine_tunes, batches = FineTunes(work, backends), ExtractionBatches(work)
    evaluations = (await Evaluations(work).page(None, None, "created_at", None, _EVALUATIONS)).items
    # Whatever waits longest is what is at work: the newest things alone would not show it.
    found = [
        *_of("Dataset", (await datasets.page(None, _MOST)).items),
        *_of("Dataset", [await datasets.get(i) for i in _oldest(await datasets.unfinished())]),
        *_of("Training file", (await files.page(None, None, _MOST)).items),
        *_of("Training file", [await files.get(i) for i in _oldest(await files.unfinished())]),
        *_of("Vocabulary", (await vocabularies.page(None, _MOST)).items),
        *_of(
            "Vocabulary",
            [await vocabularies.get(i) for i in _oldest(await vocabularies.unfinished())],
        ),
        *_of("Fine-tune", (await fine_tunes.page(None, None, _MOST)).items),
        *_of("Evaluation", evaluations),
        *_of("Batch", (await batches.page(None, None, _MOST)).items),
    ]
    for training in (Training.PREPARING, Training.TRAINING, Training.CANCELLING):
        found += _of("Fine-tune", (await fine_tunes.page(training, None, _MOST)).items)
    for asking in (Asking.PREPARING, Asking.RUNNING, Asking.CANCELLING):
        found += _of("Batch", (await batches.page(asking, None, _MOST)).items)
    each_once = list({activity.path: activity for activity in found}.values())
    each_once.sort(key=lambda activity: activity.created_at, reverse=True)
    running = [activity for activity in each_once if not activity.ended]
    running.sort(key=lambda activity: activity.status == "queued")  # stable: those at work first
    latest = [activity for activity in each_once if activity.ended]
    shown = [*running[:_MOST], *latest[:_LATEST]]
    names = await datasets.names([each.dataset_id for each in shown if each.dataset_id])
    return Overview(running[:_MOST], latest[:_LATEST], len(running) > _MOST, names)


def _oldest(ids: Sequence[str]) -> list[str]:
    """Ids are in the order of their making."""
    return sorted(ids)[:_MOST]


def _of(kind: str, items: Sequence[Any]) -> Iterator[Activity]:
    for each in items:
        yield Activity(
            kind=kind,
            path=f"/{_PATHS[kind]}/{each.id}",
            name=getattr(each, "name", each.id),
            status=str(each.status),
            stage=getattr(each, "stage", ""),
            progress=each.progress,
            created_at=each.created_at,
            dataset_id=getattr(each, "dataset_id", None),
        )
