"""The annotated document, the one shape every format is read into and every engine works on.

Offsets are Python code points into `Document.text`, half open: `text[start:end]` is the mention.
Identifiers are CURIEs (`MESH:D005901`); a mention without a concept has none.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

MentionType = Literal["Chemical", "Disease"]
MENTION_TYPES: tuple[MentionType, ...] = ("Chemical", "Disease")

MESH = "MESH:"
# Concepts of corpora that name things but number nothing (prompt rows): `NAME:` + folded surface.
NAME = "NAME:"


def is_document_id(text: str) -> bool:
    """1 to 200 printable characters; PubTator has the bar for itself."""
    return 0 < len(text) <= 200 and "|" not in text and text.isprintable()


def is_split_name(text: str) -> bool:
    """1 to 50 printable characters."""
    return 0 < len(text) <= 50 and text.isprintable()


@dataclass(frozen=True, slots=True)
class Mention:
    """One annotated span; `end - start == len(text)` and `start` counts from the document's start.

    A composite mention ("ocular and auditory toxicity") has several identifiers, and `parts`, if
    the file spelled them out, names each: it is the outer span that is scored.
    """

    start: int
    end: int
    text: str
    type: MentionType
    identifiers: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """A document-level relation between two concepts, `CID`: chemical induces disease."""

    chemical: str
    disease: str
    type: str = "CID"


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of the document (`title`, `abstract`, ...) that begins at code point `offset`."""

    type: str
    offset: int
    text: str


@dataclass(frozen=True)
class Document:
    """One abstract: passages in order, mentions in text order, relations between identifiers."""

    id: str
    passages: tuple[Passage, ...]
    mentions: tuple[Mention, ...] = ()
    relations: tuple[Relation, ...] = ()

    @cached_property
    def text(self) -> str:
        """All passages at their offsets; the gap between two passages is filled with spaces."""
        text = ""
        for passage in self.passages:
            text = text.ljust(passage.offset) + passage.text
        return text

    @cached_property
    def body_offset(self) -> int:
        """Where the first passage after the title begins; 0 without a title."""
        for passage in self.passages[1:]:
            if self.passages[0].type == "title":
                return passage.offset
        return 0
