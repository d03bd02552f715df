"""The best name that any of several vocabularies has for a name, by how it is spelt."""

from collections.abc import Iterable, Sequence

from app.corpora.documents import MentionType
from app.terminology.vocabulary import Vocabulary


def best_match(
    vocabularies: Sequence[Vocabulary], type_: MentionType, names: Iterable[str]
) -> tuple[tuple[str, ...], float]:
    """The identifiers of what is spelt most like one of `names`, and how similar it is, 0 to 1.

    Of several the first: earlier vocabularies win, then earlier names. `((), 0.0)` if nothing is
    similar at all. Raises VocabularyError.
    """
    asked = tuple(names)
    found = [
        nearest
        for vocabulary in vocabularies
        for name in asked
        if (nearest := vocabulary.nearest(type_, name))
    ]
    return max(found, key=lambda nearest: nearest[1], default=((), 0.0))
