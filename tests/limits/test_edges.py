"""The sizes of texts, bodies and archives: what is just within each bound, and just beyond."""

import gzip
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from app.corpora.unpack import Limits, UnpackError, members
from app.platform.settings import Settings
from tests.api.conftest import running

BODY, UPLOAD, TEXT = 4_000, 20_000, 500
JSON = {"Content-Type": "application/json"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """On SQLite alone: nothing of this reaches the database."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        max_body_bytes=BODY,
        max_upload_bytes=UPLOAD,
        max_text_characters=TEXT,
        _env_file=None,
    )
    async with running(settings) as client:
        yield client


def form(size: int) -> bytes:
    """A form with one file, of so many bytes in all."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    tail = b"\r\n--b--\r\n"
    text = b"1|t|Aspirin.\n1|a|Nothing.\n\n"
    return head + text + b"\n" * (size - len(head + text + tail)) + tail


@pytest.mark.asyncio(loop_scope="module")
async def test_text(client: httpx.AsyncClient) -> None:
    """Counted in code points, whatever they take in bytes."""
    for character in ("a", "\U0001d6c3"):
        for size, status in ((TEXT, 200), (TEXT + 1, 422)):
            text = character * size
            for asked in ({"text": text}, {"texts": ["Aspirin.", text]}):
                answer = await client.post("/v1/extractions", json={"model": "local:rules"} | asked)
                assert answer.status_code == status, answer.text


@pytest.mark.asyncio(loop_scope="module")
async def test_body(client: httpx.AsyncClient) -> None:
    """Whether or not its length is told beforehand."""

    def pieces(body: bytes) -> AsyncIterator[bytes]:
        async def send() -> AsyncIterator[bytes]:
            for at in range(0, len(body), 1000):
                yield body[at : at + 1000]

        return send()

    request = b'{"model": "local:rules", "text": "Aspirin."}'
    for size, status in ((BODY, 200), (BODY + 1, 413)):
        body = request.ljust(size)
        for content in (body, pieces(body)):
            answer = await client.post("/v1/extractions", content=content, headers=JSON)
            assert answer.status_code == status, answer.text


@pytest.mark.asyncio(loop_scope="module")
async def test_upload(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    for size, status in ((UPLOAD, 202), (UPLOAD + 1, 413)):
        assert len(form(size)) == size
        for path in ("/v1/datasets", "/datasets"):
            same = {"Sec-Fetch-Site": "same-origin"}
            answer = await client.post(path, content=form(size), headers=headers | same)
            expected = 303 if status == 202 and path == "/datasets" else status
            assert answer.status_code == expected, answer.text


@pytest.mark.asyncio(loop_scope="module")
async def test_no_body_is_unpacked(client: httpx.AsyncClient) -> None:
    """So a small one cannot become large."""
    body = gzip.compress(b'{"model": "local:rules", "text": "Aspirin."}')
    for path in ("/v1/extractions", "/cohere/v2/chat"):
        headers = JSON | {"Content-Encoding": "gzip"}
        answer = await client.post(path, content=body, headers=headers)
        assert answer.status_code in (400, 415, 422), answer.text


def unpacked(path: Path, limits: Limits) -> int:
    return sum(len(stream.read()) for _, stream in members(path, path.name, limits))


@pytest.mark.parametrize("limit", ["total", "ratio"])
def test_archive(tmp_path: Path, limit: str) -> None:
    """Of chance, which takes as much room when it is packed, and of zeros, which take none."""
    path = tmp_path / "packed.gz"
    content = os.urandom(1_000) + bytes(9_000)
    path.write_bytes(gzip.compress(content))
    packed = path.stat().st_size

    def limits() -> Iterator[Limits]:
        for size in (len(content), len(content) - 1):
            if limit == "total":
                yield Limits(total_bytes=size, ratio=100, ratio_from=0)
            else:
                # Half a byte more, for a quotient of floats times its divisor may fall short.
                yield Limits(total_bytes=10**9, ratio=(size + 0.5) / packed, ratio_from=0)

    within, beyond = limits()
    assert unpacked(path, within) == len(content)
    with pytest.raises(UnpackError) as caught:
        unpacked(path, beyond)
    assert caught.value.code == {"total": "archive_too_large", "ratio": "archive_ratio"}[limit]
