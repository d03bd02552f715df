"""The sample corpus is sound, what its README says of it, and fit to show that training helps."""

from pathlib import Path

import pytest

import app.corpora
from app.corpora.documents import Document
from app.corpora.problems import Problem
from app.corpora.pubtator import read

FOLDER = Path(app.corpora.__file__).parent / "sample"


def load(split: str) -> tuple[list[Document], list[Problem]]:
    problems: list[Problem] = []
    with (FOLDER / f"{split}.pubtator.txt").open("rb") as stream:
        return [document for _, document in read(stream, problems.append)], problems


@pytest.mark.parametrize(
    ("split", "counts"),
    [("train", (88, 727, 184)), ("dev", (28, 235, 62))],
)
def test_the_files_have_no_problem_and_the_counts_expected(
    split: str, counts: tuple[int, int, int]
) -> None:
    documents, problems = load(split)
    assert problems == []
    mentions = sum(len(document.mentions) for document in documents)
    relations = sum(len(document.relations) for document in documents)
    assert (len(documents), mentions, relations) == counts
    assert all(len(document.passages) == 2 and document.mentions for document in documents)
    readme = (FOLDER / "README.md").read_text()
    assert f"{len(documents)} for {'training' if split == 'train' else 'measuring'}" in readme


def test_the_hard_kinds_of_annotation_occur_in_both_files() -> None:
    for split in ("train", "dev"):
        mentions = [m for document in load(split)[0] for m in document.mentions]
        assert any(len(mention.identifiers) > 1 and mention.parts for mention in mentions)
        assert any(not mention.identifiers for mention in mentions)
        assert any(mention.text.isupper() for mention in mentions)


def test_the_files_share_no_document_and_half_of_dev_is_new() -> None:
    train, dev = load("train")[0], load("dev")[0]
    ids = [document.id for document in train + dev]
    assert len(set(ids)) == len(ids)
    assert all(90_000_000 < int(id_) < 90_010_000 for id_ in ids)
    seen, asked = (
        {mention.text.lower() for document in documents for mention in document.mentions}
        for documents in (train, dev)
    )
    assert len(asked - seen) > len(asked) / 2
