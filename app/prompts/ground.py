"""Where the items of an answer stand in the text: strings to spans.

All occurrences of an item count, at the edges of words. The longest span claims its place first,
so "hypertension" is not found again within "pulmonary hypertension"; of spans as long, the exact
one does. No two spans overlap. The work is bounded for any input, see the limits below.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.prompts.near import near
from app.prompts.words import joins, squeezed, words

Match = Literal["exact", "normalised", "fuzzy"]

# Longer items are not looked for, and of more candidates only the first are looked at. The longest
# name in BC5CDR has 60 words; an abstract has some hundred candidates.
_MAX_ITEM_WORDS = 200
_MAX_CANDIDATES = 200_000
# Nor more kinds of hyphens and spaces around the same words.
_MAX_EDGES = 20
# In names so short, or all in capitals, case makes the name ("ALL" is not "all").
_SHORT = 3
_SHORT_CAPITALS = 6

_HERE = ""  # in a node of the tree, where the items that end there are kept


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]` is `item` as it is (`exact`), in another spelling, or nearly."""

    start: int
    end: int
    item: str
    match: Match


@dataclass(frozen=True, slots=True)
class Grounding:
    """Spans in text order, and the items, in the order given, that have no span of their own."""

    spans: tuple[Span, ...]
    ungrounded: tuple[str, ...]


@dataclass(slots=True)
class _Spellings:
    """The items of the same words that also have the same before the first and after the last.

    Of those that any case spells, and of those that only their own does, the first is kept.
    """

    exact: set[str] = field(default_factory=set)
    of_any_case: str | None = None
    of_their_case: dict[str, str] = field(default_factory=dict)

    def add(self, item: str) -> None:
        self.exact.add(item)
        if len(item) <= _SHORT or (len(item) <= _SHORT_CAPITALS and item == item.upper()):
            self.of_their_case.setdefault(squeezed(item), item)
        elif self.of_any_case is None:
            self.of_any_case = item

    def variant(self, surface: str) -> str | None:
        """The item that the surface is another spelling of."""
        if self.of_their_case and (item := self.of_their_case.get(squeezed(surface))):
            return item
        return self.of_any_case


_Edges = dict[
    tuple[str, str], _Spellings
]  # by what is before and after the words (hyphens, spaces)


def ground(
    items: Iterable[str],
    text: str,
    *,
    upto: Match = "fuzzy",
    taken: Iterable[tuple[int, int]] = (),
) -> Grounding:
    """Find the items in the text.

    `upto` is the loosest match allowed: `exact`; `normalised` also finds variants of case, white
    space, hyphens and Unicode composition; `fuzzy` also looks for near spellings (see `near`) of
    what is not found so. Spans in `taken` are kept free.
    """
    names = tuple(dict.fromkeys(items))
    claimed = bytearray(len(text))
    for start, end in taken:
        claimed[start:end] = b"\1" * (end - start)
    candidates = _whole_words_first(_candidates(_tree(names), text, upto), text)
    spans = [
        span
        for span in sorted(candidates, key=lambda s: (s.start - s.end, s.match != "exact", s.start))
        if _claim(claimed, span.start, span.end)
    ]
    if upto == "fuzzy":
        present = {span.item for span in candidates}
        missing = [name for name in names if name not in present]
        for start, end, name in near(missing, text) if missing else ():
            if _claim(claimed, start, end):
                spans.append(Span(start, end, name, "fuzzy"))
    found = {span.item for span in spans}
    return Grounding(
        tuple(sorted(spans, key=lambda span: span.start)),
        tuple(name for name in names if name not in found),
    )


def _claim(claimed: bytearray, start: int, end: int) -> bool:
    """Claim a place, if none of it is claimed yet."""
    if claimed.find(1, start, end) >= 0:
        return False
    claimed[start:end] = b"\1" * (end - start)
    return True


def _tree(names: Iterable[str]) -> dict[str, Any]:
    """The items by their words: a node has a node for each next word, and items under `_HERE`."""
    tree: dict[str, Any] = {}
    for name in names:
        parts = words(name)
        if not 0 < len(parts) <= _MAX_ITEM_WORDS:
            continue
        node = tree
        for _, _, part in parts:
            node = node.setdefault(part, {})
        edges: _Edges = node.setdefault(_HERE, {})
        edge = name[: parts[0][0]], name[parts[-1][1] :]
        if edge in edges or len(edges) < _MAX_EDGES:
            edges.setdefault(edge, _Spellings()).add(name)
    return tree


def _candidates(tree: dict[str, Any], text: str, upto: Match) -> list[Span]:
    found: list[Span] = []
    parts = words(text) if tree else []
    for first, (start, _, opening) in enumerate(parts):
        if opening not in tree:
            continue
        node = tree
        for place in range(first, len(parts)):
            _, end, part = parts[place]
            if part not in node or len(found) >= _MAX_CANDIDATES:
                break
            node = node[part]
            edges = node.get(_HERE)
            if edges and (span := _read(edges, text, start, end, upto)):
                found.append(span)
    return found


def _read(edges: _Edges, text: str, start: int, end: int, upto: Match) -> Span | None:
    """The span as the one item it spells, or else as the first that it is a variant of."""
    variant = None
    for (before, after), spellings in edges.items():
        if not (text.startswith(after, end) and text.endswith(before, 0, start)):
            continue
        begin, stop = start - len(before), end + len(after)
        surface = text[begin:stop]
        if surface in spellings.exact:
            return Span(begin, stop, surface, "exact")
        if variant is None and upto != "exact" and (item := spellings.variant(surface)):
            variant = Span(begin, stop, item, "normalised")
    return variant


def _whole_words_first(candidates: Sequence[Span], text: str) -> list[Span]:
    """Without what is only part of a word ("5-HT" in "5-HT6"), unless its item has no other."""
    whole = [s for s in candidates if not joins(text, s.start) and not joins(text, s.end)]
    seen = {span.item for span in whole}
    return whole + [span for span in candidates if span.item not in seen]
