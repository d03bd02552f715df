"""A model file is written whole or not at all, and read only if it is what was written."""

import hashlib
import io
import json
import os
import pickle
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backends.local import artefact
from app.backends.local.arrays import State
from app.backends.local.artefact import (
    ArtefactError,
    Manifest,
    read_artefact,
    write_artefact,
    write_atomically,
)

_MANIFEST = Manifest(
    reference="ft_1", tasks=("diseases",), labels=("Disease",), training={"documents": 2}
)
_SECTIONS: dict[str, State] = {
    "tagger": {"weights": np.arange(6, dtype=np.float32).reshape(2, 3), "none": np.zeros(0)},
    "linker": {"forms": np.frombuffer(b'["a"]', np.uint8)},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.medtune"


def _rewrite(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Put a zip archive with changed members in the place of the artefact."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_what_is_read_is_what_was_written(path: Path) -> None:
    sha256 = write_artefact(path, _MANIFEST, _SECTIONS)
    manifest, sections = read_artefact(path, sha256)
    assert manifest.model_copy(update={"members": {}}) == _MANIFEST
    assert sections.keys() == _SECTIONS.keys()
    for section, state in _SECTIONS.items():
        assert sections[section].keys() == state.keys()
        for name, array in state.items():
            assert sections[section][name].dtype == array.dtype
            assert np.array_equal(sections[section][name], array)


def test_same_model_same_bytes_whatever_the_order(path: Path, tmp_path: Path) -> None:
    sha256 = write_artefact(path, _MANIFEST, _SECTIONS)
    turned = {name: dict(reversed(state.items())) for name, state in reversed(_SECTIONS.items())}
    assert write_artefact(tmp_path / "other", _MANIFEST, turned) == sha256
    assert (tmp_path / "other").read_bytes() == path.read_bytes()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    with zipfile.ZipFile(path) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_changed_byte_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("artefact") / "model"
    sha256 = write_artefact(path, _MANIFEST, _SECTIONS)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(ArtefactError):
        read_artefact(path, sha256)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.99])
def test_a_truncated_file_is_refused_even_by_one_who_does_not_know_its_sha256(
    path: Path, part: float
) -> None:
    write_artefact(path, _MANIFEST, _SECTIONS)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(ArtefactError, match="damaged or no model file"):
        read_artefact(path)


def test_a_changed_member_is_refused_though_the_archive_is_sound(path: Path) -> None:
    write_artefact(path, _MANIFEST, _SECTIONS)
    other = io.BytesIO()
    np.save(other, np.ones((2, 3), np.float32))
    _rewrite(path, lambda members: members.update({"tagger/weights.npy": other.getvalue()}))
    with pytest.raises(ArtefactError, match=r"tagger/weights\.npy is damaged"):
        read_artefact(path)


def test_members_the_manifest_does_not_name_are_refused(path: Path) -> None:
    write_artefact(path, _MANIFEST, _SECTIONS)
    _rewrite(path, lambda members: members.update({"tagger/more.npy": b""}))
    with pytest.raises(ArtefactError, match="other members"):
        read_artefact(path)


def test_a_missing_member_is_refused(path: Path) -> None:
    write_artefact(path, _MANIFEST, _SECTIONS)
    _rewrite(path, lambda members: members.__delitem__("linker/forms.npy"))
    with pytest.raises(ArtefactError, match="other members"):
        read_artefact(path)


def test_a_member_that_is_there_twice_is_refused(path: Path) -> None:
    """Readers differ in which of the two they take."""
    write_artefact(path, _MANIFEST, _SECTIONS)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("linker/forms.npy", archive.read("linker/forms.npy"))
    with pytest.raises(ArtefactError, match="damaged"):
        read_artefact(path)


def test_a_file_that_unpacks_to_far_too_much_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what its directory says, before anything is unpacked."""
    write_artefact(path, _MANIFEST, {"tagger": {"weights": np.zeros(10_000)}})
    monkeypatch.setattr(artefact, "_MOST_BYTES", 80_000)
    with pytest.raises(ArtefactError, match="too large"):
        read_artefact(path)


def test_a_newer_version_is_refused_by_name_whatever_else_it_says(path: Path) -> None:
    write_artefact(path, _MANIFEST, _SECTIONS)

    def newer(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps({"format_version": 2, "shape": "other"}).encode()

    _rewrite(path, newer)
    with pytest.raises(ArtefactError, match="format version 2, newer than 1"):
        read_artefact(path)


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"format_version": 1}', b"\xff"])
def test_a_manifest_that_is_none_is_refused(path: Path, text: bytes) -> None:
    write_artefact(path, _MANIFEST, _SECTIONS)
    _rewrite(path, lambda members: members.update({"manifest.json": text}))
    with pytest.raises(ArtefactError, match="no readable manifest"):
        read_artefact(path)


class _Trap:
    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("the pickle was loaded",))


def test_a_pickle_is_never_loaded(path: Path) -> None:
    """Even where manifest and checksum vouch for it."""
    write_artefact(path, _MANIFEST, _SECTIONS)
    trap = io.BytesIO()
    np.save(trap, np.array([_Trap()], object), allow_pickle=True)

    def put(members: dict[str, bytes], content: bytes) -> None:
        members["linker/forms.npy"] = content
        manifest = json.loads(members["manifest.json"])
        manifest["members"]["linker/forms.npy"] = hashlib.sha256(content).hexdigest()
        members["manifest.json"] = json.dumps(manifest).encode()

    for content in (trap.getvalue(), pickle.dumps(_Trap())):
        _rewrite(path, lambda members, content=content: put(members, content))  # type: ignore[misc]
        with pytest.raises(ArtefactError, match="no array"):
            read_artefact(path)


def test_an_array_of_objects_is_never_written(path: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays"):
        write_artefact(path, _MANIFEST, {"tagger": {"bad": np.array([object()])}})
    assert list(path.parent.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomically(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_what_is_written_survives_a_power_cut(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is on the disk before it has its name, and the name before it is told of."""
    folders: list[tuple[bool, bool]] = []

    def seen(descriptor: int) -> None:
        folders.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), path.exists()))

    monkeypatch.setattr("os.fsync", seen)
    write_atomically(path, b"content")
    assert folders == [(False, False), (True, True)]


def test_a_file_that_is_not_there_is_said_to_be_that(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_artefact(path)
