"""Files that are broken or mean harm are refused with a code and a line, and nothing of theirs."""

import gzip
import io
import traceback
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.corpora import unpack
from app.corpora.streams import MAX_DOCUMENT_BYTES
from app.terminology.concepts import Concept, VocabularyError
from app.terminology.formats import HEAD, VocabularyFormat, detect, read
from app.terminology.lines import MAX_LINE_BYTES
from tests.terminology import samples

SECRET = "zorvexin"
BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE DescriptorRecordSet [
<!ENTITY a "zorvexin zorvexin"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
]>
<DescriptorRecordSet>&b;</DescriptorRecordSet>"""
DESCRIPTORS, SUPPLEMENTARY = (
    VocabularyFormat.MESH_DESCRIPTORS,
    VocabularyFormat.MESH_SUPPLEMENTARY,
)
CHEMICALS, PLAIN = VocabularyFormat.CTD_CHEMICALS, VocabularyFormat.PLAIN


def concepts(stream: BinaryIO, format_: VocabularyFormat) -> list[Concept]:
    """All concepts of a file."""
    return list(read(stream, format_, "Chemical"))


class Endless(io.RawIOBase):
    """Begins as given and goes on for ever, until 100 MB; it remembers how much was read."""

    def __init__(self, head: bytes, filler: bytes) -> None:
        self._head = io.BytesIO(head)
        self._filler = filler
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        times = len(buffer) // len(self._filler)
        data = self._head.read(len(buffer)) or self._filler * times
        assert self.given < 100 * 2**20, "nobody stops reading"
        buffer[: len(data)] = data
        self.given += len(data)
        return len(data)


def mesh(change: Callable[[bytes], bytes]) -> bytes:
    """The descriptors with a change that does something."""
    changed = change(samples.MESH_DESCRIPTORS)
    assert changed != samples.MESH_DESCRIPTORS
    return changed


@pytest.mark.parametrize(
    ("content", "format_", "code", "line"),
    [
        (BOMB, DESCRIPTORS, "entity_declaration", 3),
        (
            mesh(lambda xml: xml.replace(b"&amp;", b"&zorvexin;", 1)),
            DESCRIPTORS,
            "entity_declaration",
            30,
        ),
        (
            b'<!DOCTYPE DescriptorRecordSet [<!ENTITY zorvexin SYSTEM "file:///etc/passwd">]>'
            b"<DescriptorRecordSet>&zorvexin;</DescriptorRecordSet>",
            DESCRIPTORS,
            "entity_declaration",
            1,
        ),
        (
            b'<!DOCTYPE DescriptorRecordSet [<!ENTITY % z SYSTEM "file:///etc/passwd"> %z;]>'
            b"<DescriptorRecordSet/>",
            DESCRIPTORS,
            "entity_declaration",
            1,
        ),
        (b"", DESCRIPTORS, "truncated_xml", 1),
        (samples.MESH_DESCRIPTORS[:3000], DESCRIPTORS, "truncated_xml", 72),
        (mesh(lambda xml: xml.replace(b"</TermList>", b"", 1)), DESCRIPTORS, "malformed_xml", 43),
        (mesh(lambda xml: xml.replace(b"\xc3", b"", 1)), DESCRIPTORS, "malformed_xml", 51),
        (
            mesh(lambda xml: xml.replace(b'"1.0"', b'"1.0" encoding="zorvexin"')),
            DESCRIPTORS,
            "bad_encoding",
            1,
        ),
        (samples.MESH_SUPPLEMENTARY, DESCRIPTORS, "wrong_format", 3),
        (samples.MESH_DESCRIPTORS, SUPPLEMENTARY, "wrong_format", 3),
        (
            mesh(lambda xml: xml.replace(b"<DescriptorUI>D900001", b"<DescriptorUI>zorvexin")),
            DESCRIPTORS,
            "bad_identifier",
            4,
        ),
        (
            mesh(
                lambda xml: xml.replace(
                    b"<DescriptorUI>D900003</DescriptorUI>\n"
                    b"  <DescriptorName><String>Melancholic Dread",
                    b"<DescriptorUI>D900003</DescriptorUI>\n  <DescriptorName><String> ",
                )
            ),
            DESCRIPTORS,
            "no_name",
            67,
        ),
        (b"Zorvexin\tMESH:D900002\n", CHEMICALS, "bad_columns", 1),
        (samples.CTD_DISEASES, CHEMICALS, "bad_columns", 8),
        (samples.CTD_CHEMICALS + b"zorvexin\n", CHEMICALS, "bad_columns", 10),
        (samples.CTD_CHEMICALS + b"zorvexin\tMESH:1" + b"\t" * 9, CHEMICALS, "bad_columns", 10),
        (samples.CTD_CHEMICALS + b"zorvexin\t\n", CHEMICALS, "bad_identifier", 10),
        (b"D1\tzorvexin\nzorvexin\n", PLAIN, "bad_columns", 2),
        (b"D1\tzorvexin\tmore\n", PLAIN, "bad_columns", 1),
        (b"zorvexin\tzorvexin\n", PLAIN, "bad_identifier", 1),
        (b"-1\tzorvexin\n", PLAIN, "bad_identifier", 1),
        (b"C0027051\tzorvexin\n", PLAIN, "bad_identifier", 1),
        (b"MESH:D1|MESH:D2\tzorvexin\n", PLAIN, "bad_identifier", 1),
        (b"MESH:D 1\tzorvexin\n", PLAIN, "bad_identifier", 1),
        (b"D1\t | \n", PLAIN, "no_name", 1),
        (b"D1\t" + b"|".join(b"%d" % n for n in range(5_001)), PLAIN, "too_many_names", 1),
        (b"D1\tzorvexin\nD2\tzorvexin \xff\n", PLAIN, "bad_utf8", 2),
        (b"D1\tzor\0vexin\n", PLAIN, "invalid_character", 1),
        (gzip.compress(samples.PLAIN), PLAIN, "invalid_character", 1),
    ],
)
def test_refuses_what_is_broken(
    content: bytes, format_: VocabularyFormat, code: str, line: int
) -> None:
    """With the line it was found in; the message and the traceback hold nothing that was read."""
    with pytest.raises(VocabularyError) as caught:
        concepts(io.BytesIO(content), format_)
    assert (caught.value.code, caught.value.line) == (code, line)
    assert SECRET not in "".join(traceback.format_exception_only(caught.value)).lower()
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("head", "filler", "format_", "code", "most"),
    [
        (b"D1\t", b"a", PLAIN, "line_too_long", MAX_LINE_BYTES),
        (b"#", b" ", CHEMICALS, "line_too_long", MAX_LINE_BYTES),
        (b"<DescriptorRecordSet>", b"a", DESCRIPTORS, "record_too_long", MAX_DOCUMENT_BYTES),
        (b"<DescriptorRecordSet ", b"a", DESCRIPTORS, "record_too_long", MAX_DOCUMENT_BYTES),
        (b"<DescriptorRecordSet>", b"<a/>", DESCRIPTORS, "record_too_long", MAX_DOCUMENT_BYTES),
        (b"<DescriptorRecordSet>", b"<a>", DESCRIPTORS, "nested_too_deeply", 0),
        (
            b"<SupplementalRecordSet><SupplementalRecord><SupplementalRecordUI>",
            b"C",
            SUPPLEMENTARY,
            "record_too_long",
            MAX_DOCUMENT_BYTES,
        ),
    ],
)
def test_stops_reading_what_never_ends(
    head: bytes, filler: bytes, format_: VocabularyFormat, code: str, most: int
) -> None:
    """A line or a record of 100 MB is refused after a small part of it."""
    endless = Endless(head, filler)
    with pytest.raises(VocabularyError) as caught:
        concepts(io.BufferedReader(endless), format_)
    assert caught.value.code == code
    assert endless.given < most + 2**18


def test_takes_the_same_memory_however_long_the_file() -> None:
    """50,000 records one after another: no more is held than a chunk of the file."""
    record = samples.MESH_SUPPLEMENTARY.split(b"</SupplementalRecord>\n")[1]
    body = record + b"</SupplementalRecord>\n"
    head = b"<SupplementalRecordSet>"

    def peak(records: int) -> int:
        content = io.BytesIO(head + body * records + b"</SupplementalRecordSet>")
        tracemalloc.start()
        assert sum(1 for _ in read(content, SUPPLEMENTARY, None)) == records
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(4000) < 1.5 * peak(1000)


def test_an_archive_is_unpacked_and_a_cut_one_refused(tmp_path: Path) -> None:
    """Together with `app.corpora.unpack`, whose error passes through the reader."""
    path = tmp_path / "upload"
    rows = "".join(f"C{number}\tname {number**7}\n" for number in range(20_000)).encode()
    packed = gzip.compress(rows)
    for content, whole in ((packed, True), (packed[:-1000], False)):
        path.write_bytes(content)
        for _, stream in unpack.members(path, "names.tsv.gz"):
            assert isinstance(stream, io.BufferedReader)
            assert detect(stream.peek(HEAD), "names.tsv") == PLAIN
            found = read(stream, PLAIN, "Disease")
            if whole:
                assert sum(1 for _ in found) == 20_000
                continue
            with pytest.raises(unpack.UnpackError):
                list(found)


@settings(deadline=None, max_examples=150)
@given(st.data(), st.sampled_from(list(VocabularyFormat)))
def test_damage_leads_to_concepts_or_to_an_error(data: st.DataObject, kind: str) -> None:
    """Whatever bytes are changed: no other exception, and every concept has what it needs."""
    files = {
        DESCRIPTORS: samples.MESH_DESCRIPTORS,
        SUPPLEMENTARY: samples.MESH_SUPPLEMENTARY,
        CHEMICALS: samples.CTD_CHEMICALS,
        VocabularyFormat.CTD_DISEASES: samples.CTD_DISEASES,
        PLAIN: samples.PLAIN,
    }
    format_ = VocabularyFormat(kind)
    content = bytearray(files[format_])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    detect(bytes(content), "x")
    try:
        found = concepts(io.BytesIO(content), format_)
    except VocabularyError:
        return
    for concept in found:
        assert ":" in concept.identifier
        assert concept.type is None or concept.names
        assert all(name.strip() for name in concept.names)
