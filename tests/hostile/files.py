"""Uploads and bodies that are meant to do harm, each with how it may be answered.

Large ones are made when asked for.
"""

import gzip
import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.hostile.quine import quine

PUBTATOR = b"1|t|Dose of aspirin.\n1|a|It helped.\n1\t8\t15\taspirin\tChemical\tD001241\n\n"
MIB = 1 << 20


class Hostile(NamedTuple):
    """A file said to be of a format (None: guessed), and codes of which its report must have one.

    Without codes it is a file like any other, however it looks; `refused` are those of a 422.
    """

    content: Callable[[], bytes]
    codes: frozenset[str] = frozenset()
    format: str | None = None


def zipped(*members: tuple[str, bytes], **changes: Any) -> bytes:
    """A zip of these members; `changes` are of each one's entry."""
    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of names given twice
        for name, content in members:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            for field, value in changes.items():
                setattr(entry, field, value)
            archive.writestr(entry, content)
    return out.getvalue()


def _flagged(archive: bytes) -> bytes:
    """Said to be encrypted."""
    data = bytearray(archive)
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def _wrong_crc(archive: bytes) -> bytes:
    data = bytearray(archive)
    at = data.index(b"PK\x01\x02") + 16
    data[at : at + 4] = data[14:18] = struct.pack("<I", 1)
    return bytes(data)


def _overlapping() -> bytes:
    """200 entries of one and the same megabyte of zeros."""
    data = zipped(("a.txt", bytes(MIB)))
    begin = data.index(b"PK\x01\x02")
    entry = data[begin : data.index(b"PK\x05\x06")]
    listed = b"".join(entry.replace(b"a.txt", b"%05d" % n) for n in range(200))
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 200, 200, len(listed), begin, 0)
    return data[:begin] + listed + end


def _crowded() -> bytes:
    """A list of a million members, none of which is there."""
    entry = zipped(("a", b""))
    begin = entry.index(b"PK\x01\x02")
    listed = entry[begin : entry.index(b"PK\x05\x06")] * 1_000_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, len(listed), begin, 0)
    return entry[:begin] + listed + end


def _mention(start: str, end: str, format_: str) -> bytes:
    if format_ == "pubtator":
        return f"1|t|Dose of aspirin.\n1\t{start}\t{end}\taspirin\tChemical\t-1\n\n".encode()
    return (
        '[{"passages":[{"document_id":"1","type":"title","text":"Dose of aspirin.","entities":'
        f'[{{"id":"1","offsets":[[{start},{end}]],"text":["aspirin"],"type":"Chemical",'
        '"normalized":[]}],"relations":[]}]}]'
    ).encode()


def _xml(head: str, text: str) -> Callable[[], bytes]:
    body = (
        "<collection><document><id>1</id><passage><infon key='type'>title</infon>"
        f"<offset>0</offset><text>{text}</text></passage></document></collection>"
    )
    return lambda: f"<?xml version='1.0'?>{head}{body}".encode()


def _doctype(inside: str) -> str:
    return f"<!DOCTYPE collection [{inside}]>"


_BOMB = '<!ENTITY a "ha">' + "".join(
    f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
_ENTITY = frozenset({"entity_declaration"})
_BAD_ARCHIVE = frozenset({"archive_broken"})
_TOO_MUCH = frozenset({"archive_ratio", "archive_too_large"})
_OUTSIDE = frozenset({"span_outside_document", "offset_mismatch", "malformed_line"})
_OUTSIDE |= {"malformed_document", "malformed_json"}
_DEEP = frozenset({"nested_too_deeply"})

TEXT = "Dose of aspirin."
FILES: dict[str, Hostile] = {
    "random bytes": Hostile(lambda: bytes(range(256)) * 64, frozenset({"bad_utf8"}), "pubtator"),
    "a line of 100 MB": Hostile(
        lambda: b"1|t|" + b"a" * 100 * MIB, frozenset({"too_large"}), "pubtator"
    ),
    "a string of 100 MB": Hostile(
        lambda: b'[{"document_id":"' + b"a" * 100 * MIB, frozenset({"too_large"}), "bigbio_json"
    ),
    "an element of 100 MB": Hostile(
        lambda: b"<collection><document><id>" + b"a" * 100 * MIB,
        frozenset({"too_large", "malformed_xml"}),
        "bioc_xml",
    ),
    "a row of 100 MB": Hostile(
        lambda: b'{"prompt":"' + b"a" * 100 * MIB, frozenset({"too_large"}), "jsonl"
    ),
    "a field of 100 MB": Hostile(
        lambda: b'prompt,completion\n"' + b"a" * 100 * MIB, frozenset({"too_large"}), "csv"
    ),
    "deep JSON": Hostile(lambda: b"[" * MIB, _DEEP, "bioc_json"),
    "deep JSON inside": Hostile(
        lambda: b'[{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}]", _DEEP, "bigbio_json"
    ),
    "deep XML": Hostile(
        lambda: b"<collection>" + b"<a>" * 300_000,
        _DEEP,
        "bioc_xml",
    ),
    "an entity bomb": Hostile(_xml(_doctype(_BOMB), "&i;"), _ENTITY),
    "an external entity": Hostile(
        _xml(_doctype('<!ENTITY x SYSTEM "file:///etc/passwd">'), "&x;"), _ENTITY
    ),
    "a parameter entity": Hostile(
        _xml(_doctype('<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;'), "a"), _ENTITY
    ),
    "an XInclude": Hostile(
        _xml("", '<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="/etc/passwd"/>'),
        frozenset({"empty_text"}),
    ),
    "a zip in a zip": Hostile(
        lambda: zipped(("a.zip", zipped(("a.txt", PUBTATOR)))), frozenset({"archive_nested"})
    ),
    "a gzip in a gzip": Hostile(
        lambda: gzip.compress(gzip.compress(PUBTATOR)), frozenset({"archive_nested"})
    ),
    "a gzip in a zip": Hostile(
        lambda: zipped(("a.gz", gzip.compress(PUBTATOR))), frozenset({"archive_nested"})
    ),
    "a zip in a gzip": Hostile(
        lambda: gzip.compress(zipped(("a.txt", PUBTATOR))), frozenset({"archive_nested"})
    ),
    "a gzip quine": Hostile(quine, frozenset({"archive_nested"})),
    "a gzip quine in a zip": Hostile(
        lambda: zipped(("a.txt", PUBTATOR), ("b.gz", quine())), frozenset({"archive_nested"})
    ),
    "a zip bomb": Hostile(lambda: zipped(("a.txt", bytes(64 * MIB))), _TOO_MUCH, "pubtator"),
    "a gzip bomb": Hostile(lambda: gzip.compress(bytes(100 * MIB)), _TOO_MUCH, "pubtator"),
    "members that overlap": Hostile(_overlapping, _TOO_MUCH | _BAD_ARCHIVE, "pubtator"),
    "a million members": Hostile(_crowded, frozenset({"archive_too_many_files"}) | _BAD_ARCHIVE),
    "2,000 members": Hostile(
        lambda: zipped(*[(str(n), b"") for n in range(2_000)]),
        frozenset({"archive_too_many_files"}),
    ),
    "an encrypted zip": Hostile(
        lambda: _flagged(zipped(("a.txt", PUBTATOR))), frozenset({"archive_encrypted"})
    ),
    "a wrong CRC": Hostile(
        lambda: _wrong_crc(zipped(("a.txt", PUBTATOR))), _BAD_ARCHIVE, "pubtator"
    ),
    # Nothing is written by its name, so that no name does harm.
    "names that lead away": Hostile(lambda: zipped(("../../etc/a.txt", PUBTATOR))),
    "an absolute name": Hostile(lambda: zipped(("/etc/cron.d/a.txt", PUBTATOR))),
    "a symbolic link": Hostile(
        lambda: zipped(("a.txt", b"/etc/passwd"), external_attr=0o120777 << 16),
        frozenset({"malformed_line"}),
        "pubtator",
    ),
    "a gzip of two members": Hostile(lambda: gzip.compress(PUBTATOR) + gzip.compress(b"\n")),
    "a cut gzip": Hostile(lambda: gzip.compress(PUBTATOR)[:-9], _BAD_ARCHIVE, "pubtator"),
    "a raw half of a surrogate pair": Hostile(
        lambda: b"1|t|\xed\xa0\x80\n\n", frozenset({"bad_utf8"})
    ),
    "an escaped half of a surrogate pair": Hostile(
        lambda: _mention("8", "15", "bigbio_json").replace(b"Dose", b"\\ud800ose"),
        frozenset({"invalid_character"}),
    ),
    "a NUL": Hostile(lambda: PUBTATOR.replace(b"Dose", b"D\0se"), frozenset({"invalid_character"})),
    "bidirectional controls": Hostile(
        lambda: "1|t|\u202eDose\u202c of \u2066aspirin\u2069.\n\n".encode()
    ),
    "10,000 combining characters": Hostile(lambda: ("1|t|e" + "\u0301" * 10_000 + "\n\n").encode()),
    "a byte order mark": Hostile(lambda: b"\xef\xbb\xbf" + PUBTATOR),
    "UTF-16": Hostile(
        lambda: PUBTATOR.decode().encode("utf-16"), frozenset({"bad_utf8"}), "pubtator"
    ),
    "latin-1": Hostile(lambda: "1|t|naïve\n\n".encode("latin-1"), frozenset({"bad_utf8"})),
    "CRLF": Hostile(lambda: PUBTATOR.replace(b"\n", b"\r\n")),
    # No end of a line, in files of lines.
    "U+2028": Hostile(lambda: "1|t|Dose\u2028of aspirin.\n\n".encode()),
    "a key given twice": Hostile(
        lambda: _mention("8", "15", "bigbio_json").replace(b'"id"', b'"id":"0","id"')
    ),
    "NaN as an offset": Hostile(lambda: _mention("NaN", "15", "bigbio_json"), _OUTSIDE),
    "an endless number": Hostile(lambda: _mention("8", "Infinity", "bigbio_json"), _OUTSIDE),
    **{
        f"offsets {start} to {end[:20]}, {format_}": Hostile(
            lambda start=start, end=end, format_=format_: _mention(start, end, format_),  # type: ignore[misc]
            _OUTSIDE,
        )
        for format_ in ("pubtator", "bigbio_json")
        for start, end in (
            ("-8", "-1"),
            ("8", str(2**63)),
            ("8.0", "15.0"),
            ("true", "15"),
            ("8", "99"),
            ("8", "8"),
            ("15", "8"),
            ("8", "9" * 100_000),
        )
    },
}

_HUGE = "9" * 100_000
# Bodies of POST /v1/extractions, and the statuses they may have.
BODIES: dict[str, tuple[bytes, frozenset[int]]] = {
    "random bytes": (bytes(range(256)), frozenset({400, 422})),
    "deep": (b"[" * 100_000, frozenset({400, 422})),
    "deep inside": (b'{"model":"x","text":' + b"[" * 10_000, frozenset({400, 422})),
    "a huge number": (f'{{"model":"local:rules","text":{_HUGE}}}'.encode(), frozenset({400, 422})),
    "a huge option": (
        f'{{"model":"local:rules","text":"a","options":{{"max_tokens":{_HUGE}}}}}'.encode(),
        frozenset({400, 422}),
    ),
    "NaN": (
        b'{"model":"local:rules","text":"a","options":{"min_score":NaN}}',
        frozenset({400, 422}),
    ),
    "Infinity": (
        b'{"model":"local:rules","text":"a","options":{"temperature":Infinity}}',
        frozenset({400, 422}),
    ),
    "a surrogate": (b'{"model":"local:rules","text":"\\ud800 aspirin"}', frozenset({200, 422})),
    "a NUL in a name": (b'{"model":"local:\\u0000","text":"a"}', frozenset({404, 422})),
    "a surrogate in a name": (b'{"model":"\\ud800","text":"a"}', frozenset({404, 422})),
    "UTF-16": (
        json.dumps({"model": "local:rules", "text": "a"}).encode("utf-16"),
        frozenset({400, 422, 200}),
    ),
    "latin-1": ('{"model":"local:rules","text":"naïve"}'.encode("latin-1"), frozenset({400, 422})),
    "bidirectional": ('{"model":"local:rules","text":"\u202easpirin"}'.encode(), frozenset({200})),
    "given twice": (b'{"model":"x","model":"local:rules","text":"a"}', frozenset({200, 422})),
}
