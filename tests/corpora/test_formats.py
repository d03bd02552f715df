"""Which format a file is in."""

import json

import pytest

from app.corpora.formats import FORMATS, HEAD, Format, detect
from tests.corpora.samples import SAMPLE, written

ROW = {"prompt": 'Of "infons": and "document_id":', "completion": "- a"}
CHAT = {"messages": [{"role": "User", "content": '"entities": 5'}]}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b" \r\n\t", b"\xef\xbb\xbf\n"])
def test_every_format_is_known_by_its_content(name: str, before: bytes) -> None:
    data = before + written(name, [("train", SAMPLE)])
    assert detect(data[:HEAD], "upload") == name
    assert detect(data[:HEAD], "misleading.xml") == name


@pytest.mark.parametrize("row", [ROW, CHAT, {"completion": "", "prompt": ""}])
def test_prompt_and_chat_rows_are_told_from_documents(row: dict[str, object]) -> None:
    """Even if their text speaks of the names by which the others are known."""
    assert detect(json.dumps(row).encode()) == "jsonl"
    assert detect(json.dumps([row], indent=2).encode()) == "jsonl"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"{'id': 1}", None),
        (b'{"id": 1, "passages": [{"offset": 0, "infons": {}}]}', "bioc_json"),
        (b'{"annotations": [], "id": "1", "infons"  : {}}', "bioc_json"),
        (b'{"PubTator3": [{"_id": 1}]}', "bioc_json"),
        (b'[{"id": "0", "document_id": "1", "passages": []}]', "bigbio_json"),
        (b'[{"passages": [{"entities": []}], "dataset_type": "x"}]', "bigbio_json"),
        (b"<?xml version='1.0'?><collection/>", "bioc_xml"),
        (b"227508|t|Naloxone", "pubtator"),
        (b"227508|a|Naloxone", "pubtator"),
        (b"PMC1-2|t|", "pubtator"),
        (b"prompt,completion\r\nx,y", "csv"),
        (b'\xef\xbb\xbf"Completion";id;"Prompt"\n', "csv"),
        (b"prompt\tcompletion", "csv"),
        (b"prompts,completion\n", None),
        (b"a|b|c", None),
        (b"[1, 2]", None),
        (b"\x00\xff", None),
        (b"", None),
    ],
)
def test_content(data: bytes, expected: str | None) -> None:
    assert detect(data) == expected


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("a.pubtator", "pubtator"),
        ("A.PubTator.TXT", "pubtator"),
        ("a.xml", "bioc_xml"),
        ("a.jsonl", "jsonl"),
        ("a.csv", "csv"),
        ("a.json", None),
        ("a.txt", None),
    ],
)
def test_the_name_counts_only_if_the_content_says_nothing(
    filename: str, expected: str | None
) -> None:
    assert detect(b"", filename) == expected


def test_the_table_is_extended_by_merging() -> None:
    pubtator = FORMATS["pubtator"]
    other = Format("jsonl", "Rows", "application/jsonl", ".jsonl", pubtator.read, None)
    assert list(FORMATS | {"jsonl": other}) == [*FORMATS, "jsonl"]
    assert all(name == format_.name for name, format_ in FORMATS.items())
