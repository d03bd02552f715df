"""What speaks for and against a candidate: a row of numbers each, for many texts at once.

Its chance, the rivals it overlaps, the same string elsewhere in the document, the dictionary and
the words it is made of, the abbreviation it belongs to, and what stands around it.
"""

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from app.backends.local.candidates import Candidates
from app.backends.local.decode import Marginals
from app.backends.local.lexicon import Lexicon
from app.backends.local.predict import Prediction
from app.backends.local.reading import Reading
from app.backends.local.span_words import NOTHING, word_columns
from app.backends.local.word_counts import WordCounts
from app.corpora.documents import MENTION_TYPES

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# What the columns tell, in order; each function below makes one line or two of them.
COLUMNS = (
    *("kind", "chance"),
    *("around", "inside", "across", "other kind", "rivals"),
    *("best elsewhere", "mean elsewhere", "share elsewhere", "occurrences"),
    *("entry right", "entry purity", "entry wrong"),
    *("last word", "last word wrong", "last word seen", "worst word", "best word", "first word"),
    *("word before", "word after", "ending", "best ending"),
    *("tokens", "characters", "letters", "capitals", "brackets"),
    *("short forms", "long form", "in long form", "short forms of it"),
    *("title", "glued before", "glued after", "depth"),
    *("same before", "others before", "same after", "others after"),
)

_SURE = 1e-4
_TYPES = len(MENTION_TYPES)
# How far outside a candidate its neighbours are looked for: past a comma or an "and".
_REACH = 2


def span_table(
    readings: Sequence[Reading],
    prediction: Prediction,
    marginals: Marginals,
    candidates: Candidates,
    lexicon: Lexicon,
    words: WordCounts,
) -> Floats:
    """The rows of the candidates, (candidates, columns)."""
    columns = [
        candidates.kind,
        logit(candidates.chance),
        *_rivals(candidates),
        *_strings(readings, prediction, candidates, lexicon),
        *word_columns(readings, prediction, candidates, words),
        *_abbreviations(readings, prediction, candidates),
        *_surroundings(readings, prediction, marginals, candidates),
    ]
    return np.array(columns, np.float64).T


def logit(chance: Floats) -> Floats:
    """The log odds, of chances not nearer to 0 and 1 than one in ten thousand."""
    kept = np.clip(chance, _SURE, 1 - _SURE)
    odds: Floats = np.log(kept / (1 - kept))
    return odds


def _rivals(candidates: Candidates) -> list[Floats]:
    """The best candidate around, inside, across and in the same place, and the sum of all these."""
    start, end, chance = candidates.start, candidates.end, candidates.chance
    around, inside, across, same, total = np.zeros((5, len(start)))
    # Sorted by start, the overlap ends with the first that does not.
    for distance in range(1, len(start)):
        first, second = slice(None, -distance), slice(distance, None)
        (one,) = np.nonzero(start[second] < end[first])
        if not len(one):
            break
        two = one + distance
        equal = (start[one] == start[two]) & (end[one] == end[two])
        holds = ~equal & (end[two] <= end[one])
        held = ~equal & (start[one] == start[two])
        crosses = ~equal & ~holds & ~held
        for mine, theirs, kinds in (
            (one, two, ((same, equal), (inside, holds), (around, held), (across, crosses))),
            (two, one, ((same, equal), (inside, held), (around, holds), (across, crosses))),
        ):
            total[mine] += chance[theirs]
            for best, which in kinds:
                best[mine[which]] = np.maximum(best[mine[which]], chance[theirs[which]])
    return [logit(around), logit(inside), logit(across), logit(same), total]


def _strings(
    readings: Sequence[Reading], prediction: Prediction, candidates: Candidates, lexicon: Lexicon
) -> list[Floats]:
    """The same words elsewhere in the document, and in the dictionary."""
    firsts = [first for first, _ in prediction.bounds]
    groups: dict[tuple[int, int, str], int] = {}
    places: dict[tuple[int, str], int] = {}
    group, often, entries = [], [], []
    nothing = (0,) * (_TYPES + 1)
    for number, start, end, kind in zip(
        candidates.reading.tolist(),
        candidates.start.tolist(),
        candidates.end.tolist(),
        candidates.kind.tolist(),
        strict=True,
    ):
        reading, first = readings[number], firsts[number]
        lower = reading.lower[start - first : end - first]
        text = " ".join(lower)
        count = places.get((number, text))
        if count is None:
            count = places[number, text] = len(reading.places_of_any_case(lower))
        group.append(groups.setdefault((number, kind, text), len(groups)))
        often.append(count)
        entry = " ".join(reading.folded[start - first : end - first])
        entries.append(lexicon.entries.get(entry, nothing))
    best, mean, total = _elsewhere(np.array(group, np.intp), candidates.chance)
    occurrences = np.array(often, np.float64)
    counts = np.array(entries, np.float64).reshape(-1, _TYPES + 1)
    rows = np.arange(len(counts))
    right = counts[rows, candidates.kind]
    wrong = counts[:, :-1].sum(axis=1) - right
    seen = counts[:, -1]
    purity = np.where(seen > 0, right / np.maximum(seen, 1), NOTHING)
    return [logit(best), mean, total / occurrences, occurrences, right, purity, wrong]


def _elsewhere(group: Ints, chance: Floats) -> tuple[Floats, Floats, Floats]:
    """The best and the mean chance of the others in a candidate's group, and the others' sum."""
    size = int(group.max(initial=-1)) + 1
    members = np.bincount(group, minlength=size)[group]
    total = np.bincount(group, chance, size)[group] - chance
    order = np.lexsort((-chance, group))
    leader = np.flatnonzero(np.diff(group[order], prepend=-1))
    first, second = np.zeros((2, size))
    first[:] = chance[order[leader]]
    several = members[order[leader]] > 1
    second[several] = chance[order[leader[several] + 1]]
    is_first = np.zeros(len(group), bool)
    is_first[order[leader]] = True
    best = np.where(is_first, second[group], first[group])
    return best, np.where(members > 1, total / np.maximum(members - 1, 1), NOTHING), total


def _abbreviations(
    readings: Sequence[Reading], prediction: Prediction, candidates: Candidates
) -> list[Floats]:
    """Of short forms how many there are, and the chance of the long form, and of anything in it;
    of long forms the mean chance of the short ones."""
    short, long, within, shorts = np.full((4, len(candidates.start)), NOTHING)
    edges = candidates.edges(len(readings))
    for number, reading in enumerate(readings):
        if not reading.definitions:
            continue
        first = prediction.bounds[number][0]
        at = slice(edges[number], edges[number + 1])
        row = {
            (start - first, end - first, kind): edges[number] + place
            for place, (start, end, kind) in enumerate(
                zip(
                    candidates.start[at].tolist(),
                    candidates.end[at].tolist(),
                    candidates.kind[at].tolist(),
                    strict=True,
                )
            )
        }
        for words, definition in reading.definitions.items():
            places = reading.places(words)
            for kind in range(_TYPES):
                of_long = row.get((*definition.long, kind))
                of_short = [
                    each for place in places if (each := row.get((*place, kind))) is not None
                ]
                short[of_short] = len(places)
                long[of_short] = 0.0 if of_long is None else candidates.chance[of_long]
                within[of_short] = _most_between(candidates, at, first, definition.long)
                if of_long is not None:
                    total = candidates.chance[of_short].sum() if of_short else 0.0
                    shorts[of_long] = total / max(len(places), 1)
    return [short, long, within, shorts]


def _most_between(candidates: Candidates, at: slice, first: int, long: tuple[int, int]) -> float:
    """The best chance among some candidates of having a token of the long form."""
    touches = (candidates.start[at] < first + long[1]) & (candidates.end[at] > first + long[0])
    return float(candidates.chance[at][touches].max(initial=0.0))


def _surroundings(
    readings: Sequence[Reading],
    prediction: Prediction,
    marginals: Marginals,
    candidates: Candidates,
) -> list[Floats]:
    """Title, white space, and how likely mentions of this type and of others stand close by."""
    start, end, kind = candidates.start, candidates.end, candidates.kind
    glued = np.array([*chain.from_iterable(each.glued for each in readings), False], bool)
    depth = np.array([*chain.from_iterable(each.depth for each in readings)], np.float64)
    titles = np.array(
        [
            first + reading.title
            for reading, (first, _) in zip(readings, prediction.bounds, strict=True)
        ],
        np.intp,
    )
    low, high = np.array(prediction.bounds, np.intp)[candidates.reading].reshape(-1, 2).T
    each = marginals.forward * marginals.backward
    chances = np.zeros((len(each) + 1, _TYPES))
    for column, label in enumerate(prediction.weights.labels):
        if label[2:] in MENTION_TYPES:
            chances[:-1, MENTION_TYPES.index(label[2:])] += each[:, column]
    # The row after the last token is that of a place outside the text.
    before = np.where(start - _REACH >= low, start - _REACH, len(each))
    after = np.where(end - 1 + _REACH < high, end - 1 + _REACH, len(each))
    others = chances.sum(axis=1)
    return [
        (start < titles[candidates.reading]).astype(np.float64),
        glued[start].astype(np.float64),
        glued[end].astype(np.float64) * (end < high),
        depth[start],
        chances[before, kind],
        others[before] - chances[before, kind],
        chances[after, kind],
        others[after] - chances[after, kind],
    ]
