"""A trained model as one file: written whole or not at all, read only if it is what was written.

Format, version 1: a zip archive with

    manifest.json              facts about the model (`Manifest`), as JSON with sorted keys
    <section>/<name>.npy       one array, numpy's format version 1.0, never pickled

The manifest names every other member with its sha256. Nothing in the file tells when or where it
was written, so the same model always gives the same bytes, and the file's own sha256 may serve as
its name. Whoever keeps that name can tell any change at all; the checksums within tell damage.
"""

import hashlib
import io
import json
import lzma
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from app.backends.local.arrays import State

FORMAT_VERSION = 1
ENGINE_VERSION = "1"
_MANIFEST = "manifest.json"
_ARRAY = ".npy"
# The year a zip archive's time begins with.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE = 0o100644 << 16
_UNIX = 3
# Unpacked; far more than any model has, far less than would harm.
_MOST_BYTES = 1 << 30


# What zipfile and what it unpacks with raise of a damaged archive.
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, RuntimeError, ValueError),
)


class ArtefactError(Exception):
    """The file is no artefact, or damaged, or from a newer version; the message says which."""


class Manifest(BaseModel):
    """What a model says of itself; `training` how it was made (hyperparameters, counts)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    engine_version: str = ENGINE_VERSION
    reference: str
    tasks: tuple[str, ...]
    labels: tuple[str, ...]
    training: dict[str, Any]
    members: dict[str, str] = {}


def write_artefact(path: Path, manifest: Manifest, sections: Mapping[str, State]) -> str:
    """Write the file and return its sha256, in hexadecimal; `manifest.members` is filled in."""
    members = {
        f"{section}/{name}{_ARRAY}": _array_bytes(array)
        for section, state in sorted(sections.items())
        for name, array in sorted(state.items())
    }
    checksums = {name: _sha256(content) for name, content in members.items()}
    complete = manifest.model_copy(update={"members": checksums})
    text = json.dumps(complete.model_dump(mode="json"), sort_keys=True, indent=1)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in {_MANIFEST: text.encode(), **members}.items():
            archive.writestr(_entry(name), content)
    write_atomically(path, packed.getvalue())
    return _sha256(packed.getvalue())


def read_artefact(path: Path, sha256: str | None = None) -> tuple[Manifest, dict[str, State]]:
    """The manifest and the sections of a file, which must have this sha256 if one is given.

    Raises ArtefactError if it is not a whole artefact this version can read, OSError if it is not
    there.
    """
    content = path.read_bytes()
    if sha256 is not None and _sha256(content) != sha256:
        raise ArtefactError("the model file is not the one that was written")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _read(archive)
    except _BROKEN as error:
        raise ArtefactError("the model file is damaged or no model file") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Put the content at `path` so that a reader, or a crash, meets all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(archive: zipfile.ZipFile) -> tuple[Manifest, dict[str, State]]:
    entries = {entry.filename: entry for entry in archive.infolist()}
    if len(entries) != len(archive.infolist()) or _MANIFEST not in entries:
        raise ArtefactError("the model file is damaged or no model file")
    if sum(entry.file_size for entry in entries.values()) > _MOST_BYTES:
        raise ArtefactError("the model file is too large to be one")
    manifest = _manifest(archive.read(_MANIFEST))
    if set(manifest.members) != entries.keys() - {_MANIFEST}:
        raise ArtefactError("the model file has other members than its manifest names")
    sections: dict[str, State] = {}
    for member, checksum in manifest.members.items():
        content = archive.read(member)
        if _sha256(content) != checksum:
            raise ArtefactError(f"the model file's member {member} is damaged")
        section, _, name = member.removesuffix(_ARRAY).partition("/")
        sections.setdefault(section, {})[name] = _array(content)
    return manifest, sections


def _manifest(content: bytes) -> Manifest:
    """The manifest; its version is looked at first, for a newer one may say what we do not know."""
    try:
        row = json.loads(content)
        version = row["format_version"]
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise ArtefactError(
                f"the model file has format version {version}, newer than {FORMAT_VERSION}"
            )
        return Manifest.model_validate(row)
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise ArtefactError("the model file has no readable manifest") from error


def _array_bytes(array: NDArray[np.generic]) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array(out, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    return out.getvalue()


def _array(content: bytes) -> NDArray[np.generic]:
    try:
        array: NDArray[np.generic] = np.lib.format.read_array(
            io.BytesIO(content), allow_pickle=False
        )
    # numpy reads the header as Python, sorts and looks up what it finds: anything may be raised.
    except Exception as error:
        raise ArtefactError("the model file holds something that is no array") from error
    return array


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _NO_TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = _REGULAR_FILE
    entry.create_system = _UNIX
    return entry


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
