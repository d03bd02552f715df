"""What taggers say of documents they have not seen: to calibrate scores, and to learn from.

A tagger is surer of what it was trained on than it will ever be again. Whatever learns from its
answers (how far to trust a score, the linker's thresholds, relations) must be shown honest ones.
"""

from collections.abc import Sequence

from app.backends.base import FoundMention
from app.backends.local.stages import Held, Options, Report, cross_fit, train_first, train_second
from app.backends.local.tagger import Tagger, mentions
from app.corpora.documents import Document


def train_with_held_out(
    documents: Sequence[Document], options: Options, report: Report
) -> tuple[Tagger, list[list[FoundMention]]]:
    """The tagger of the documents, and the mentions that one without it finds in each of them.

    The folds are those that the tagger's second pass learns from: this takes little longer than
    `Tagger.train`. There are at most as many as documents; of fewer than two nothing is found.
    """
    held = cross_fit(documents, options, report)
    tagger = Tagger(train_first(documents, options, report), train_second(held))
    return tagger, _held_mentions(len(documents), held)


def _held_mentions(count: int, held: Sequence[Held]) -> list[list[FoundMention]]:
    """What is found in each fold with the second pass of the others."""
    found: list[list[FoundMention]] = [[] for _ in range(count)]
    for each in held:
        second = train_second([other for other in held if other is not each])
        tagged = mentions(each.readings, each.found, second)
        for number, answer in zip(each.numbers, tagged, strict=True):
            found[number] = answer
    return found
