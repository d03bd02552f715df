"""A document while it is being read: everything one document alone can have wrong is found here.

Readers hand over what the file says, with the line; the draft checks it, reports problems and
keeps what is sound. What needs several documents (duplicates, splits) is checked in `validation`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product

from app.corpora.documents import (
    Document,
    Mention,
    MentionType,
    Passage,
    Relation,
    is_document_id,
)
from app.corpora.identifiers import usable
from app.corpora.problems import Report, problem

# Far above any abstract or article, and low enough that a small file cannot make much work: an
# offset is cheap to write, but stands for as many spaces, a few fragments for a long mention, two
# lists of identifiers for all their pairs; and Document.text is put together passage by passage.
MAX_TEXT = 1_000_000
MAX_GAP = 10_000
MAX_PASSAGES = 1_000
MAX_MENTION = 1_000
MAX_RELATIONS = 20_000

# What XML 1.0 cannot write (and PostgreSQL not store), and half surrogates, which UTF-8 cannot.
_INVALID = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_TYPES: dict[str, MentionType] = {
    "chemical": "Chemical",
    "disease": "Disease",
    # Islamaj Dogan et al. 2014, the NCBI Disease corpus
    "specificdisease": "Disease",
    "diseaseclass": "Disease",
    "modifier": "Disease",
    "compositemention": "Disease",
}


class Draft:
    """Collects one document: passages first, then mentions and relations, then `document()`."""

    def __init__(self, document_id: str, report: Report, line: int | None = None) -> None:
        self.id = document_id.strip()
        self._report = report
        self._passages: list[Passage] = []
        self._text = ""
        self._mentions: dict[tuple[int, int, MentionType], Mention] = {}
        self._relations: dict[Relation, int | None] = {}
        self._pairs = 0
        if not is_document_id(self.id):
            detail = f"{len(self.id)} characters"
            self.id = ""  # Not to be shown: it may be anything, a text too.
            self.problem("bad_document_id", detail, line)

    def problem(self, code: str, detail: str = "", line: int | None = None) -> None:
        """Report a problem of this document."""
        self._report(problem(code, detail, line=line, document_id=self.id or None))

    @property
    def passages(self) -> int:
        """How many passages there are so far."""
        return len(self._passages)

    def add_passage(
        self, type_: str, text: str, offset: int | None = None, line: int | None = None
    ) -> None:
        """Add a passage at `offset`, or one code point after the passage before it."""
        end = len(self._text)
        if offset is None:
            offset = end + 1 if self._passages else 0
        if len(self._passages) >= MAX_PASSAGES or end + len(text) > MAX_TEXT:
            self.problem("too_large", f"{MAX_TEXT} characters, {MAX_PASSAGES} passages", line)
            return
        if not end <= offset <= end + MAX_GAP:
            self.problem("bad_passage_offset", f"passage {len(self._passages) + 1}", line)
            offset = end
        if not text.isprintable() and (found := _INVALID.search(text)):
            self.problem("invalid_character", f"at {offset + found.start()}", line)
            text = _INVALID.sub(" ", text)
        self._text = self._text.ljust(offset) + text
        self._passages.append(Passage(type_ if type_.isprintable() else "", offset, text))

    def add_mention(
        self,
        start: int,
        end: int,
        text: str | None,
        label: str,
        identifiers: tuple[str, ...] = (),
        parts: Iterable[str] = (),
        line: int | None = None,
    ) -> None:
        """Add one mention; `text` is what the file says stands there, None if it does not say."""
        type_ = _TYPES.get(label.lower())
        if type_ is None:
            self.problem("unknown_type", "", line)
            return
        if not 0 <= start < end <= len(self._text):
            self.problem("span_outside_document", self._place(start, end), line)
            return
        if end - start > MAX_MENTION:
            self.problem("too_large", f"a mention of more than {MAX_MENTION} characters", line)
            return
        surface = self._text[start:end]
        if text is not None and text != surface:
            self.problem("offset_mismatch", self._shift(start, end, text), line)
            return
        if identifiers and not usable(identifiers):
            self.problem("bad_identifier", self._place(start, end), line)
            return
        mention = Mention(start, end, surface, type_, identifiers, clean_parts(parts))
        key = (start, end, type_)
        if key in self._mentions:
            self.problem("duplicate_mention", self._place(start, end), line)
            mention = _merged(self._mentions[key], mention)
        self._mentions[key] = mention

    def add_fragments(
        self,
        spans: Sequence[tuple[int, int]],
        texts: Sequence[str],
        label: str,
        identifiers: tuple[str, ...] = (),
        parts: Iterable[str] = (),
        line: int | None = None,
    ) -> None:
        """Add a mention of one or more (start, end) fragments, kept as their outer span.

        `texts` holds a text for each fragment, or one for all of them.
        """
        if not spans or not texts:
            self.problem("span_outside_document", "no offsets or no text", line)
            return
        start, end = min(s for s, _ in spans), max(e for _, e in spans)
        text = " ".join(texts) if len(texts) == 1 or len(spans) == 1 else None
        if len(spans) > 1 and start >= 0 and end <= min(len(self._text), start + MAX_MENTION):
            pieces = [self._text[s:e] for s, e in spans]
            if list(texts) == pieces or (text and _squeeze(text) == _squeeze("".join(pieces))):
                text = None
            elif text is None:
                self.problem("offset_mismatch", self._place(start, end), line)
                return
        self.add_mention(start, end, text, label, identifiers, parts, line)

    def add_relation(
        self,
        chemicals: tuple[str, ...],
        diseases: tuple[str, ...],
        type_: str,
        line: int | None = None,
    ) -> None:
        """Add the relation between each chemical and each disease; given twice, it counts once."""
        if not type_ or not type_.isprintable() or len(type_) > 200:
            self.problem("malformed_document", "a relation has no usable type", line)
        elif not (usable(chemicals) and usable(diseases)):
            self.problem("bad_identifier", "in a relation", line)
        elif not chemicals or not diseases:
            self.problem("unknown_relation_identifier", "a side has no identifier", line)
        elif self._pairs > MAX_RELATIONS:
            return
        else:
            self._pairs += len(chemicals) * len(diseases)
            if self._pairs > MAX_RELATIONS:
                self.problem("too_large", f"more than {MAX_RELATIONS} relations", line)
            for chemical, disease in product(chemicals, diseases):
                self._relations.setdefault(Relation(chemical, disease, type_), line)

    def document(self) -> Document:
        """The document, its mentions in text order."""
        self._check_relations()
        mentions = sorted(self._mentions.values(), key=_span)
        return Document(self.id, tuple(self._passages), tuple(mentions), tuple(self._relations))

    def _check_relations(self) -> None:
        known = {curie for mention in self._mentions.values() for curie in mention.identifiers}
        for relation, line in self._relations.items():
            for curie in (relation.chemical, relation.disease):
                if curie not in known:
                    self.problem("unknown_relation_identifier", "", line)

    def _place(self, start: int, end: int) -> str:
        # Numbers of thousands of digits may stand in a file, but not in a message.
        if max(abs(start), abs(end)) > 10**9:
            return f"offsets beyond any text of {len(self._text)} code points"
        return f"offsets {start}-{end} of {len(self._text)} code points"

    def _shift(self, start: int, end: int, text: str) -> str:
        place = self._place(start, end)
        found = self._text.find(text, max(0, start - 100), start + len(text) + 100)
        if not text or found < 0:
            return f"{place}, and it is not near"
        return f"{place}, but it is at {found}-{found + len(text)}"


def clean_parts(parts: Iterable[str]) -> tuple[str, ...]:
    """The names of a composite mention's parts, such as every format can hold."""
    joined = "|".join(parts)
    if not joined.strip("|"):
        return ()
    if not joined.isprintable():
        joined = "".join(c if c.isprintable() else " " for c in joined)
    return tuple(joined.split("|"))


def _span(mention: Mention) -> tuple[int, int]:
    return mention.start, mention.end


def _squeeze(text: str) -> str:
    return "".join(text.split())


def _merged(first: Mention, second: Mention) -> Mention:
    both = tuple(dict.fromkeys(first.identifiers + second.identifiers))
    identifiers = both if usable(both) else first.identifiers
    return replace(first, identifiers=identifiers, parts=first.parts or second.parts)
