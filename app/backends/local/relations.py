"""Which chemicals of a text induce which of its diseases, decided for the whole text at once.

Two stages. A logistic regression over sparse features reads each pair on its own. Boosted trees
then see what it said of the pair, part by part, and how that compares with the other pairs of the
text. The trees and the threshold learn from answers the first stage gave for documents it had not
seen (cross-fitting): its answers for its own training documents are far too sure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.backends.base import FoundMention, FoundRelation
from app.backends.local.arrays import State, prefixed, section
from app.backends.local.boosting import Boosting
from app.backends.local.pair_reader import PairReader
from app.backends.local.pair_table import pair_table
from app.backends.local.priors import Priors
from app.backends.local.relation_choice import Choice
from app.backends.local.relation_examples import Example, Study, counted
from app.backends.local.relation_features import PairFeatures, pair_features
from app.backends.local.scene import Concept, Located, Scene, read_scene
from app.backends.local.second_stage import Pairs, Unseen, answer, folds_of, second_stage
from app.corpora.documents import Document

Report = Callable[[str, int, int, dict[str, float]], None]

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
        self,
        priors: Priors,
        reader: PairReader,
        boosting: Boosting | None,
        given: Choice,
        found: Choice,
    ) -> None:
        self._priors = priors
        self._reader = reader
        self._boosting = boosting
        self.given = given
        self.found = found

    @classmethod
    def train(
        cls,
        documents: Sequence[Document],
        options: RelationOptions,
        report: Report,
        predicted: Sequence[Sequence[FoundMention]] | None = None,
    ) -> Self:
        """Learn from annotated documents; without a related pair among them, nothing is found.

        `predicted` are the mentions of each document, with identifiers, as a tagger and a linker
        found them that had not seen it. Without them, found mentions are taken for given ones.

        `report("relations", step, steps, metrics)` is called after each fold and at the end, when
        the metrics are precision, recall, f1 and ece (expected calibration error) of the
        cross-fitted answers on given mentions, and `found_precision` and so on, on predicted ones.
        """
        if predicted is None:
            studies = [Study.of(document, None) for document in documents]
        else:
            pairs = zip(documents, predicted, strict=True)
            studies = [Study.of(document, mentions) for document, mentions in pairs]
        steps = options.folds + 2
        unseen: list[Unseen] = []
        for step, fold in enumerate(folds_of(len(studies), options.folds, options.seed), 1):
            unseen += _unseen(studies, fold, options.c2)
            report(_STAGE, step, steps, {})
        priors = counted(studies)
        reader = _reader(studies, priors, options.c2)
        report(_STAGE, steps - 1, steps, {})
        boosting, answers = second_stage(unseen, options.folds, options.seed)
        relations = sum(len(study.given.related) for study in studies)
        given, measured = Choice.train(answers.given, relations, options.threshold)
        found = given
        if predicted is not None:
            found, more = Choice.train(answers.found, relations, options.threshold)
            measured |= {f"found_{name}": value for name, value in more.items()}
        report(_STAGE, steps, steps, measured)
        return cls(priors, reader, boosting, given, found)

    def find(
        self,
        text: str,
        title_end: int,
        mentions: Sequence[Located],
        *,
        found: bool = False,
        min_precision: float | None = None,
    ) -> tuple[FoundRelation, ...]:
        """The relations among mentions in text order, each side by its first mention (of this
        concept alone, if there is one), the most probable first.

        `found`: a tagger and a linker gave the mentions, with the errors they make. With
        `min_precision`, 0 to 1, only what was right this often on held-out documents.
        """
        scene = read_scene(text, title_end, mentions)
        pairs = list(pair_features(scene, self._priors))
        if not pairs:
            return ()
        table = pair_table(pairs, self._reader, found)
        choice = self.found if found else self.given
        relations: dict[tuple[int, int], FoundRelation] = {}
        for index, score in choice.of(answer(table, self._boosting), min_precision):
            relation = _relation(scene, pairs[index], mentions, score)
            # Concepts known only from one composite mention would give one relation twice.
            relations.setdefault((relation.chemical, relation.disease), relation)
        return tuple(relations.values())

    def state(self) -> State:
        """Everything learnt, as arrays."""
        return {
            **prefixed("reader", self._reader.state()),
            **prefixed("priors", self._priors.state()),
            **prefixed("given", self.given.state()),
            **prefixed("found", self.found.state()),
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
            Choice.from_state(section("given", state)),
            Choice.from_state(section("found", state)),
        )


def _reader(studies: Sequence[Study], priors: Priors, c2: float) -> PairReader:
    # Documents that are there twice say no more than they would alone: the penalty goes with them.
    doubled = any(study.found for study in studies)
    rows = (row for study in studies for row in study.rows(priors))
    return PairReader.train(rows, 2 * c2 if doubled else c2)


def _unseen(studies: Sequence[Study], fold: Sequence[int], c2: float) -> list[Unseen]:
    """The fold's tables and truths, read by a first stage that has seen all but the fold."""
    held = set(fold)
    others = [study for index, study in enumerate(studies) if index not in held]
    priors = counted(others)
    reader = _reader(others, priors, c2)

    def read(example: Example | None, found: bool) -> Pairs | None:
        pairs = list(pair_features(example.scene, priors)) if example else []
        if example is None or not pairs:
            return None
        return Pairs(pair_table(pairs, reader, found), example.truths(pairs))

    return [
        Unseen(read(studies[index].given, False), read(studies[index].found, True))
        for index in fold
    ]


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
