"""The canonical line of a document."""

import pytest
from hypothesis import given

from app.corpora.canonical import dumps, loads
from app.corpora.documents import Document, Passage
from tests.corpora.samples import SAMPLE, documents


@given(documents())
def test_a_line_holds_all_of_the_document(document: Document) -> None:
    line = dumps(document)
    assert "\n" not in line
    assert loads(line) == document == loads(line.encode())


@given(documents())
def test_the_same_document_gives_the_same_bytes(document: Document) -> None:
    assert dumps(loads(dumps(document))) == dumps(document)


def test_the_bytes_never_change_between_releases() -> None:
    """Hashes of lines are stored, so the form of a line is a promise."""
    assert dumps(SAMPLE) == (
        '{"i":"42","m":[[8,15,"aspirin","Chemical",["MESH:D001241"],[]],'
        '[27,52,"renal and hepatic failure","Disease",["MESH:D051437","OMIM:1"],'
        '["renal failure","hepatic failure"]],[62,66,"rats","Disease",[],[]]],'
        '"p":[["title",0,"Dose of aspirin."],'
        '["abstract",17,"It caused renal and hepatic failure in naïve rats."]],'
        '"r":[["MESH:D001241","MESH:D051437","CID"]]}'
    )
    assert dumps(Document("1", (Passage("title", 0, ""),))) == '{"i":"1","p":[["title",0,""]]}'


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", "1", "null", '{"i":"1"}', '{"i":"1","p":[[1]]}', '{"i":"1","p":5}']
)
def test_anything_else_is_a_value_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(line)
