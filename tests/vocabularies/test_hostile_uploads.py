"""Uploads that are wrong, or meant to do harm: refused at once or failed, and nothing is kept."""

import gzip
import io
import zipfile
from typing import Any

import httpx
import pytest

from tests.api.conftest import Json
from tests.vocabularies.conftest import PATH, owned, send, stored, upload
from tests.vocabularies.samples import ENTITY_BOMB, PLAIN_DISEASES

pytestmark = pytest.mark.asyncio(loop_scope="package")

GOOD = {"name": "refused", "type": "Disease"}


def zipped(*contents: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}.txt", content)
    return buffer.getvalue()


PACKED = gzip.compress(PLAIN_DISEASES.encode())
REFUSED: dict[str, tuple[list[str | bytes], dict[str, Any], list[tuple[str, str]]]] = {
    "no file": ([], {"name": "x"}, [("/file", "count")]),
    "too many": ([PLAIN_DISEASES] * 11, GOOD, [("/file", "count")]),
    "no name": ([PLAIN_DISEASES], {"type": "Disease"}, [("/name", "invalid")]),
    "bad name": ([PLAIN_DISEASES], GOOD | {"name": "My MeSH"}, [("/name", "invalid")]),
    "long name": ([PLAIN_DISEASES], GOOD | {"name": "a" * 65}, [("/name", "invalid")]),
    "like an id": ([PLAIN_DISEASES], GOOD | {"name": "voc_1"}, [("/name", "like_an_id")]),
    "no such type": ([PLAIN_DISEASES], GOOD | {"type": "Gene"}, [("/type", "unknown")]),
    "plain, no type": ([PLAIN_DISEASES], {"name": "refused"}, [("/type", "missing")]),
    "no such format": ([PLAIN_DISEASES], GOOD | {"format": "obo"}, [("/format", "unknown")]),
    "empty": ([b""], GOOD, [("/file/0", "unknown_format")]),
    "a picture": ([b"\x89PNG\r\n\x1a\n" + bytes(99)], GOOD, [("/file/0", "unknown_format")]),
    "the second": ([PLAIN_DISEASES, "just words"], GOOD, [("/file/1", "unknown_format")]),
    "another XML": (["<html><body/></html>"], GOOD, [("/file/0", "unknown_format")]),
    "xz": ([b"\xfd7zXZ\x00" + bytes(9)], GOOD, [("/file/0", "archive_unsupported")]),
    "nested": ([gzip.compress(PACKED)], GOOD, [("/file/0", "archive_nested")]),
    "broken gzip": ([PACKED[:12]], GOOD, [("/file/0", "archive_broken")]),
    "broken zip": ([b"PK\x03\x04" + bytes(99)], GOOD, [("/file/0", "archive_broken")]),
    "empty zip": ([zipped()], GOOD, [("/file/0", "unknown_format")]),
    "crowded zip": ([zipped(*[b"x"] * 11)], GOOD, [("/file/0", "archive_too_many_files")]),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_wrong_is_refused_at_once(client: httpx.AsyncClient, case: str) -> None:
    """By the form and the beginnings of the files; each fault is named, no byte is kept."""
    contents, data, faults = REFUSED[case]
    before = set(stored(client))
    answer = await send(client, *contents, **data)
    if not contents:
        answer = await client.post(PATH, files=[("name", (None, "x"))])
    assert answer.status_code == 422, answer.text
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == faults
    assert (await client.get(f"{PATH}/refused")).status_code == 404
    assert set(stored(client)) <= before


SECRET = "Mrs Miller"
LONG = b"MESH:D000001\ta\n" + b"MESH:D000002\t" + b"x" * (2 << 20)
BOMB = b"MESH:D000001\ta\n" + (b"#" * 4095 + b"\n") * (20 << 8)
MANY = "".join(f"MESH:D{n:06}\tname {n}\n" for n in range(5_000)).encode()
FAILED: dict[str, tuple[str | bytes, str]] = {
    "no tab": (f"MESH:D000001\ta\n{SECRET}\n", "file-0.txt, line 2: "),
    "no names": (f"MESH:D000001\ta\n\nMESH:D000002\t\n{SECRET}", "file-0.txt, line 3: "),
    "a bad id": (f"MESH:D000001\ta\n{SECRET}\tb\n", "file-0.txt, line 2: "),
    "not UTF-8": (b"MESH:D000001\ta\nMESH:D000002\t\xff\n", "file-0.txt, line 2: "),
    "a NUL": (b"MESH:D000001\ta\nMESH:D000002\t\0\n", "file-0.txt, line 2: "),
    "an endless line": (gzip.compress(LONG), "file-0.txt, line 2: "),
    "an entity bomb": (ENTITY_BOMB, "file-0.txt, line "),
    "cut off XML": ("<DescriptorRecordSet><DescriptorRecord>", "file-0.txt, line "),
    "no concept": ("<DescriptorRecordSet></DescriptorRecordSet>", "There is no chemical"),
    "cut off gzip": (gzip.compress(MANY)[:-9], "file-0.txt: the archive cannot be read"),
    "a bomb": (gzip.compress(BOMB), "file-0.txt: the archive unpacks to far more"),
}


@pytest.mark.parametrize("case", FAILED)
async def test_what_is_found_later_fails_the_vocabulary(
    client: httpx.AsyncClient, case: str
) -> None:
    """The error says where and never what stands there; no byte is kept but the row."""
    content, said = FAILED[case]
    vocabulary = await upload(client, content, name="failing", type="Disease")
    try:
        assert vocabulary["status"] == "failed", vocabulary
        assert vocabulary["error"]["code"] == "invalid_vocabulary"
        assert vocabulary["error"]["message"].startswith(said), vocabulary["error"]
        assert SECRET not in str(vocabulary["error"])
        assert vocabulary["statistics"] is None
        await owned(client, vocabulary["id"], 0)
        for path in ("failing/lookup?name=a", f"{vocabulary['id']}/lookup?name=a"):
            answer = await client.get(f"{PATH}/{path}")
            assert (answer.status_code, answer.json()["code"]) == (409, "vocabulary_not_ready")
    finally:
        assert (await client.delete(f"{PATH}/failing")).status_code == 204


async def test_the_whole_upload_counts(client: httpx.AsyncClient, diseases: Json) -> None:
    """Fields that the form does not have, or files under another name, are refused."""
    file = ("x.txt", PLAIN_DISEASES)
    forms: list[dict[str, Any]] = [
        {"files": [("file", file), ("other", file)], "data": GOOD},
        {"files": [("file", file)], "data": GOOD | {"other": "x"}},
    ]
    for form in forms:
        answer = await client.post(PATH, **form)
        assert answer.status_code == 422, answer.text
    answer = await client.post(PATH, json={"name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    queries: list[dict[str, str]] = [
        {},
        {"name": ""},
        {"name": "x" * 501},
        {"name": "x", "type": "Gene"},
    ]
    for query in queries:
        answer = await client.get(f"{PATH}/some-diseases/lookup", params=query)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
