"""PubTator: what is read, and which line is blamed for what."""

import pytest

from app.corpora.problems import CODES
from tests.corpora.samples import PUBTATOR, SAMPLE, codes, read, written

HEAD = "1|t|Aspirin in rats.\n1|a|A naïve study.\n"


def test_the_format_as_published() -> None:
    """Bare ids are MeSH, others keep their prefix, -1 is none, the seventh column names parts."""
    assert read("pubtator", PUBTATOR.encode()) == ([(None, SAMPLE)], [])
    assert written("pubtator", [("train", SAMPLE)]) == PUBTATOR.encode()


@pytest.mark.parametrize(
    "data",
    [
        PUBTATOR.replace("\n", "\r\n"),
        PUBTATOR.rstrip("\n"),
        "\n\n \n" + PUBTATOR + "\n\n",
        PUBTATOR.replace("D001241", "MESH:D001241"),
        PUBTATOR.replace("D001241", "mesh:D001241"),
        PUBTATOR.replace("\t-1\n", "\n"),
        PUBTATOR.replace("\t-1\n", "\t\n"),
        PUBTATOR.replace("\t-1\n", "\t-\t\n"),
        PUBTATOR.replace("\tDisease", "\tdisease").replace("\tChemical", "\tCHEMICAL"),
        PUBTATOR.replace("\trats\tDisease", "\trats\tSpecificDisease"),
        PUBTATOR.replace("\trats\tDisease", "\trats\tCompositeMention"),
        PUBTATOR.replace("42\tCID", "42\tCID\tD001241\tD051437\n42\tCID"),
    ],
)
def test_variants_mean_the_same(data: str) -> None:
    assert read("pubtator", data.encode()) == ([(None, SAMPLE)], [])


def test_documents_end_at_a_blank_line_or_at_the_next_title() -> None:
    data = "1|t|a\n1|a|b\n2|t|c\n2|a|d\n\n2|t|e\n2|t|f\n2|a|g\n2|a|h\n"
    found, problems = read("pubtator", data.encode())
    texts = [(document.id, document.text) for _, document in found]
    assert texts == [("1", "a b"), ("2", "c d"), ("2", "e"), ("2", "f g"), ("2", "h")]
    assert problems == []


def test_a_byte_order_mark_is_left_out_with_a_warning() -> None:
    found, problems = read("pubtator", b"\xef\xbb\xbf" + PUBTATOR.encode())
    assert found == [(None, SAMPLE)]
    assert codes(problems) == [("byte_order_mark", 1)]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("1\t0\t7\tASPIRIN\tChemical\tD1", "offset_mismatch"),
        ("1\t20\t25\tnaïve\tChemical\tD1", "offset_mismatch"),
        ("1\t7\t7\t\tChemical\tD1", "span_outside_document"),
        ("1\t7\t0\tAspirin\tChemical\tD1", "span_outside_document"),
        ("1\t-7\t-1\tAspirin\tChemical\tD1", "span_outside_document"),
        ("1\t0\t32\tAspirin\tChemical\tD1", "span_outside_document"),
        ("1\t0\t" + "9" * 4000 + "\tAspirin\tChemical\tD1", "span_outside_document"),
        ("1\t0\t" + "9" * 5000 + "\tAspirin\tChemical\tD1", "malformed_line"),
        ("1\t0\tseven\tAspirin\tChemical\tD1", "malformed_line"),
        ("1\t0.0\t7\tAspirin\tChemical\tD1", "malformed_line"),
        ("1\t0\t7\tAspirin\tGene\tD1", "unknown_type"),
        ("1\t0\t7\tAspirin\tChemical\tD 1", "bad_identifier"),
        ("1\t0\t7\tAspirin\tChemical\t" + "D" * 300, "bad_identifier"),
        ("1\tCID\tD1\tD2", "unknown_relation_identifier"),
        ("1\tCID\t-1\tD2", "unknown_relation_identifier"),
        ("1\t\tD1\tD2", "malformed_document"),
        ("1\tCID\tD 1\tD2", "bad_identifier"),
        ("1\t0\t7", "malformed_line"),
        ("1", "malformed_line"),
        ("2\t0\t7\tAspirin\tChemical\tD1", "malformed_line"),
        ("anything else", "malformed_line"),
        ("1\t0\t7\tA\tB\tC\tD\tE", "malformed_line"),
    ],
)
def test_every_bad_line_is_named(line: str, code: str) -> None:
    """And the lines around it are still read."""
    data = HEAD + "1\t19\t24\tnaïve\tDisease\tD9\n" + line + "\n1\t11\t15\trats\tDisease\tD8\n"
    found, problems = read("pubtator", data.encode())
    assert {(problem.code, problem.line) for problem in problems} == {(code, 4)}
    assert [mention.text for mention in found[0][1].mentions] == ["rats", "naïve"]


def test_a_wrong_offset_is_explained_without_text() -> None:
    """Byte offsets are the usual mistake; the message says where the mention really is."""
    _, problems = read("pubtator", (HEAD + "1\t26\t31\tstudy\tDisease\tD1\n").encode())
    assert problems[0].message.endswith("offsets 26-31 of 31 code points, but it is at 25-30")
    assert problems[0].document_id == "1"


def test_a_mention_given_twice_is_read_once() -> None:
    twice = "1\t0\t7\tAspirin\tChemical\tD1\n1\t0\t7\tAspirin\tChemical\tD2\n"
    found, problems = read("pubtator", (HEAD + twice).encode())
    assert codes(problems) == [("duplicate_mention", 4)]
    assert [m.identifiers for m in found[0][1].mentions] == [("MESH:D1", "MESH:D2")]


def test_a_span_may_have_both_types() -> None:
    both = "1\t0\t7\tAspirin\tChemical\tD1\n1\t0\t7\tAspirin\tDisease\tD2\n"
    found, problems = read("pubtator", (HEAD + both).encode())
    assert problems == []
    assert len(found[0][1].mentions) == 2


def test_bytes_that_are_not_utf8_are_named_and_reading_goes_on() -> None:
    data = b"1|t|a\n1|a|caf\xe9 b\n1\t7\t8\tb\tDisease\tD1\n\n2|t|c\n2\t5\t6\tx\tDisease\tD1\n"
    found, problems = read("pubtator", data)
    assert codes(problems) == [("bad_utf8", 2), ("span_outside_document", 6)]
    assert len(found) == 2


@pytest.mark.parametrize("document_id", ["", " ", "x" * 201, "a\x00b"])
def test_an_unusable_id_is_reported_but_not_repeated(document_id: str) -> None:
    _, problems = read("pubtator", f"{document_id}|t|text\n".encode())
    assert codes(problems) == [("bad_document_id", 1)]
    assert problems[0].document_id is None


def test_control_characters_are_refused() -> None:
    """XML cannot write them, nor PostgreSQL store a NUL."""
    _, problems = read("pubtator", b"1|t|a\x00b\n1|a|ok\x0c\n")
    assert codes(problems) == [("invalid_character", 1), ("invalid_character", 2)]


def test_a_line_too_long_is_named_and_skipped() -> None:
    data = b"1|t|" + b"x" * 10_000_000 + b"\n\n2|t|b\n"
    found, problems = read("pubtator", data)
    assert codes(problems) == [("too_large", 1)]
    assert [document.id for _, document in found] == ["2"]


def test_a_document_without_end_is_not_collected_for_ever() -> None:
    line = b"1\t0\t7\tAspirin\tChemical\t" + b"D" * 190
    data = HEAD.encode() + b"".join(line + b"%d\n" % n for n in range(20_000)) + b"\n2|t|b\n"
    found, problems = read("pubtator", data)
    assert [problem.code for problem in problems].count("too_large") == 1
    assert len(problems) < 12_000
    assert len(found[0][1].mentions[0].identifiers) == 50
    assert found[1][1].id == "2"


def test_right_to_left_and_combining_characters_count_as_code_points() -> None:
    title = "e\u0301 \u05d0\u05d1 😀 x"
    data = f"1|t|{title}\n1\t3\t5\t\u05d0\u05d1\tDisease\tD1\n1\t8\t9\tx\tChemical\tD2\n"
    found, problems = read("pubtator", data.encode())
    assert problems == []
    assert len(found[0][1].mentions) == 2


def test_no_message_holds_text_of_the_document() -> None:
    """Text may be patient data; problems are stored and shown."""
    data = PUBTATOR.replace("aspirin", "secretum").replace("rats", "arcana")
    data += "42\t1\t2\tarcanum\tarcana\nsecretum arcanum\narcana|t|\x00secretum\n"
    _, problems = read("pubtator", data.encode())
    shown = " ".join(problem.message + problem.hint for problem in problems)
    assert len(problems) > 4
    assert "secretum" not in shown
    assert "arcan" not in shown


def test_problems_carry_severity_and_hint_of_their_code() -> None:
    _, problems = read("pubtator", (HEAD + "1\t0\t7\tA\tGene\tD1\n1\tCID\tD1\tD2\n").encode())
    assert [problem.severity for problem in problems] == ["error", "warning", "warning"]
    assert problems[0].hint == CODES["unknown_type"].hint
