"""Uploads of vocabularies and of batches that are meant to do harm, and what came of an upload.

Large ones are made when asked for.
"""

import gzip
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import httpx

from app.commands.service import Json, settled
from app.terminology.formats import VocabularyFormat
from tests.hostile.files import FILES, MIB, Hostile, zipped
from tests.hostile.quine import quine
from tests.terminology import samples

_SAMPLES: Mapping[VocabularyFormat, bytes] = {
    VocabularyFormat.MESH_DESCRIPTORS: samples.MESH_DESCRIPTORS,
    VocabularyFormat.MESH_SUPPLEMENTARY: samples.MESH_SUPPLEMENTARY,
    VocabularyFormat.CTD_CHEMICALS: samples.CTD_CHEMICALS,
    VocabularyFormat.CTD_DISEASES: samples.CTD_DISEASES,
    VocabularyFormat.PLAIN: samples.PLAIN,
}
_PART = b"orvexin"  # of a name in each sample
_MARKS = ("\u202e\u2066" + "e\u0301" + "\u0301" * 1_000).encode()
_NESTED = frozenset({"archive_nested", "archive in"})
_TOO_MUCH = frozenset({"far more", "archive_ratio", "longer than"})
_BLANK = (b" " * 4095 + b"\n") * 5000


def _mesh(kind: str, inside: bytes, head: bytes = b"") -> Callable[[], bytes]:
    return lambda: head + f"<{kind}RecordSet><{kind}Record>".encode() + inside


def _of_any_format(sample: bytes, *, xml: bool) -> Iterator[tuple[str, bytes, set[str]]]:
    """What it is, the file, and words of which it is told one; none if nothing is wrong with it."""
    text = {"not well formed"} if xml else {"not UTF-8", "NUL"}
    yield "raw half of a surrogate pair", sample.replace(_PART, b"\xed\xa0\x80"), text
    yield "NUL", sample.replace(_PART, b"a\0b"), text
    yield "latin-1", sample.replace(_PART, b"na\xefve"), text
    yield "random bytes", bytes(range(1, 256)) * 64, text | {"columns", "one identifier"}
    yield "UTF-16", sample.decode().encode("utf-16"), set() if xml else text
    yield "marks", sample.replace(_PART, _MARKS), set()
    yield "byte order mark", b"\xef\xbb\xbf" + sample, set()
    yield "given twice", sample * 2, text if xml else set()
    yield "cut", sample[: len(sample) * 2 // 3], {"ends too early", "columns", "no name"}
    yield "a number without end", sample.replace(b"90000", b"9" * 100_000), {"one identifier"}
    yield "empty", b"", {"no chemical", "ends too early"}
    yield "gzip quine", quine(), set(_NESTED)


def _vocabularies() -> Iterator[tuple[str, Hostile]]:
    for format_, sample in _SAMPLES.items():
        xml = format_.startswith("mesh")
        for name, content, codes in _of_any_format(sample, xml=xml):
            if name == "cut" and not xml:
                continue  # a file of lines may end after any of them
            hostile = Hostile(lambda content=content: content, frozenset(codes), format_)  # type: ignore[misc]
            yield f"{name}, {format_}", hostile
        bomb = Hostile(lambda s=sample: gzip.compress(s + _BLANK), _TOO_MUCH, format_)  # type: ignore[misc]
        yield f"gzip bomb, {format_}", bomb
    for kind, format_ in (
        ("Descriptor", VocabularyFormat.MESH_DESCRIPTORS),
        ("Supplemental", VocabularyFormat.MESH_SUPPLEMENTARY),
    ):
        half = _mesh(kind, b"<a>&#xD800;</a>")
        yield f"half of a surrogate pair, {format_}", _said(half, "not well formed", format_)
        yield f"deep XML, {format_}", _said(_mesh(kind, b"<a>" * 99_999), "levels", format_)
        entity = _mesh(kind, b"&a;", f'<!DOCTYPE {kind}RecordSet [<!ENTITY a "ha">]>'.encode())
        yield f"entity, {format_}", _said(entity, "entities", format_)
    plain, mesh = VocabularyFormat.PLAIN, VocabularyFormat.MESH_DESCRIPTORS
    names = b"D000001\t" + b"|".join(b"%d" % n for n in range(100_000))
    yield "100,000 names, plain", _said(lambda: names, "names", plain)
    line = partial(_endless, b"D000001\t")
    yield "a line of 100 MB, plain", _said(line, "longer than", plain)
    for place, opened in (
        ("an element", b"<DescriptorRecordSet><DescriptorRecord><a>"),
        ("an attribute", b'<DescriptorRecordSet a="'),
    ):
        long = partial(_endless, opened)
        yield f"{place} of 100 MB, mesh_descriptors", _said(long, "longer than", mesh)
    yield (
        "zip in a zip, plain",
        Hostile(lambda: zipped(("a.zip", zipped(("a.txt", samples.PLAIN)))), _NESTED, plain),
    )


def _endless(begun: bytes) -> bytes:
    return begun + b"a" * 100 * MIB


def _said(content: Callable[[], bytes], word: str, format_: str) -> Hostile:
    return Hostile(content, frozenset({word}), format_)


_ASPIRIN = b'{"text":"Aspirin."}\n'
VOCABULARIES: dict[str, Hostile] = dict(_vocabularies())
BATCHES: dict[str, Hostile] = {
    "random bytes": Hostile(lambda: bytes(range(256)) * 64, frozenset({"bad_utf8"})),
    "UTF-16": Hostile(lambda: _ASPIRIN.decode().encode("utf-16"), frozenset({"bad_utf8"})),
    "byte order mark": Hostile(lambda: b"\xef\xbb\xbf" + _ASPIRIN),
    "empty": Hostile(lambda: b"", frozenset({"no_documents"})),
    "100,000 blank lines": Hostile(lambda: b" \n" * 100_000, frozenset({"no_documents"})),
    "a byte order mark alone": Hostile(lambda: b"\xef\xbb\xbf", frozenset({"no_documents"})),
    "deep JSON": Hostile(lambda: b"[" * MIB, frozenset({"malformed_json"})),
    "a line of 100 MB": Hostile(
        lambda: b'{"text":"' + b"a" * 100 * MIB, frozenset({"text_too_long"})
    ),
    "gzip of a text": Hostile(lambda: gzip.compress(_ASPIRIN)),
    "cut gzip": Hostile(lambda: gzip.compress(_ASPIRIN)[:-9], frozenset({"archive_broken"})),
    "gzip bomb": Hostile(
        lambda: gzip.compress(b'{"text":"' + b"a" * 64 * MIB), frozenset({"archive_ratio"})
    ),
    "gzip of half a surrogate pair": Hostile(
        lambda: gzip.compress(rb'{"text":"\ud800"}'), frozenset({"invalid_character"})
    ),
    "zip bomb": Hostile(
        lambda: zipped(("a.jsonl", b"\n" * 64 * MIB)), frozenset({"archive_ratio"})
    ),
    "zip of two": Hostile(
        lambda: zipped(("a", _ASPIRIN), ("b", _ASPIRIN)), frozenset({"archive_too_many_files"})
    ),
    "gzip in a gzip": Hostile(lambda: gzip.compress(gzip.compress(_ASPIRIN)), _NESTED),
    "gzip quine": Hostile(quine, _NESTED),
}
# Lines of one batch, and the code of the failure that each is; None: it is a text like any other.
LINES: Mapping[bytes, str | None] = {
    rb'{"text":"\ud800"}': "invalid_character",
    rb'{"text":"a","id":"\udfff"}': "invalid_character",
    b'{"text":"\xed\xa0\x80"}': "bad_utf8",
    rb'{"text":"a\u0000b","id":"\u0000"}': None,
    b'{"text":"a\0b"}': "malformed_json",
    '{"text":"\u202e\u2066e\u0301\u0301 aspirin","id":"\u202e"}'.encode(): None,
    b'{"text":1e999}': "malformed_document",
    b'{"text":"a","id":1e999}': "malformed_document",
    b'{"text":"a","id":1' + b"0" * 400 + b"}": None,
    b'{"text":"a","id":1' + b"0" * 5000 + b"}": "malformed_json",
    b'{"text":"a","id":-0}': None,
    b'{"text":"a","id":NaN}': "malformed_document",
    b'{"text":"a","id":true}': "malformed_document",
    b'{"text":"x","text":"Aspirin.","id":1,"id":2}': None,
    b'{"text":' + b"[" * 100_000: "malformed_json",
    b"[" * 900 + b"]" * 900: "malformed_document",
    b'{"text":"na\xefve"}': "bad_utf8",
    b'""': None,
    b"null": "malformed_document",
    b"\xef\xbb\xbf" + _ASPIRIN.rstrip(): "malformed_json",
    b'{"text":"last"}': None,
}
UPLOADS: Mapping[str, Mapping[str, Hostile]] = {
    "datasets": FILES,
    "vocabularies": VOCABULARIES,
    "extraction-batches": BATCHES,
}


def send(client: httpx.Client, kind: str, hostile: Hostile, name: str) -> httpx.Response:
    """The answer to the upload of such a file (a key of UPLOADS)."""
    form = {"datasets": {"name": name}, "extraction-batches": {"model": "local:rules"}}.get(
        kind, {"name": name, "type": "Chemical"}
    )
    if hostile.format:
        form["format"] = hostile.format
    files = {"file": ("upload", hostile.content())}
    return client.post(f"/v1/{kind}", files=files, data=form)


def outcome(client: httpx.Client, kind: str, answer: httpx.Response) -> list[str]:
    """What came of an upload, in words: how it ended, then codes or sentences that say why."""
    if not answer.is_success:
        problem = answer.json()
        found = [each["code"] for each in problem.get("errors", ())]
        return [f"{answer.status_code}", problem["code"], *found]
    made = settled(client, answer.headers["Location"])
    said = [made["status"]]
    if kind == "datasets":
        return [*said, *(made["report"]["by_code"] if made["report"] else ())]
    if made["error"]:
        return [*said, made["error"]["code"], made["error"]["message"]]
    if kind == "extraction-batches":
        return [*said, *dict.fromkeys(each["code"] for each in failures(client, made))]
    return said


def failures(client: httpx.Client, batch: Json) -> list[Json]:
    """The failed documents of a batch, as far as one page has them."""
    found: list[Json] = client.get(f"/v1/extraction-batches/{batch['id']}/failures").json()["items"]
    return found


def as_expected(hostile: Hostile, said: list[str]) -> bool:
    """Whether it is one of the outcomes that the file may have; a warning is no harm."""
    if hostile.codes:
        return said[0] != "ready" and any(code in each for code in hostile.codes for each in said)
    return said[0] in ("ready", "succeeded")
