"""What one model finds in a document and another does not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from app.backends.base import Annotations
from app.corpora.documents import Document
from app.corpora.scoring import between_concepts
from app.evaluations.items import Item, mention_items, relation_items
from app.prompts.tasks import MENTION_TASKS, Task

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Changes:
    """From the baseline to the model, each in text order.

    `gained` and `lost` are right: strict mentions, or relations end to end (see PROTOCOLS).
    """

    gained: tuple[Item, ...]
    lost: tuple[Item, ...]
    false_positives_removed: tuple[Item, ...]
    false_positives_added: tuple[Item, ...]


def gained_and_lost(
    gold: Document, baseline: Annotations, model: Annotations, task: Task
) -> Changes:
    """What changes in one document, by the headline measure of the task.

    What is right has the annotated identifiers and places, what is wrong those that were answered.
    """
    if task is Task.RELATIONS:
        return _changes(
            relation_items(gold.mentions, gold.relations), _related(baseline), _related(model)
        )
    type_ = MENTION_TASKS[task]
    return _changes(
        mention_items(gold.mentions, type_),
        mention_items(baseline.mentions, type_),
        mention_items(model.mentions, type_),
    )


def _related(found: Annotations) -> dict[tuple[str, str], Item]:
    return relation_items(found.mentions, between_concepts(found.mentions, found.relations))


def _changes(
    gold: Mapping[Key, Item], baseline: Mapping[Key, Item], model: Mapping[Key, Item]
) -> Changes:
    return Changes(
        tuple(item for key, item in gold.items() if key in model and key not in baseline),
        tuple(item for key, item in gold.items() if key in baseline and key not in model),
        tuple(item for key, item in baseline.items() if key not in gold and key not in model),
        tuple(item for key, item in model.items() if key not in gold and key not in baseline),
    )
