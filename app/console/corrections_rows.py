"""What is corrected: mentions and relations as rows, and the annotations that come of them.

A relation names its sides by the numbers of mentions, so that it follows when their identifiers are
mended. A mention that is rejected takes no relation with it that another one can stand for.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from app.console.highlight import Span
from app.corpora.documents import MENTION_TYPES, MentionType
from app.corpora.draft import MAX_MENTION, MAX_RELATIONS
from app.corpora.identifiers import curies, usable
from app.datasets.revision_schemas import RevisedMention, RevisedRelation
from app.platform.errors import FieldError
from app.prompts.rows import identifier

_LONGEST_LABEL = 60


@dataclass(frozen=True)
class FoundSpan:
    """A mention that a model has found; offsets are code points of title, space, abstract."""

    start: int
    end: int
    type: MentionType
    identifiers: tuple[str, ...]
    score: float | None


@dataclass(frozen=True)
class FoundRelation:
    """A relation that a model has found, between two of its mentions."""

    chemical: int
    disease: int
    score: float | None


@dataclass(frozen=True)
class Found:
    """What a model has found, as it is handed from the playground to the corrections."""

    mentions: tuple[FoundSpan, ...]
    relations: tuple[FoundRelation, ...]


@dataclass(frozen=True)
class MentionRow:
    """A mention as it was typed; `score` is the model's, as it was shown."""

    number: int
    keep: bool
    type: str
    identifiers: str
    start: str
    end: str
    score: str

    def place(self, text: str) -> tuple[int, int] | None:
        """Where it is in the text, if that can be."""
        if not (self.start.isdecimal() and self.end.isdecimal()):
            return None
        if max(len(self.start), len(self.end)) > 9:
            return None
        start, end = int(self.start), int(self.end)
        return (start, end) if start < end <= min(len(text), start + MAX_MENTION) else None

    def concepts(self) -> tuple[str, ...]:
        """Its identifiers."""
        parts = re.split(r"[\s,;|]+", self.identifiers.strip())
        return tuple(dict.fromkeys(curie for part in parts for curie in curies(part)))


@dataclass(frozen=True)
class RelationRow:
    """A relation as it was chosen: numbers of mentions, or nothing."""

    number: int
    keep: bool
    chemical: str
    disease: str
    score: str


@dataclass(frozen=True)
class Rows:
    """All rows, and the text that they are about."""

    text: str
    mentions: Sequence[MentionRow]
    relations: Sequence[RelationRow]

    def surface(self, row: MentionRow) -> str | None:
        """What stands where a mention is; None if there is no such place."""
        place = row.place(self.text)
        return None if place is None else self.text[slice(*place)]

    def spans(self) -> list[Span]:
        """The mentions that are kept, to be marked in the text by their numbers."""
        return [
            Span(*place, row.type.lower(), str(row.number + 1))
            for row in self.mentions
            if row.keep and (place := row.place(self.text)) is not None
        ]

    def entities(self, type_: str) -> list[tuple[str, str]]:
        """What a side of a relation may be: a mention's number, and what to call it."""
        named: dict[str, str] = {}
        for row in self.mentions:
            surface = self.surface(row)
            if row.keep and row.type == type_ and surface is not None:
                label = f"{surface} ({', '.join(row.concepts()) or 'no identifier'})"
                named.setdefault(label, str(row.number))
        chosen = {side for row in self.relations for side in (row.chemical, row.disease)}
        names = {number: _short(label) for label, number in named.items()}
        for row in self.mentions:
            if str(row.number) in chosen and row.type == type_:
                label = f"{_short(self.surface(row) or '?')}, mention {row.number + 1}"
                label += "" if row.keep else ", not kept"
                names.setdefault(str(row.number), label)
        return sorted(names.items(), key=lambda each: int(each[0]))

    def mended(self) -> tuple[list[RevisedMention], list[RevisedRelation], list[FieldError]]:
        """What is to be kept; and what cannot be, by fields."""
        faults = [fault for row in self.mentions if row.keep for fault in self._faults(row)]
        kept = [row for row in self.mentions if row.keep]
        named: set[tuple[str, str]] = set()
        pairs: list[list[Sequence[str]]] = []
        for relation in self.relations:
            if not relation.keep:
                continue
            sides: list[Sequence[str]] = []
            for side, type_ in (("chemical", "Chemical"), ("disease", "Disease")):
                row = self._side(getattr(relation, side), type_, kept)
                if row is None:
                    detail = f"Relation {relation.number + 1}: its {side} is not kept. "
                    detail += "Reject the relation as well, or choose another."
                    pointer = f"/relation/{relation.number}/{side}"
                    faults.append(FieldError(pointer, "unknown", detail))
                    continue
                surface = self.surface(row) or ""
                concepts = row.concepts()
                if not concepts:
                    named.add((type_, surface.casefold()))
                sides.append(concepts or (identifier(surface),))
            pairs.append(sides)
        if not faults and sum(len(c) * len(d) for c, d in pairs) > MAX_RELATIONS:
            detail = f"More than {MAX_RELATIONS} relations: each identifier of a side is one."
            faults.append(FieldError("/relation", "too_large", detail))
        if faults:  # of what is refused anyway, nothing is worked out: it may be far too much
            return [], [], faults
        relations = [
            RevisedRelation(chemical=chemical, disease=disease)
            for sides in pairs
            for chemical, disease in product(*sides)
        ]
        mentions = [self._mention(row, named) for row in kept]
        return sorted(mentions, key=lambda each: (each.start, each.end)), relations, []

    def _mention(self, row: MentionRow, named: set[tuple[str, str]]) -> RevisedMention:
        start, end = row.place(self.text) or (0, 0)
        surface, concepts = self.text[start:end], row.concepts()
        if not concepts and (row.type, surface.casefold()) in named:
            # A relation is between identifiers: what has none is its name, as in prompt rows.
            concepts = (identifier(surface),)
        return RevisedMention(
            start=start, end=end, text=surface, type=row.type, identifiers=list(concepts)
        )

    def _side(self, number: str, type_: str, kept: Sequence[MentionRow]) -> MentionRow | None:
        """The mention of a relation's side, or one that is kept and names the same thing."""
        chosen = next((row for row in self.mentions if str(row.number) == number), None)
        if chosen is None:
            return None
        if chosen.keep:
            return chosen if chosen.type == type_ else None
        name, concepts = (self.surface(chosen) or "").casefold(), set(chosen.concepts())
        for row in kept:
            same = (self.surface(row) or "").casefold() == name
            if row.type == type_ and (same or concepts & set(row.concepts())):
                return row
        return None

    def _faults(self, row: MentionRow) -> list[FieldError]:
        at, name, faults = f"/mention/{row.number}", f"Mention {row.number + 1}", []
        if row.place(self.text) is None:
            detail = f"{name}: use numbers from 0 to {len(self.text)}, the end after the start "
            detail += f"and at most {MAX_MENTION} after it."
            faults.append(FieldError(f"{at}/start", "place", detail))
        if row.type not in MENTION_TYPES:
            faults.append(FieldError(f"{at}/type", "unknown", f"{name}: choose a type."))
        if not usable(row.concepts()):
            detail = f"{name}: use identifiers such as MESH:D003000, commas between them."
            faults.append(FieldError(f"{at}/identifiers", "unusable", detail))
        return faults


def _short(label: str) -> str:
    """Each label is in the page once for each relation."""
    return label if len(label) <= _LONGEST_LABEL else f"{label[:_LONGEST_LABEL]}…"
