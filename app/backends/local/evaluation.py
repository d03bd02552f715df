"""What a trained model scores on documents it has not learnt from."""

from collections.abc import Sequence

from app.backends.base import Annotations
from app.backends.local.model import LocalModel, Wishes
from app.corpora.documents import Document
from app.corpora.scoring import Counts, between_concepts, score_mentions, score_relations
from app.prompts.tasks import MENTION_TASKS, Task

_BATCH = 50


def evaluate(model: LocalModel, documents: Sequence[Document], wishes: Wishes) -> dict[str, float]:
    """`diseases_precision`, `diseases_recall`, `diseases_f1` and so on, for each of its tasks.

    Mentions by their exact offsets, relations by pairs of identifiers, as `app.corpora.scoring`
    counts them; 0 to 1.
    """
    counts = dict.fromkeys(sorted(model.tasks), Counts())
    for start in range(0, len(documents), _BATCH):
        batch = documents[start : start + _BATCH]
        found = model.annotate([document.text for document in batch], model.tasks, wishes)
        for document, annotations in zip(batch, found, strict=True):
            for task in counts:
                counts[task] += _score(document, annotations, task)
    return {
        f"{task}_{name}": round(value, 4)
        for task, each in counts.items()
        for name, value in (("precision", each.precision), ("recall", each.recall), ("f1", each.f1))
    }


def _score(document: Document, found: Annotations, task: Task) -> Counts:
    if task is Task.RELATIONS:
        related = between_concepts(found.mentions, found.relations)
        return score_relations(document.relations, related)
    return score_mentions(document.mentions, found.mentions, MENTION_TASKS[task])
