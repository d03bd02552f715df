"""What only several documents together can have wrong."""

from app.corpora.documents import Document, Passage
from app.corpora.validation import Validator


def document(id_: str, text: str = "") -> Document:
    return Document(id_, (Passage("title", 0, text or f"text of {id_}"),))


def check(*pairs: tuple[str | None, Document]) -> list[tuple[str, str | None]]:
    validator = Validator()
    found = [p for split, one in pairs for p in validator.check(split, one)]
    return [(p.code, p.document_id) for p in [*found, *validator.finish()]]


def test_different_documents_are_fine() -> None:
    assert check(("train", document("1")), ("dev", document("2")), (None, document("3"))) == []


def test_no_document_at_all_is_an_error() -> None:
    assert check() == [("no_documents", None)]


def test_the_same_id_in_one_split() -> None:
    pairs = [("train", document("1", text)) for text in "abb"]
    assert check(*pairs) == [("duplicate_document", "1")] * 2


def test_the_same_id_in_two_splits() -> None:
    """The published BC5CDR training file holds the development set too: scores would be a lie."""
    train, dev = document("1"), document("1")
    assert check(("train", train), ("dev", dev)) == [("document_in_two_splits", "1")]
    assert check((None, train), ("dev", dev)) == [("document_in_two_splits", "1")]


def test_the_same_text_under_another_id_names_the_other() -> None:
    validator = Validator()
    list(validator.check("train", document("1", "same")))
    (found,) = validator.check("dev", document("2", "same"), line=7)
    assert (found.code, found.severity, found.line) == ("same_text", "warning", 7)
    assert found.message.endswith("document 1")


def test_a_document_without_text() -> None:
    blank = Document("2", (Passage("title", 0, " "), Passage("abstract", 2, "\n")))
    assert check((None, Document("1", ())), (None, blank)) == [
        ("empty_text", "1"),
        ("empty_text", "2"),
    ]


def test_documents_whose_id_was_unusable_are_no_duplicates() -> None:
    """The reader has reported them; one problem each is enough."""
    assert check(("train", document("", "a")), ("dev", document("", "a"))) == []
