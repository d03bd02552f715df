"""What forms that ask models let one choose from, and what was chosen."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from app.backends.asked import asked
from app.backends.registry import Backends
from app.console.forms import Form
from app.datasets.schemas import Dataset
from app.datasets.service import Datasets
from app.models.schemas import Model
from app.models.service import Models
from app.notifications.schemas import NotificationTarget
from app.notifications.service import Notifications
from app.platform.errors import ApiError
from app.platform.work import Platform
from app.vocabularies.schemas import Vocabulary
from app.vocabularies.service import Vocabularies

# Of each kind, the newest; whatever else there is can be named by its id.
_MOST = 200


@dataclass(frozen=True)
class Choices:
    """Datasets and vocabularies that are ready, models that one may extract with, and who may be
    told of the end.

    `dataset` is the one that is chosen already, None if none is or if it is not there.
    """

    datasets: Sequence[Dataset]
    models: Sequence[Model]
    vocabularies: Sequence[Vocabulary]
    targets: Sequence[NotificationTarget]
    dataset: Dataset | None

    @classmethod
    async def read(cls, platform: Platform, backends: Backends, dataset_id: str = "") -> "Choices":
        """All of them; a transaction of its own."""
        told = await asked(backends)
        async with platform.work(write=False) as work:
            datasets = [
                each
                for each in (await Datasets(work).page(None, _MOST)).items
                if each.status == "ready"
            ]
            vocabularies = (await Vocabularies(work).page(None, _MOST)).items
            targets = (await Notifications(work).page(None, _MOST)).items
            models = (await Models(work, told).page(None, _MOST)).items
            dataset = next((each for each in datasets if each.id == dataset_id), None)
            if dataset is None and dataset_id:
                dataset = await _dataset(Datasets(work), dataset_id)
        return cls(
            datasets=datasets,
            models=[each for each in models if each.can_extract],
            vocabularies=[each for each in vocabularies if each.status == "ready"],
            targets=[each for each in targets if each.enabled],
            dataset=dataset,
        )

    def without(self, names: Collection[str]) -> list[str]:
        """Of these names of models those that are not among the choices."""
        known = {model.id for model in self.models}
        return [name for name in names if name not in known]


def ticked(form: Form, *names: str) -> dict[str, list[str]]:
    """What was ticked in these fields; nothing of those without a tick: the API has defaults."""
    return {name: values for name in names if (values := form.chosen(name))}


def options_of(form: Form, *names: str) -> dict[str, Any]:
    """These options, and the vocabularies, as far as they were filled in."""
    given = form.given(*(f"options.{name}" for name in names))
    options: dict[str, Any] = {name.partition(".")[2]: value for name, value in given.items()}
    if vocabularies := form.chosen("options.vocabularies"):
        options["vocabularies"] = vocabularies
    return options


async def _dataset(datasets: Datasets, dataset_id: str) -> Dataset | None:
    try:
        dataset = await datasets.get(dataset_id)
    except ApiError:
        return None
    return dataset if dataset.status == "ready" else None
