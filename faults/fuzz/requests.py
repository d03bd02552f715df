"""What has to hold of requests, whatever a client has sent: only ApiError is raised."""

import asyncio
import atexit
import io
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr
from starlette.requests import Request
from starlette.types import Message, Scope

from app.entrance import Entrance
from app.extraction_batches.entries import dumps, loads
from app.extraction_batches.reading import read_jsonl
from app.keys.doorkeeper import Doorkeeper
from app.keys.secret import parse
from app.platform.blobs import Blobs
from app.platform.database import Database
from app.platform.errors import ApiError
from app.platform.hosts import refusal_of_host
from app.platform.origins import refusal_of_origin
from app.platform.pagination import decode_cursor, decode_id, decode_offsets, encode_cursor
from app.platform.settings import Settings
from app.platform.uploads import read_multipart

Read = TypeVar("Read")

_OWNER = "ds_" + "0" * 32
_MOST_CHARACTERS = 1000
_HEADERS = (b"host", b"origin", b"sec-fetch-site", b"authorization", b"cookie", b"x-request-id")


def cursor(data: bytes) -> None:
    """A cursor: what is read of it is written and read again."""
    text = data.decode("latin-1")
    position = _given(lambda: decode_cursor(text))
    assert position is None or decode_cursor(encode_cursor(position)) == position
    _given(lambda: decode_id(text, "ds"))
    for count in (1, 2):
        numbers = _given(partial(decode_offsets, text, count))
        assert all(0 <= number < 10**15 for number in numbers or ())


def headers(data: bytes) -> None:
    """Headers of a request, one after another, as the entrance reads them."""
    values = data.split(b"\n")
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/datasets",
        "headers": list(zip(_HEADERS, values, strict=False)),
    }
    for keyless in (True, False):
        refusal_of_host(scope, frozenset({"medtune.example"}), keyless=keyless)
        refusal_of_host(scope, frozenset(), keyless=keyless)
        refusal_of_origin(scope, browser=keyless)
    secret = parse(data.decode("latin-1"))
    assert secret is None or secret.text == data.decode("latin-1")
    entrance = _entrance()
    _given(lambda: _runner().run(entrance.admit(scope)))


def multipart(data: bytes) -> None:
    """A form: its first line is the content type, the rest the body in two pieces."""
    kind, _, body = data.partition(b"\n")
    _runner().run(_upload(kind, body))


async def _upload(kind: bytes, body: bytes) -> None:
    pieces = [body[: len(body) // 2], body[len(body) // 2 :]]

    async def receive() -> Message:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    scope: Scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind)]}
    blobs = _blobs()
    # An error without a code that is documented cannot even be made.
    with suppress(ApiError):
        found = await read_multipart(
            Request(scope, receive), blobs, _OWNER, files={"file"}, fields={"name", "split"}
        )
        assert sum(file.bytes for file in found.files) <= len(body)
        await blobs.discard(_OWNER)
    assert not any(path.is_file() for path in _folder("blobs").rglob("*"))


def batch(data: bytes) -> None:
    """The texts of a batch: every line is an entry or one with a fault, kept and read again."""
    entries = list(read_jsonl(io.BytesIO(data), _MOST_CHARACTERS))
    assert [entry.index for entry in entries] == list(range(len(entries)))
    for entry in entries:
        assert entry.fault is not None or len(entry.text) <= _MOST_CHARACTERS
        assert loads(dumps(entry)) == entry


def _given(act: Callable[[], Read]) -> Read | None:
    with suppress(ApiError):
        return act()
    return None


@cache
def _folder(name: str) -> Path:
    """A folder of this process, in memory where there is such a place."""
    shared = Path("/dev/shm")
    where = shared if shared.is_dir() else None
    folder = tempfile.TemporaryDirectory(prefix=f"medtune-{name}-", dir=where)
    atexit.register(folder.cleanup)
    return Path(folder.name)


@cache
def _blobs() -> Blobs:
    return Blobs.in_folder(_folder("blobs"))


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


@cache
def _entrance() -> Entrance:
    folder = _folder("database")
    key = SecretStr("k" * 40)
    settings = Settings(data_dir=folder, admin_key=key, requests_per_minute=10**9, _env_file=None)
    database = Database(settings.sqlalchemy_url)
    _runner().run(database.migrate())
    return Entrance(settings, Doorkeeper(settings, database))
