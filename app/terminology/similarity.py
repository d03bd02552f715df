"""The most similar name of an index: the cosine of TF-IDF weighted vectors of character 3-grams."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from app.corpora.documents import MENTION_TYPES, MentionType
from app.terminology.names import grams
from app.terminology.reader import IndexReader, reading
from app.terminology.schema import LONGEST_COMPARED, entry_id, hashed, weight

# How many postings are looked at for one name, and how many entries are then compared with it.
_MOST_POSTINGS = 100_000
_MOST_COMPARED = 32
# Partial sums are of single precision.
_ROUNDING = 1e-4


def most_similar(reader: IndexReader, type_: MentionType, name: str) -> tuple[str, float] | None:
    """The identifier of the most similar name, and the similarity, above 0 to 1.

    Of names that are alike, the preferred one wins, then the smallest identifier. None if no name
    shares a 3-gram with this one, or if it is longer than LONGEST_COMPARED. Raises VocabularyError.

    Entries are collected by the rarest 3-grams of the name, as many as _MOST_POSTINGS allow, and
    the best of them compared in full. When that leaves out 3-grams, the most similar name may be
    missed: one that shares with this name almost only what most names have.
    """
    if len(name) > LONGEST_COMPARED:
        return None
    norms = reader.norms[type_]
    wanted = {hashed(type_, gram): gram for gram in grams(name)}
    sizes = reader.sizes(wanted.keys())
    weights = {gram: weight(len(norms), sizes.get(number, 0)) for number, gram in wanted.items()}
    length = math.hypot(*weights.values())
    with reading():
        squares = {number: weights[wanted[number]] ** 2 for number in sizes}
        found = _candidates(reader, norms, sizes, squares, length)
        if not len(found):
            return None
        rows = reader.entries([entry_id(type_, int(number)) for number in found])
        compared = []
        for row_id, rank, identifier, entry in rows:
            product = sum(weights.get(gram, 0) ** 2 for gram in sorted(set(grams(entry))))
            cosine = product / (length * float(norms[row_id // len(MENTION_TYPES)]))
            compared.append((-min(round(cosine, 6), 1.0), rank, identifier))
        similarity, _, identifier = min(compared)
    return identifier, -similarity


def _candidates(
    reader: IndexReader,
    norms: NDArray[np.float32],
    sizes: Mapping[int, int],
    squares: Mapping[int, float],
    length: float,
) -> NDArray[np.intp]:
    """The entries that may be the most similar one."""
    sums = np.zeros(len(norms), np.float32)
    looked_at = 0
    skipped = 0.0
    for number in sorted(sizes, key=lambda number: (sizes[number], number)):
        looked_at += sizes[number]
        if looked_at <= _MOST_POSTINGS or looked_at == sizes[number]:
            sums[reader.postings(number)] += np.float32(squares[number])
        else:
            skipped += squares[number]
    # The cosines, times the length of the name's own vector.
    sums /= norms
    # What is skipped adds no more to a cosine than it takes of that length.
    least = sums.max(initial=0) - math.sqrt(skipped) - _ROUNDING * length
    found = np.flatnonzero(sums > max(least, 0))
    if len(found) > _MOST_COMPARED:
        found = found[np.argpartition(sums[found], -_MOST_COMPARED)[-_MOST_COMPARED:]]
    return found
