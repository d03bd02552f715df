"""Where the items of an answer stand in the text: strings to spans.

All occurrences of an item count, at the edges of words. The longest span claims its place first,
so "hypertension" is not found again within "pulmonary hypertension"; of spans as long, the exact
one does. No two spans overlap. The work is bounded for any input, see the limits below.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.prompts.near import near
from app.prompts.words import joins, squeezed, words

Match = Literal["exact", "normalised", "fuzzy"]

# Longer items are not looked for, and of more candidates only the first are looked at. The longest
# name in BC5CDR has 60 words; an abstract has some hundred candidates.
_MAX_ITEM_WORDS = 200
_MAX_CANDIDATES = 200_000
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


@dataclass(frozen=True, slots=True)
class _Item:
    """An item and what stands before its first and after its last word (hyphens, spaces)."""

    text: str
    before: str
    after: str


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
        for part in parts:
            node = node.setdefault(part.folded, {})
        item = _Item(name, name[: parts[0].start], name[parts[-1].end :])
        node.setdefault(_HERE, []).append(item)
    return tree


def _candidates(tree: dict[str, Any], text: str, upto: Match) -> list[Span]:
    found: list[Span] = []
    parts = words(text) if tree else []
    for first in range(len(parts)):
        node: dict[str, Any] | None = tree
        for place in range(first, len(parts)):
            node = node.get(parts[place].folded) if node else None
            if node is None or len(found) >= _MAX_CANDIDATES:
                break
            if _HERE in node:
                found += _read(node[_HERE], text, parts[first].start, parts[place].end, upto)
    return found


def _read(items: Sequence[_Item], text: str, start: int, end: int, upto: Match) -> Iterator[Span]:
    """The span as the one item it spells, or else as the first that it is a variant of."""
    variant = None
    for item in items:
        if not (text.startswith(item.after, end) and text.endswith(item.before, 0, start)):
            continue
        begin, stop = start - len(item.before), end + len(item.after)
        if text[begin:stop] == item.text:
            yield Span(begin, stop, item.text, "exact")
            return
        if variant is None and upto != "exact" and _is_variant(text[begin:stop], item.text):
            variant = Span(begin, stop, item.text, "normalised")
    if variant:
        yield variant


def _is_variant(surface: str, item: str) -> bool:
    short = len(item) <= _SHORT or (len(item) <= _SHORT_CAPITALS and item == item.upper())
    return not short or squeezed(surface) == squeezed(item)


def _whole_words_first(candidates: Sequence[Span], text: str) -> list[Span]:
    """Without what is only part of a word ("5-HT" in "5-HT6"), unless its item has no other."""
    whole = [s for s in candidates if not joins(text, s.start) and not joins(text, s.end)]
    seen = {span.item for span in whole}
    return whole + [span for span in candidates if span.item not in seen]
