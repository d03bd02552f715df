"""A trained local model: tagger, linker and relation model, as one thing to train, keep and use."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from app.backends.base import Annotations, FoundMention, FoundRelation
from app.backends.local.artefact import ArtefactError, Manifest, read_artefact, write_artefact
from app.backends.local.confidence import Confidence
from app.backends.local.held_out import train_with_held_out
from app.backends.local.hyperparameters import LocalHyperparameters
from app.backends.local.linker import Linker
from app.backends.local.linker_training import link_held_out, train_linker
from app.backends.local.merging import merged
from app.backends.local.options import relation_options, tagger_options
from app.backends.local.pieces import pieces
from app.backends.local.relations import RelationModel
from app.backends.local.tagger import Tagger
from app.corpora.documents import MENTION_TYPES, Document, MentionType
from app.prompts.tasks import MENTION_TASKS, Task
from app.terminology.vocabulary import Vocabulary

Report = Callable[[str, int, int, dict[str, float]], None]

_TAGGER, _CONFIDENCE, _LINKER, _RELATIONS = "tagger", "confidence", "linker", "relations"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to annotate: `vocabularies` to look names up in, and `min_precision`, 0 to 1.

    What is answered was right at least that often on held-out documents, mentions and relations
    each by themselves; where nothing was, nothing is answered.
    """

    vocabularies: Sequence[Vocabulary] = ()
    min_precision: float | None = None


_NO_WISHES = Wishes()


class LocalModel:
    """What `train` made or `load` read; `annotate` may be called from several threads."""

    def __init__(
        self,
        tasks: frozenset[Task],
        tagger: Tagger,
        confidence: Confidence,
        linker: Linker,
        relations: RelationModel | None,
    ) -> None:
        self.tasks = tasks
        self._tagger = tagger
        self._confidence = confidence
        self._linker = linker
        self._relations = relations

    @property
    def measured(self) -> bool:
        """Whether it knows how often it is right: else no `min_precision` can be kept."""
        return self._confidence.measured

    @classmethod
    def train(
        cls,
        documents: Sequence[Document],
        hyperparameters: LocalHyperparameters,
        tasks: frozenset[Task],
        report: Report,
        vocabularies: Sequence[Vocabulary] = (),
    ) -> Self:
        """Learn the tasks from annotated documents; relations need mentions of both types.

        `report(stage, step, steps, metrics)` is called as the training goes on.
        """
        types = mention_types(tasks)
        seen = [_only(document, types) for document in documents]
        # What comes after the tagger learns from mentions as they are found, not only as they
        # ought to be.
        tagger, found = train_with_held_out(seen, tagger_options(hyperparameters), report)
        confidence, measured = Confidence.train(seen, found)
        linker = train_linker(seen, vocabularies)
        report("calibration", 1, 1, measured)
        relations = None
        if Task.RELATIONS in tasks:
            # With the scores that `annotate` will give them.
            scored = [confidence.apply(each, None) for each in found]
            linked = link_held_out(seen, scored, vocabularies) if any(found) else None
            relations = RelationModel.train(seen, relation_options(hyperparameters), report, linked)
        return cls(tasks, tagger, confidence, linker, relations)

    def annotate(
        self, texts: Sequence[str], tasks: frozenset[Task], wishes: Wishes = _NO_WISHES
    ) -> list[Annotations]:
        """What the texts hold, in order, of the tasks asked for that the model has learnt.

        If relations are asked for, both types of mention are there, whatever else was asked: a
        relation points at its mentions. A caller shows only what was asked for. A long text is
        read in pieces, and relations are found within each.
        """
        wanted = tasks & self.tasks
        warnings = tuple(f"the model was not trained for {task}" for task in sorted(tasks - wanted))
        cut = [pieces(text) for text in texts]
        parts = [
            (text[piece.start : piece.end], piece.title)
            for text, each in zip(texts, cut, strict=True)
            for piece in each
        ]
        tagged = self._tagger.tag([part for part, _ in parts], [title for _, title in parts])
        found = iter(
            self._annotated(part, title, mentions, wanted, wishes)
            for (part, title), mentions in zip(parts, tagged, strict=True)
        )
        return [
            replace(merged(text, each, [next(found) for _ in each]), warnings=warnings)
            for text, each in zip(texts, cut, strict=True)
        ]

    def relate(self, documents: Sequence[Document]) -> list[tuple[FoundRelation, ...]] | None:
        """The relations among each document's own mentions; None if the model learnt none."""
        if self._relations is None:
            return None
        return [self._relations.find(d.text, d.body_offset, d.mentions) for d in documents]

    def save(self, path: Path, reference: str, training: Mapping[str, Any]) -> str:
        """Write the artefact and return its sha256.

        `reference` says what it was made from; `training` is what its manifest tells of how.
        """
        sections = {
            _TAGGER: self._tagger.state(),
            _CONFIDENCE: self._confidence.state(),
            _LINKER: self._linker.state(),
        }
        if self._relations:
            sections[_RELATIONS] = self._relations.state()
        manifest = Manifest(
            reference=reference,
            tasks=tuple(sorted(self.tasks)),
            labels=tuple(sorted(mention_types(self.tasks))),
            training=dict(training),
        )
        return write_artefact(path, manifest, sections)

    @classmethod
    def load(cls, path: Path, sha256: str | None = None) -> Self:
        """Read an artefact, of this sha256 if one is given. Raises ArtefactError or OSError."""
        manifest, sections = read_artefact(path, sha256)
        relations = sections.get(_RELATIONS)
        try:
            return cls(
                frozenset(map(Task, manifest.tasks)),
                Tagger.from_state(sections[_TAGGER]),
                Confidence.from_state(sections[_CONFIDENCE]),
                Linker.from_state(sections[_LINKER]),
                RelationModel.from_state(relations) if relations else None,
            )
        except (KeyError, ValueError, TypeError) as error:
            raise ArtefactError("the model file lacks what this version needs") from error

    def _annotated(
        self,
        text: str,
        title: int,
        tagged: Sequence[FoundMention],
        wanted: frozenset[Task],
        wishes: Wishes,
    ) -> Annotations:
        types = mention_types(wanted)
        mentions = self._confidence.apply(
            [each for each in tagged if each.type in types], wishes.min_precision
        )
        linked = self._linker.link(text, mentions, wishes.vocabularies)
        if Task.RELATIONS not in wanted or self._relations is None:
            return Annotations(tuple(linked))
        relations = self._relations.find(
            text, title, linked, found=True, min_precision=wishes.min_precision
        )
        return Annotations(tuple(linked), relations)


def mention_types(tasks: frozenset[Task]) -> frozenset[MentionType]:
    """The types of mention these tasks need: relations need both."""
    if Task.RELATIONS in tasks:
        return frozenset(MENTION_TYPES)
    return frozenset(type_ for task, type_ in MENTION_TASKS.items() if task in tasks)


def _only(document: Document, types: frozenset[MentionType]) -> Document:
    """The document without mentions of other types."""
    kept = tuple(mention for mention in document.mentions if mention.type in types)
    return replace(document, mentions=kept)
