"""Blobs: whole or not at all, named by their hash, inside their folder."""

import hashlib
from pathlib import Path

import pytest

from app.platform.blobs import Blobs, deleted_meanwhile
from app.platform.clock import new_id
from app.platform.errors import ApiError, not_found


def test_a_blob_is_named_by_its_hash(tmp_path: Path) -> None:
    """The key holds the owner and the sha256; the bytes come back."""
    blobs, owner = Blobs.in_folder(tmp_path), new_id("ds")
    with blobs.writer(owner) as out:
        out.write(b"one ")
        out.write(b"two")
    assert out.key == f"{owner}/{hashlib.sha256(b'one two').hexdigest()}"
    assert out.size == 7
    assert blobs.place(out.key).read_bytes() == b"one two"


def test_an_unfinished_blob_leaves_nothing(tmp_path: Path) -> None:
    """An error while writing removes what was written."""
    blobs, owner = Blobs.in_folder(tmp_path), new_id("ds")

    def broken() -> None:
        with blobs.writer(owner) as out:
            out.write(b"half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        broken()
    assert list((tmp_path / owner).iterdir()) == []


def test_deleting_an_owner_deletes_its_blobs_only(tmp_path: Path) -> None:
    """Two owners of the same bytes do not share them."""
    blobs, one, two = Blobs.in_folder(tmp_path), new_id("ds"), new_id("ds")
    keys = []
    for owner in (one, two):
        with blobs.writer(owner) as out:
            out.write(b"same")
        keys.append(out.key)
    blobs.delete_owner(one)
    blobs.delete_owner(one)
    assert not blobs.place(keys[0]).exists()
    assert blobs.place(keys[1]).read_bytes() == b"same"


OWNER = "ds_" + "0" * 32


@pytest.mark.parametrize(
    "key",
    ["../x", "ds_1/x", "/etc/passwd", f"{OWNER}/../x", f"{OWNER}/{'0' * 64}/../../x"],
)
def test_a_key_cannot_leave_the_folder(tmp_path: Path, key: str) -> None:
    """What is not a key is refused before the file system is asked."""
    with pytest.raises(ValueError, match="not a blob key"):
        Blobs.in_folder(tmp_path).place(key)


@pytest.mark.parametrize("owner", ["", "..", "../other", OWNER[:-1], f"{OWNER}/../../other"])
def test_an_owner_cannot_leave_the_folder(tmp_path: Path, owner: str) -> None:
    """Nothing is deleted for what is no owner."""
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match="not an owner id"):
        Blobs.in_folder(tmp_path / "blobs").delete_owner(owner)
    assert (tmp_path / "other").is_dir()


async def test_a_blob_that_is_gone_is_lost_unless_its_row_is_gone_too() -> None:
    async def found() -> None:
        """The row is there."""

    async def deleted() -> None:
        raise not_found("dataset", "ds_1")

    with pytest.raises(FileNotFoundError):
        async with deleted_meanwhile(found):
            raise FileNotFoundError
    with pytest.raises(ApiError):
        async with deleted_meanwhile(deleted):
            raise FileNotFoundError
