"""Sealed files in a folder and in a bucket: read as they were written, or not at all."""

import hashlib
import json
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.platform.blobs import Blobs
from app.platform.clock import new_id
from app.platform.copies import Copies
from app.platform.errors import ApiError
from app.platform.objects import Folder
from app.platform.sealed_files import SealedFiles
from app.platform.sealed_objects import SealedObjects
from app.platform.sealing import HEADER_BYTES, MAGIC, Keyring
from app.platform.settings import Settings
from app.platform.storage import BLOBS, create_store
from tests.s3 import Server, s3_server

KEYS = Keyring([b"k" * 32])
MANY = 1 << 40


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with s3_server() as server:
        yield server


@pytest.fixture(params=["folder", "bucket"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Of a service that keeps its blobs there."""
    if request.param == "folder":
        yield Settings(data_dir=tmp_path / "data", _env_file=None)
        return
    server: Server = request.getfixturevalue("server")
    settings = Settings(
        data_dir=tmp_path / "data",
        blob_url=server.url,
        blob_options={name: SecretStr(value) for name, value in server.options.items()},
        blob_cache_bytes=MANY,
        _env_file=None,
    )
    yield settings
    store = create_store(settings, BLOBS)
    for each in list(store.stored()):
        store.delete(each.name)


def blobs_of(settings: Settings, plain: Path, keys: Keyring = KEYS, most: int = MANY) -> Blobs:
    return Blobs(SealedObjects(create_store(settings, BLOBS), keys, plain, most))


def write(blobs: Blobs, content: bytes, owner: str | None = None) -> str:
    with blobs.writer(owner or new_id("ds")) as out:
        out.write(content)
    return out.key


def raw(settings: Settings, key: str) -> bytes:
    return b"".join(create_store(settings, BLOBS).read(key))


def overwrite(settings: Settings, key: str, content: bytes) -> None:
    """As someone does who can reach the store and has no key."""
    with tempfile.TemporaryDirectory(dir=settings.data_dir) as folder:
        (Path(folder) / "file").write_bytes(content)
        create_store(settings, BLOBS).put(Path(folder) / "file", key)


async def test_what_is_read_is_what_was_written(settings: Settings, tmp_path: Path) -> None:
    """Named by the plain bytes, sealed where it is stored; nothing plain is left by the writer."""
    here, there = blobs_of(settings, tmp_path / "here"), blobs_of(settings, tmp_path / "there")
    content = os.urandom(3_000_000)
    key = write(here, content)
    assert key.endswith(hashlib.sha256(content).hexdigest())
    assert [path for path in (tmp_path / "here").rglob("*") if path.is_file()] == []
    assert raw(settings, key).startswith(MAGIC)
    assert (await there.local(key)).read_bytes() == content
    assert here.fetch(key) == here.place(key)
    assert pickle.loads(pickle.dumps(there)).fetch(key).read_bytes() == content
    assert [each.name for each in there.stored()] == [key]
    there.delete(key)
    assert not there.place(key).exists()
    with pytest.raises(FileNotFoundError):
        await there.local(key)
    assert list(there.stored()) == []


def changed(file: bytes, place: int) -> bytes:
    return file[:place] + bytes([file[place] ^ 1]) + file[place + 1 :]


DAMAGE: dict[str, Callable[[bytes, bytes], bytes]] = {
    "a changed byte of the header": lambda file, _: file[:20] + bytes([file[20] ^ 1]) + file[21:],
    "a changed byte of the content": lambda file, _: (
        file[:-20] + bytes([file[-20] ^ 1]) + file[-19:]
    ),
    "a shorter file": lambda file, _: file[:-17],
    "its header alone": lambda file, _: file[:HEADER_BYTES],
    "a longer file": lambda file, _: file + b"\0",
    "another sealed file": lambda _, other: other,
    "a plain file": lambda _file, _other: b"plain",
    "nothing": lambda _file, _other: b"",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
async def test_a_damaged_file_is_refused(
    settings: Settings, tmp_path: Path, damage: Callable[[bytes, bytes], bytes]
) -> None:
    """Nothing of it is laid out, and all others are read as before."""
    blobs = blobs_of(settings, tmp_path / "plain")
    key, other = write(blobs, b"one text"), write(blobs, b"another text")
    overwrite(settings, key, damage(raw(settings, key), raw(settings, other)))
    for _ in range(2):
        with pytest.raises(ApiError) as told:
            await blobs.local(key)
        assert told.value.code == "storage_damaged"
    assert [path for path in (tmp_path / "plain").rglob("*") if path.is_file()] == []
    assert blobs.fetch(other).read_bytes() == b"another text"


def test_another_key_reads_nothing(settings: Settings, tmp_path: Path) -> None:
    key = write(blobs_of(settings, tmp_path / "plain"), b"one text")
    with pytest.raises(ApiError) as told:
        blobs_of(settings, tmp_path / "other", Keyring([b"x" * 32])).fetch(key)
    assert told.value.code == "storage_damaged"


def test_what_was_plain_is_read_and_can_be_sealed(settings: Settings, tmp_path: Path) -> None:
    """So that keys can come later; then they are counted, and changed."""
    key = write(Blobs(create_store(settings, BLOBS)), b"one text")
    sealed = blobs_of(settings, tmp_path / "plain")
    assert raw(settings, key) == sealed.fetch(key).read_bytes() == b"one text"
    write(sealed, b"another text")
    files = SealedFiles(create_store(settings, BLOBS), KEYS)
    assert files.count() == {None: 1, KEYS.ids[0]: 1}
    assert (files.reseal(plain_only=True).sealed, files.count()) == (1, {KEYS.ids[0]: 2})
    both = Keyring([b"n" * 32, b"k" * 32])
    done = SealedFiles(create_store(settings, BLOBS), both).reseal(plain_only=False)
    assert (done.sealed, done.damaged) == (2, [])
    new = Keyring([b"n" * 32])
    assert SealedFiles(create_store(settings, BLOBS), new).count() == {new.ids[0]: 2}
    assert blobs_of(settings, tmp_path / "new", new).fetch(key).read_bytes() == b"one text"
    overwrite(settings, key, json.dumps("plain").encode())
    with pytest.raises(ApiError, match="not the one"):
        blobs_of(settings, tmp_path / "newer", new).fetch(key)


def test_what_is_deleted_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    """It is gone once it has been read, before it is stored anew."""

    class Deleting(Folder):
        def read(self, name: str) -> Generator[bytes, None, None]:
            pieces = super().read(name)

            def then_deleted() -> Generator[bytes, None, None]:
                yield from pieces
                self.delete(name)

            return then_deleted()

    name = f"{new_id('ds')}/{'0' * 64}"
    folder = Folder(tmp_path)
    folder.place(name).parent.mkdir()
    folder.place(name).write_bytes(b"plain" * HEADER_BYTES)  # more than is looked at first
    done = SealedFiles(Deleting(tmp_path), KEYS).reseal(plain_only=True)
    assert (done.sealed, done.damaged) == (0, [])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("folder", [False, True])
def test_no_copy_is_left_of_what_is_deleted_while_it_arrives(tmp_path: Path, folder: bool) -> None:
    """Whoever wanted it finds no file, as they would a moment later."""
    copies = Copies(tmp_path, MANY)
    owner, content = new_id("ds"), b"plain"
    name = f"{owner}/{hashlib.sha256(content).hexdigest()}"

    def opened() -> Iterator[bytes]:
        yield content
        if folder:
            copies.delete_folder(owner)
        else:
            copies.delete(name)

    with suppress(FileNotFoundError):
        assert not copies.fetch(name, opened).exists()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert copies.fetch(name, lambda: [content]).read_bytes() == content


def test_plain_copies_make_room(tmp_path: Path) -> None:
    """Those handed out longest ago go first; they are opened again when they are asked for."""
    settings = Settings(data_dir=tmp_path / "data", _env_file=None)
    blobs = blobs_of(settings, tmp_path / "plain", most=2500)
    keys = [write(blobs, bytes([number]) * 1000) for number in range(3)]
    for minutes, key in zip((60, 50, 0), keys, strict=True):
        path, long_ago = blobs.fetch(key), time.time() - minutes * 60
        os.utime(path, (long_ago, long_ago))
    last = write(blobs, b"x" * 1000)
    blobs.fetch(last)
    assert [blobs.place(key).is_file() for key in (*keys, last)] == [False, False, True, True]
    assert blobs.fetch(keys[0]).read_bytes() == bytes(1000)
