"""Each document is tagged by a tagger that has not seen it, and by no other."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.backends.base import FoundMention
from app.backends.local.held_out import train_with_held_out
from app.backends.local.stages import Options, Report
from app.backends.local.training import Fit
from app.corpora.documents import Document
from tests.backends.local.small_corpus import small_corpus

QUICK = Options(Fit(iterations=15))


def silent(_stage: str, _step: int, _steps: int, _metrics: dict[str, float]) -> None:
    pass


def held_out(
    documents: Sequence[Document], folds: int, report: Report = silent
) -> list[list[FoundMention]]:
    """What is found in each document by a tagger without it."""
    return train_with_held_out(documents, replace(QUICK, folds=folds), report)[1]


def test_mentions_are_found_in_documents_of_other_folds() -> None:
    documents = small_corpus()
    found = held_out(documents, 3)
    right = 0
    for each, mentions in zip(documents, found, strict=True):
        gold = {(m.start, m.end, m.type) for m in each.mentions}
        right += len(gold & {(m.start, m.end, m.type) for m in mentions})
        assert all(m.score is not None and 0 <= m.score <= 1 for m in mentions)
    assert right > 0.7 * sum(len(each.mentions) for each in documents)


def test_the_annotations_of_a_document_do_not_change_what_is_found_in_it() -> None:
    documents = small_corpus()
    blank = [replace(documents[0], mentions=()), *documents[1:]]
    assert held_out(blank, 3)[0] == held_out(documents, 3)[0]


@pytest.mark.parametrize(("count", "folds"), [(0, 3), (1, 3), (3, 1)])
def test_without_two_folds_nothing_is_found(count: int, folds: int) -> None:
    assert held_out(small_corpus()[:count], folds) == [[]] * count


def test_there_are_never_more_folds_than_documents_and_each_is_reported() -> None:
    stages: list[str] = []
    held_out(small_corpus()[:2], 5, lambda stage, *_: stages.append(stage))
    assert list(dict.fromkeys(stages)) == ["fold 1", "fold 2", "train"]
