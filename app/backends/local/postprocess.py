"""What a document says about its mentions as a whole, after each sentence was labelled by itself.

A short form is a mention if its long form is, and the other way round; what was tagged once is
tagged wherever it stands again; brackets are not torn apart. Thresholds were chosen by
cross-validation on the training split of BC5CDR.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.backends.local.labels import Span
from app.backends.local.reading import Reading

# The share of added mentions that are right (cross-validated): an added mention's score is that of
# the mention it follows from, times this.
ADDED = 0.75

_BRACKETS = (("(", ")"), ("[", "]"))
_LEAST_CHANCE = 0.03
_ANY_CASE_LENGTH = 5
_SHORTEST_REPEAT = 2
_FEW = 2


@dataclass(frozen=True, slots=True)
class Scored:
    """A span and how probable it is."""

    span: Span
    score: float


def refine(
    reading: Reading, found: Sequence[Scored], chance: Callable[[Span], float]
) -> list[Scored]:
    """The spans after the document's evidence, in order and not overlapping.

    `chance` tells how probable the model finds any span, tagged or not.
    """
    board = _Board(reading, found, chance)
    board.balance_brackets()
    board.drop_unexplained_short_forms()
    board.add_short_forms()
    board.add_repeats()
    return board.result()


class _Board:
    """The spans so far, and which tokens they take."""

    def __init__(
        self, reading: Reading, found: Sequence[Scored], chance: Callable[[Span], float]
    ) -> None:
        self.reading = reading
        self.chance = chance
        self.taken: dict[int, Scored] = {}
        for scored in found:
            self._put(scored)

    def result(self) -> list[Scored]:
        spans = {scored.span: scored for scored in self.taken.values()}
        return sorted(spans.values(), key=lambda scored: scored.span.start)

    def _put(self, scored: Scored) -> None:
        for token in range(scored.span.start, scored.span.end):
            self.taken[token] = scored

    def _remove(self, scored: Scored) -> None:
        for token in range(scored.span.start, scored.span.end):
            del self.taken[token]

    def _free(self, start: int, end: int) -> bool:
        return not any(token in self.taken for token in range(start, end))

    def _at(self, start: int, end: int) -> Scored | None:
        """The span of exactly these tokens."""
        scored = self.taken.get(start)
        return scored if scored and scored.span[:2] == (start, end) else None

    def balance_brackets(self) -> None:
        """Take in the closing bracket after a span that opened it, or let go of a stray one."""
        words = self.reading.words
        for scored in self.result():
            start, end, kind = scored.span
            for opening, closing in _BRACKETS:
                inside = words[start:end]
                surplus = inside.count(opening) - inside.count(closing)
                if surplus == 1 and end < len(words) and words[end] == closing:
                    end += self._free(end, end + 1)
                elif surplus == -1 and words[end - 1] == closing and end - start > 1:
                    end -= 1
            if end != scored.span.end:
                self._remove(scored)
                self._put(Scored(Span(start, end, kind), scored.score))

    def drop_unexplained_short_forms(self) -> None:
        """A short form tagged once or twice, its long form nowhere near a mention, is none."""
        for short, definition in self.reading.definitions.items():
            places = self.reading.places(short)
            tagged = [scored for place in places if (scored := self._at(*place))]
            if len(tagged) <= _FEW and self._free(*definition.long):
                for scored in tagged:
                    self._remove(scored)

    def add_short_forms(self) -> None:
        """Wherever the short form of a tagged long form stands, it is the same."""
        for short, definition in self.reading.definitions.items():
            if long := self._at(*definition.long):
                for place in self.reading.places(short):
                    self._add(*place, long)

    def add_repeats(self) -> None:
        """What was tagged is tagged wherever it stands again, the longest strings first.

        Short strings mean too many things: they must be tagged twice, and are compared with case.
        """
        tagged: dict[tuple[str, ...], list[Scored]] = defaultdict(list)
        for scored in self.result():
            tagged[tuple(self.reading.lower[slice(*scored.span[:2])])].append(scored)
        for lower, sources in sorted(tagged.items(), key=lambda item: (-len(item[0]), item[0])):
            length = sum(map(len, lower))
            if length < _SHORTEST_REPEAT:
                continue
            best = _commonest(sources)
            cases = Counter(tuple(self.reading.words[slice(*s.span[:2])]) for s in sources)
            for start, end in self.reading.places_of_any_case(lower):
                known = cases[tuple(self.reading.words[start:end])] >= 2
                if length >= _ANY_CASE_LENGTH or known:
                    self._add(start, end, best, _LEAST_CHANCE)

    def _add(self, start: int, end: int, source: Scored, least: float = 0.0) -> None:
        span = Span(start, end, source.span.type)
        if self._free(start, end) and self.chance(span) >= least:
            self._put(Scored(span, source.score * ADDED))


def _commonest(sources: Sequence[Scored]) -> Scored:
    """The most probable span of the type most of them have."""
    types = Counter(scored.span.type for scored in sources)
    most = max(types.values())
    return max(
        (scored for scored in sources if types[scored.span.type] == most),
        key=lambda scored: scored.score,
    )
