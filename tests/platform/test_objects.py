"""A folder as a store: what is listed, and what is swept away."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.platform.errors import ApiError
from app.platform.objects import Folder, storage_errors, written

OLD, CUT, YOUNG = 1_000_000.0, 2_000_000.0, 3_000_000.0  # Unix times


def made(path: Path, at: float) -> None:
    """A file of three bytes, last written then."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"abc")
    os.utime(path, (at, at))


def there(folder: Path) -> set[str]:
    """All files and folders below."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_a_sweep_takes_what_is_unfinished_old_or_empty(tmp_path: Path) -> None:
    """Nothing that is finished, and nothing that may still be written; a dry run takes nothing."""
    for name, at in (
        ("full/done", OLD),
        ("full/.old", OLD),
        ("full/.young", YOUNG),
        (".folder/old", OLD),
    ):
        made(tmp_path / name, at)
    for name, at in (("full", OLD), (".folder", OLD), ("empty", OLD), ("new", YOUNG)):
        (tmp_path / name).mkdir(exist_ok=True)
        os.utime(tmp_path / name, (at, at))
    before, store = there(tmp_path), Folder(tmp_path)
    assert [each.name for each in store.stored()] == ["full/done"]
    assert store.sweep(CUT, dry_run=True) == (2, 6)
    assert there(tmp_path) == before
    assert store.sweep(CUT) == (2, 6)
    assert there(tmp_path) == {"full", "full/done", "full/.young", "new"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_and_a_used_up_quota_are_told_alike(tmp_path: Path, number: int) -> None:
    """And nothing of the file is left."""

    def pieces() -> Iterator[bytes]:
        yield b"abc"
        raise OSError(number, "full")

    with pytest.raises(ApiError) as told, written(tmp_path, pieces()):
        pass
    assert told.value.code == "storage_full"
    assert there(tmp_path) == set()


def test_other_errors_of_a_disk_are_not_told_as_a_full_one() -> None:
    with pytest.raises(PermissionError), storage_errors():
        raise PermissionError(errno.EACCES, "no")
