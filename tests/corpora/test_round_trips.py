"""Out and in again: what was written in any format is read back as it was."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from app.corpora.canonical import dumps, loads
from app.corpora.documents import Document
from app.corpora.formats import FORMATS
from app.corpora.validation import Validator
from tests.corpora.samples import Pairs, pairs, read, written

FILES = {
    "pubtator": ["train.pubtator.txt", "dev.pubtator.txt"],
    "bioc_xml": ["train.bioc.xml", "dev.bioc.xml"],
    "bigbio_json": ["bc5cdr.json"],
}
_WARNINGS = {"unknown_relation_identifier"}


@pytest.fixture(scope="module")
def imported(corpus: Path) -> dict[str, Pairs]:
    """The whole corpus, read from each format it comes in, without a single problem."""
    found: dict[str, Pairs] = {}
    for format_, names in FILES.items():
        found[format_] = []
        for name in names:
            documents, problems = read(format_, (corpus / name).read_bytes())
            assert problems == []
            found[format_] += documents
    return found


@pytest.mark.parametrize("source", FILES)
@pytest.mark.parametrize("target", FORMATS)
def test_the_whole_corpus_survives_export_and_import(
    imported: dict[str, Pairs], source: str, target: str
) -> None:
    before = imported[source]
    after, problems = read(target, written(target, before))
    assert problems == []
    assert after == (_without_splits(before) if target == "pubtator" else before)


def test_pubtator_is_written_as_it_was_published(corpus: Path) -> None:
    """Byte for byte, but for the tab that some published lines end with."""
    for name in FILES["pubtator"]:
        data = (corpus / name).read_bytes()
        documents, _ = read("pubtator", data)
        lines = written("pubtator", documents).splitlines()
        assert lines == [
            line.removesuffix(b"\t").replace(b"|-1", b"") for line in data.splitlines()
        ]


def test_every_format_of_the_corpus_says_the_same(imported: dict[str, Pairs]) -> None:
    """Only PubTator names the parts of composite mentions, only BigBio the splits."""
    expected = [_without_parts(document) for _, document in imported["pubtator"]]
    assert [document for _, document in imported["bioc_xml"]] == expected
    assert [document for _, document in imported["bigbio_json"]] == expected
    assert Counter(split for split, _ in imported["bigbio_json"]) == {"train": 500, "dev": 500}


def test_the_corpus_is_what_it_is_said_to_be(imported: dict[str, Pairs]) -> None:
    """Counts as published: Li et al. 2016, table 1, training and development set."""
    documents = [document for _, document in imported["pubtator"]]
    types = Counter(mention.type for document in documents for mention in document.mentions)
    assert len(documents) == 1000
    assert types == {"Chemical": 5203 + 5347, "Disease": 4182 + 4244}
    assert sum(len(document.relations) for document in documents) == 1038 + 1012
    assert all(loads(dumps(document)) == document for document in documents)


def test_the_corpus_is_valid(imported: dict[str, Pairs]) -> None:
    validator = Validator()
    problems = [p for pair in imported["bigbio_json"] for p in validator.check(*pair)]
    assert [*problems, *validator.finish()] == []


@pytest.mark.parametrize("format_", ["bioc_xml", "bioc_json"])
@settings(max_examples=50)
@given(before=pairs())
def test_any_document_survives_bioc(format_: str, before: Pairs) -> None:
    after, problems = read(format_, written(format_, before))
    assert after == before
    assert {problem.code for problem in problems} <= _WARNINGS


@settings(max_examples=50)
@given(before=pairs())
def test_any_document_with_a_passage_survives_bigbio(before: Pairs) -> None:
    """The source schema has the id in the passages, so without one there is nothing to read."""
    before = [(split, document) for split, document in before if document.passages]
    after, problems = read("bigbio_json", written("bigbio_json", before))
    assert after == before
    assert {problem.code for problem in problems} <= _WARNINGS


@settings(max_examples=50)
@given(before=pairs(lines_only=True))
def test_title_and_abstract_survive_pubtator(before: Pairs) -> None:
    after, problems = read("pubtator", written("pubtator", before))
    assert after == _without_splits(before)
    assert {problem.code for problem in problems} <= _WARNINGS


@settings(max_examples=50)
@given(before=pairs())
def test_pubtator_keeps_offsets_of_what_it_cannot_hold(before: Pairs) -> None:
    """Line breaks become spaces and passages are joined; every mention stays where it was."""
    after, problems = read("pubtator", written("pubtator", before))
    assert {problem.code for problem in problems} <= _WARNINGS
    assert len(after) == len(before)
    for (_, one), (_, other) in zip(before, after, strict=True):
        assert [(m.start, m.end, m.identifiers) for m in one.mentions] == [
            (m.start, m.end, m.identifiers) for m in other.mentions
        ]
        assert one.text.translate({9: 32, 10: 32, 13: 32}) == other.text
        assert one.relations == other.relations


def _without_splits(found: Pairs) -> Pairs:
    return [(None, document) for _, document in found]


def _without_parts(document: Document) -> Document:
    return replace(document, mentions=tuple(replace(m, parts=()) for m in document.mentions))
