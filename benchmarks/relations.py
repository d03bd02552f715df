"""Relations on BC5CDR: trained on train, measured on dev, with gold mentions and end to end.

    python -m benchmarks.relations [--corpus FOLDER] [--preset balanced] [--gold-only]

The corpus folder (or MEDTUNE_CORPUS) holds `train.pubtator.txt` and `dev.pubtator.txt`. F1 is that
of BioCreative V: pairs of identifiers, whole documents.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from app.backends.base import Annotations, FoundMention, FoundRelation
from app.backends.local.hyperparameters import LocalHyperparameters
from app.backends.local.model import LocalModel, Wishes
from app.backends.local.options import relation_options
from app.backends.local.relations import RelationModel
from app.corpora.documents import MENTION_TYPES, Document, Relation
from app.corpora.scoring import Counts, score_mentions, score_relations
from app.prompts.tasks import Task
from benchmarks._shared import arguments_of, shown, train_and_dev

_WISHES = (0.6, 0.8)


def main() -> None:
    """Train, measure, print."""
    parser = arguments_of(__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--gold-only", action="store_true")
    arguments = parser.parse_args()
    train, dev = train_and_dev(arguments.corpus)
    chosen = LocalHyperparameters(preset=arguments.preset, seed=arguments.seed)
    print(f"{os.cpu_count()} cores, {len(train)} documents to train on, {len(dev)} to measure on")
    if arguments.gold_only:
        begin = time.perf_counter()
        alone = RelationModel.train(train, relation_options(chosen), _shown_report)
        print(f"relations alone, from gold mentions: {time.perf_counter() - begin:.1f} s")
        _gold(dev, lambda each: alone.find(each.text, each.body_offset, each.mentions))
    else:
        _whole(train, dev, chosen)


def _whole(
    train: Sequence[Document], dev: Sequence[Document], chosen: LocalHyperparameters
) -> None:
    begin = time.perf_counter()
    model = LocalModel.train(train, chosen, frozenset(Task), _shown_report)
    print(f"whole model: trained in {time.perf_counter() - begin:.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        model.save(path, "benchmark", {})
        print(f"  artefact of {path.stat().st_size / 1e6:.2f} MB")
        begin = time.perf_counter()
        model = LocalModel.load(path)
        print(f"  loaded in {time.perf_counter() - begin:.2f} s")
    _gold(dev, lambda each: (model.relate([each]) or [()])[0])
    _read("title and abstract", model, dev, lambda document: 0)
    _read("abstract alone", model, dev, lambda document: document.body_offset)
    for wish in _WISHES:
        _read(f"precision {wish} wished for", model, dev, lambda document: 0, wish)


def _gold(dev: Sequence[Document], find: Callable[[Document], tuple[FoundRelation, ...]]) -> None:
    scores = Counts()
    times = []
    for document in dev:
        begin = time.perf_counter()
        found = find(document)
        times.append(time.perf_counter() - begin)
        mentions = tuple(
            FoundMention(each.start, each.end, each.type, each.identifiers)
            for each in document.mentions
        )
        scores += score_relations(document.relations, _pairs(Annotations(mentions, found)))
    print("gold mentions:")
    print(f"  relations {shown(scores)}")
    print(f"  {_milliseconds(times)} a document")


def _read(
    name: str,
    model: LocalModel,
    dev: Sequence[Document],
    start: Callable[[Document], int],
    wish: float | None = None,
) -> None:
    """Extract from each document's text from `start` on; its gold relations stay what they are."""
    mentions = relations = Counts()
    times = []
    for document in dev:
        first = start(document)
        begin = time.perf_counter()
        (found,) = model.annotate(
            [document.text[first:]], frozenset(Task), Wishes(min_precision=wish)
        )
        times.append(time.perf_counter() - begin)
        gold = [each for each in document.mentions if each.start >= first]
        moved = [
            FoundMention(each.start + first, each.end + first, each.type, each.identifiers)
            for each in found.mentions
        ]
        for type_ in MENTION_TYPES:
            mentions += score_mentions(gold, moved, type_)
        relations += score_relations(document.relations, _pairs(found))
    print(f"{name}:")
    print(f"  mentions  {shown(mentions)}")
    print(f"  relations {shown(relations)}")
    print(f"  {_milliseconds(times)} a document, {len(times) / sum(times):.1f} documents/s")


def _pairs(found: Annotations) -> list[Relation]:
    """The found relations as pairs of identifiers; unlinked mentions give none."""
    return [
        Relation(chemical, disease)
        for relation in found.relations
        for chemical in found.mentions[relation.chemical].identifiers
        for disease in found.mentions[relation.disease].identifiers
    ]


def _milliseconds(times: Sequence[float]) -> str:
    slow = statistics.quantiles(times, n=100)[98]
    return f"{1000 * statistics.median(times):.2f} ms at the median, {1000 * slow:.2f} at 99 %"


def _shown_report(stage: str, _step: int, _steps: int, metrics: dict[str, float]) -> None:
    """What the relation model says of itself, cross-fitted on train."""
    if stage == "relations" and metrics:
        told = ", ".join(f"{name} {100 * value:.2f}" for name, value in metrics.items())
        print(f"cross-fitted on train: {told}")


if __name__ == "__main__":
    main()
