"""What the names of training mean: the identifiers each was given most, under all its keys."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.backends.local.arrays import State, pack_strings, unpack_strings
from app.backends.local.name_index import Identifiers, NameIndex, Words
from app.corpora.documents import Document, MentionType
from app.terminology.names import keys
from app.terminology.roots import canonical

Votes = Mapping[str, Counter[Identifiers]]


class KnownNames:
    """The names of one type of mention, and how often each was given which identifiers."""

    def __init__(self, votes: Votes) -> None:
        self._votes = votes
        by_key: dict[str, Counter[Identifiers]] = {}
        for name, counts in votes.items():
            for key in keys(name):
                by_key.setdefault(key, Counter()).update(counts)
        self._by_key = {key: _winner(counts) for key, counts in by_key.items()}

    @classmethod
    def train(cls, documents: Iterable[Document], type_: MentionType) -> Self:
        """Learn from annotated documents; mentions without identifiers vote for having none."""
        votes: dict[str, Counter[Identifiers]] = {}
        for document in documents:
            for mention in document.mentions:
                if mention.type == type_:
                    name = " ".join(mention.text.split())
                    votes.setdefault(name, Counter())[mention.identifiers] += 1
        return cls(votes)

    def find(self, name: str, kinds: str = "=~-#@") -> Identifiers | None:
        """What the name means by its strictest key of these kinds; None if it is not known."""
        for key in keys(name):
            if key[0] in kinds and key in self._by_key:
                return self._by_key[key]
        return None

    def index(self) -> NameIndex:
        """The names that mean something, to be searched for those spelt alike."""
        forms: dict[Words, Counter[Identifiers]] = {}
        for name, counts in self._votes.items():
            if (meant := _winner(counts)) and (form := canonical(name)):
                forms.setdefault(form, Counter())[meant] += counts[meant]
        return NameIndex(list(forms), [_winner(counts) for counts in forms.values()])

    def state(self) -> State:
        """Everything learnt, as arrays."""
        return {
            "names": pack_strings(self._votes),
            "votes": pack_strings(json.dumps(list(each.items())) for each in self._votes.values()),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, NDArray[np.generic]]) -> Self:
        """The inverse of `state`."""
        names, votes = unpack_strings(state["names"]), unpack_strings(state["votes"])
        return cls({name: _counts(each) for name, each in zip(names, votes, strict=True)})


def _counts(votes: str) -> Counter[Identifiers]:
    return Counter({tuple(identifiers): count for identifiers, count in json.loads(votes)})


def _winner(votes: Counter[Identifiers]) -> Identifiers:
    """The most frequent; of equals the first in order, so that training twice gives the same."""
    return min(votes, key=lambda identifiers: (-votes[identifiers], identifiers))
