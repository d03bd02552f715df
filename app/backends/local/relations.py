"""Which chemicals of a text induce which of its diseases, decided for the whole text at once.

Two stages. A logistic regression over sparse features reads each pair on its own. Boosted trees
then see what it said of the pair, part by part, and how that compares with the other pairs of the
text. The trees and the threshold learn from answers the first stage gave for documents it had not
seen (cross-fitting): its answers for its own training documents are far too sure.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.backends.base import FoundRelation
from app.backends.local.arrays import State, prefixed, section
from app.backends.local.boosting import Boosting, BoostingOptions
from app.backends.local.pair_reader import Example, Floats, PairReader
from app.backends.local.pair_table import pair_table, probability
from app.backends.local.priors import Priors
from app.backends.local.relation_choice import Answered, best_threshold, chosen, scores
from app.backends.local.relation_features import PairFeatures, pair_features
from app.backends.local.scene import Concept, Located, Scene, read_scene
from app.corpora.documents import Document

Report = Callable[[str, int, int, dict[str, float]], None]

# With fewer pairs than this, trees would learn noise: the first stage stands alone.
_LEAST_PAIRS = 300
# Without anything to learn every pair has probability 0.5.
_NOTHING_PASSES = 1.0
_STAGE = "relations"


@dataclass(frozen=True, slots=True)
class RelationOptions:
    """`c2` is the first stage's L2 coefficient; a threshold of None is chosen by cross-fitting."""

    c2: float = 8.0
    folds: int = 10
    threshold: float | None = None
    seed: int = 0


class RelationModel:
    """A trained model; `find` answers for one text."""

    def __init__(
        self, priors: Priors, reader: PairReader, boosting: Boosting | None, threshold: float
    ) -> None:
        self._priors = priors
        self._reader = reader
        self._boosting = boosting
        self.threshold = threshold

    @classmethod
    def train(cls, documents: Sequence[Document], options: RelationOptions, report: Report) -> Self:
        """Learn from annotated documents; without a related pair among them, nothing is found.

        `report("relations", step, steps, metrics)` is called after each fold and at the end, when
        the metrics are precision, recall and f1 of the cross-fitted answers on gold mentions.
        """
        examples = [_example(document) for document in documents]
        steps = options.folds + 2
        unseen: list[Answered] = []
        for step, fold in enumerate(_folds(len(examples), options.folds, options.seed), 1):
            unseen += _unseen(examples, fold, options.c2)
            report(_STAGE, step, steps, {})
        priors = _counted(examples)
        reader = PairReader.train(examples, priors, options.c2)
        report(_STAGE, steps - 1, steps, {})
        boosting, answered = _second_stage(unseen, options)
        relations = sum(len(example.related) for example in examples)
        threshold = options.threshold
        if threshold is None:
            threshold = best_threshold(answered, relations) if relations else _NOTHING_PASSES
        report(_STAGE, steps, steps, scores(answered, relations, threshold))
        return cls(priors, reader, boosting, threshold)

    def find(
        self, text: str, title_end: int, mentions: Sequence[Located]
    ) -> tuple[FoundRelation, ...]:
        """The relations among mentions in text order, each side by its first mention (of this
        concept alone, if there is one), the most probable first."""
        scene = read_scene(text, title_end, mentions)
        pairs = list(pair_features(scene, self._priors))
        if not pairs:
            return ()
        probabilities = probability(_log_odds(pair_table(pairs, self._reader), self._boosting))
        found: dict[tuple[int, int], FoundRelation] = {}
        for index in chosen(probabilities, self.threshold):
            relation = _relation(scene, pairs[index], mentions, float(probabilities[index]))
            # Concepts known only from one composite mention would give one relation twice.
            found.setdefault((relation.chemical, relation.disease), relation)
        return tuple(found.values())

    def state(self) -> State:
        """Everything learnt, as arrays."""
        return {
            "threshold": np.array([self.threshold]),
            **prefixed("reader", self._reader.state()),
            **prefixed("priors", self._priors.state()),
            **(prefixed("boosting", self._boosting.state()) if self._boosting else {}),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.generic]]) -> Self:
        """The inverse of `state`; ValueError if it was learnt from other features."""
        boosting = section("boosting", state)
        return cls(
            Priors.from_state(section("priors", state)),
            PairReader.from_state(section("reader", state)),
            Boosting.from_state(boosting) if boosting else None,
            float(state["threshold"].astype(np.float64)[0]),
        )


def _example(document: Document) -> Example:
    scene = read_scene(document.text, document.body_offset, document.mentions)
    return Example(scene, {(each.chemical, each.disease) for each in document.relations})


def _counted(examples: Sequence[Example]) -> Priors:
    priors = Priors()
    for example in examples:
        priors.add(example.scene, example.related)
    return priors


def _folds(size: int, folds: int, seed: int) -> list[list[int]]:
    order = list(range(size))
    random.Random(seed).shuffle(order)  # noqa: S311 - a split, not a secret
    return [sorted(order[fold::folds]) for fold in range(folds)]


def _unseen(examples: Sequence[Example], fold: Sequence[int], c2: float) -> list[Answered]:
    """The fold's tables and answers, read by a first stage that has seen all but the fold."""
    held = set(fold)
    others = [example for index, example in enumerate(examples) if index not in held]
    priors = _counted(others)
    reader = PairReader.train(others, priors, c2)
    found = []
    for index in fold:
        pairs = list(pair_features(examples[index].scene, priors))
        if pairs:
            found.append((pair_table(pairs, reader), examples[index].answers(pairs)))
    return found


def _second_stage(
    unseen: Sequence[Answered], options: RelationOptions
) -> tuple[Boosting | None, list[Answered]]:
    """The trees, if there is enough to grow them, and each document's probabilities unseen."""
    # Trees are judged on documents they were not grown on: there must be others.
    if len(unseen) < 2 or sum(len(table) for table, _ in unseen) < _LEAST_PAIRS:
        return None, [(probability(table[:, 0]), answers) for table, answers in unseen]
    answered: list[Answered] = []
    for fold in _folds(len(unseen), options.folds, options.seed + 1):
        held = set(fold)
        boosting = _trees([each for index, each in enumerate(unseen) if index not in held], options)
        answered += [
            (probability(boosting.log_odds(unseen[index][0])), unseen[index][1]) for index in fold
        ]
    return _trees(unseen, options), answered


def _trees(unseen: Sequence[Answered], options: RelationOptions) -> Boosting:
    table = np.concatenate([table for table, _ in unseen])
    answers = np.concatenate([np.array(answers, float) for _, answers in unseen])
    return Boosting.train(table, answers, BoostingOptions(seed=options.seed))


def _log_odds(table: Floats, boosting: Boosting | None) -> Floats:
    return boosting.log_odds(table) if boosting else table[:, 0]


def _relation(
    scene: Scene, pair: PairFeatures, mentions: Sequence[Located], score: float
) -> FoundRelation:
    chemical, disease = scene.chemicals[pair.chemical], scene.diseases[pair.disease]
    return FoundRelation(
        _speaker(chemical, mentions),
        _speaker(disease, mentions),
        score=score,
        evidence=tuple(scene.sentences[index] for index in _evidence(chemical, disease)),
    )


def _speaker(concept: Concept, mentions: Sequence[Located]) -> int:
    """The first mention that names this concept alone, else the first one."""
    places = [place.mention for place in concept.places]
    return min(places, key=lambda index: len(mentions[index].identifiers))


def _evidence(chemical: Concept, disease: Concept) -> list[int]:
    """The sentences that hold both; if none does, the two nearest ones that hold one each."""
    one, other = chemical.by_sentence(), disease.by_sentence()
    both = sorted(one.keys() & other.keys())
    if both:
        return both
    _, first, second = min((abs(a - b), a, b) for a in one for b in other)
    return sorted((first, second))
