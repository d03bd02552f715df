"""Reading and cutting the input: whatever stands in a line, it is one document and in its place."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.corpora import canonical, unpack
from app.corpora.documents import Document, Passage
from app.extraction_batches import entries
from app.extraction_batches.cutting import CutRequest, cut, read_pieces
from app.extraction_batches.entries import Entry
from app.extraction_batches.reading import read_jsonl
from app.platform.blobs import Blobs
from app.platform.clock import new_id
from app.platform.lines import iterate

MOST = 50

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "text", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
LINES = st.lists(
    JSON.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=40).map(lambda data: data.replace(b"\n", b""))
    | st.just(b'{"text": "\\ud800"}')
    | st.just(b"[" * 100_000),
    max_size=12,
)


def read(content: bytes) -> list[Entry]:
    return list(read_jsonl(io.BytesIO(content), MOST))


@given(LINES)
def test_every_line_is_one_document(lines: list[bytes]) -> None:
    """Lines that are not blank, each in its place; what was read survives being kept."""
    found = read(b"\n".join(lines))
    first = [lines[0].removeprefix(b"\xef\xbb\xbf"), *lines[1:]] if lines else []
    assert len(found) == sum(bool(line.strip()) for line in first)
    assert [entry.index for entry in found] == list(range(len(found)))
    for entry in found:
        assert (entry.fault is None) == bool(entry.passages)
        line = entries.dumps(entry)
        assert line.count(b"\n") == 1
        assert entries.loads(line) == entry


@given(st.lists(st.tuples(st.none() | st.text(max_size=20), st.text(max_size=MOST))))
def test_texts_and_ids_are_what_was_sent(rows: list[tuple[str | None, str]]) -> None:
    """Whatever characters they are of."""
    content = "".join(json.dumps({"id": id_, "text": text}) + "\n" for id_, text in rows)
    found = [(entry.id, entry.text) for entry in read(content.encode())]
    assert found == [
        (str(index) if id_ is None else id_, text) for index, (id_, text) in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "malformed_json"),
        (b'"\xff"', "bad_utf8"),
        (b"null", "malformed_document"),
        (b"{}", "malformed_document"),
        (b'{"text": null}', "malformed_document"),
        (b'{"text": "x", "id": ["x"]}', "malformed_document"),
        (b'{"text": "x", "id": true}', "malformed_document"),
        (b'{"text": "x", "id": "' + b"x" * 1001 + b'"}', "malformed_document"),
        (b'{"text": "x", "id": "\\udfff"}', "invalid_character"),
        (b'"\\ud800"', "invalid_character"),
        (b'"' + b"x" * 51 + b'"', "text_too_long"),
        (b'"' + b"x" * 100_000 + b'"', "text_too_long"),
    ],
)
def test_faults_have_their_codes(line: bytes, code: str) -> None:
    """And nothing of the line is in the message; the lines around are read."""
    before, found, after = read(b'"a"\n' + line + b'\n"b"')
    assert (before.text, after.text) == ("a", "b")
    assert found.fault is not None
    assert found.fault.code == code
    assert "xxx" not in found.fault.message


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    """Anywhere else it is what it is there."""
    first, second = read(b'\xef\xbb\xbf"a"\n\xef\xbb\xbf"b"\n')
    assert (first.text, first.fault) == ("a", None)
    assert second.fault is not None


def test_a_text_may_be_as_long_as_it_may_however_it_is_escaped() -> None:
    """A code point beyond the first plane takes twelve bytes of JSON."""
    text = "\U0001f600" * 20_000
    (entry,) = read_jsonl(io.BytesIO(json.dumps(text).encode()), 20_000)
    assert entry.text == text


def request(blobs: Blobs, content: bytes | None = None, **changes: Any) -> CutRequest:
    """A batch over an upload."""
    owner, upload = new_id("bat"), None
    if content is not None:
        with blobs.writer(owner) as out:
            out.write(content)
        upload = out.key
    given: dict[str, Any] = {
        "batch_id": owner,
        "upload": upload,
        "splits": [],
        "size": 4,
        "most": 100,
        "max_characters": MOST,
        "limits": unpack.Limits(),
        "blobs": blobs,
    }
    return CutRequest(**given | changes)


def pieces(blobs: Blobs, listed: str) -> list[list[Entry]]:
    """The entries of all shards of a list, which are numbered without a gap."""
    found, first = [], 0
    for position, piece in enumerate(read_pieces(iterate([blobs.fetch(listed)]))):
        shard = list(entries.read(iterate([blobs.fetch(piece.blob)])))
        assert (piece.position, piece.first, piece.documents) == (position, first, len(shard))
        found.append(shard)
        first += len(shard)
    return found


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_shards_are_full_but_the_last(tmp_path: Path, pack: Any) -> None:
    """All texts are in them, in order; done again, the blobs are the same."""
    blobs = Blobs.in_folder(tmp_path)
    content = "".join(f'"text {n}"\n' for n in range(10)).encode()
    asked = request(blobs, pack(content))
    result = cut(asked)
    assert (result.documents, result.fault) == (10, None)
    shards = pieces(blobs, result.listed)
    assert [len(shard) for shard in shards] == [4, 4, 2]
    texts = [entry.text for shard in shards for entry in shard]
    assert texts == [f"text {n}" for n in range(10)]
    assert cut(asked) == result


def test_documents_keep_passages_and_splits(tmp_path: Path) -> None:
    """Their annotations are left out: the model is to find its own."""
    blobs = Blobs.in_folder(tmp_path)
    document = Document("1", (Passage("title", 0, "Aspirin."), Passage("abstract", 9, "Pain.")))
    long = Document("2", (Passage("title", 0, "x" * 51),))
    with blobs.writer(new_id("ds")) as out:
        out.write("".join(canonical.dumps(each) + "\n" for each in (document, long)).encode())
    splits = [("dev", out.key), ("test", out.key)]
    ((first, second, third, fourth),) = pieces(blobs, cut(request(blobs, splits=splits)).listed)
    assert [each.index for each in (first, second, third, fourth)] == [0, 1, 2, 3]
    assert (third.id, third.split, third.passages) == ("1", "test", document.passages)
    assert (first.id, first.split, first.passages) == ("1", "dev", document.passages)
    assert first.text == "Aspirin. Pain."
    assert second.fault is not None
    assert second.fault.code == "text_too_long"


def test_as_many_texts_as_may_be(tmp_path: Path) -> None:
    result = cut(request(Blobs.in_folder(tmp_path), b'"x"\n' * 100))
    assert (result.documents, result.fault) == (100, None)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_documents"),
        (b'"x"\n' * 101, "too_many_documents"),
        (gzip.compress(b'"x"\n' * 90)[:-9], "archive_broken"),
        (b"7z\xbc\xaf\x27\x1c", "archive_unsupported"),
    ],
    ids=["empty", "too many", "broken", "unsupported"],
)
def test_what_no_batch_can_be_made_of(tmp_path: Path, content: bytes, code: str) -> None:
    """It is told by code."""
    result = cut(request(Blobs.in_folder(tmp_path), content))
    assert result.fault is not None
    assert result.fault[0] == code
