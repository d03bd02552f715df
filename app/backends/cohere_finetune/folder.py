"""The folder shared with the container, and what Medtune remembers there of each training.

    <folder>/<name>/medtune.json                    what was asked, and how far it is: `Record`
    <folder>/<name>/input/data/training/rows.jsonl  written here, read by the container
    <folder>/<name>/input/data/evaluation/rows.jsonl
    <folder>/<name>/finetune/                       the container's: data, checkpoints
    <folder>/<name>/output/merged_weights/          the model

The container answers for the training it had last and knows no ids, so what Medtune launched is
found again by its own record alone. A training is made ready under a hidden name and moved to its
own as a whole. Names are never used twice: a container that finds files of its own is stuck.
"""

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from app.backends.cohere_finetune.outputs import begun, complete

Phase = Literal["waiting", "posting", "posted", "succeeded", "failed", "cancelled", "lost", "kept"]

_RECORD = "medtune.json"
_SAFE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_MODEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")


class Record(BaseModel):
    """A training: `body` is what to post, `since` (seconds of the epoch) when its phase began.

    waiting -> posting -> posted -> succeeded | failed | lost; cancelled from anywhere. `posting`
    stands for a request that may or may not have arrived. `kept` is a model without its training:
    `reference` is empty then.
    """

    model_config = ConfigDict(frozen=True)

    reference: str
    attempt: int
    phase: Phase
    since: float
    body: dict[str, Any] = {}
    rows: int = 0
    evaluation_rows: int = 0
    duplicates: int = 0
    long: int = 0
    error_code: str | None = None
    error_message: str | None = None


class Attempt(NamedTuple):
    """One training of a reference; `path.name` is what the container knows it by."""

    path: Path
    record: Record

    @property
    def data(self) -> Path:
        """Where its input lies."""
        return self.path / "input" / "data"

    @property
    def begun(self) -> bool:
        """Whether the container has begun it, however it went on."""
        return begun(self.path)

    @property
    def complete(self) -> bool:
        """Whether the model is there as a whole."""
        return complete(self.path)


class Folder:
    """All trainings of this Medtune in the shared folder. Methods raise OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    def attempts(self, reference: str) -> list[Attempt]:
        """The trainings of this reference, oldest first; more than one if some were lost."""
        return sorted(self._attempts(reference), key=lambda each: each.record.attempt)

    def _attempts(self, reference: str) -> Iterator[Attempt]:
        slug = _slug(reference)
        for path in self._path.glob(f"{slug}*"):
            record = _read(path)
            if record is not None and record.reference == reference and reference:
                yield Attempt(path, record)

    def staging(self, reference: str) -> Path:
        """A new hidden folder to make a training ready in, whatever an earlier one left there."""
        self.clear_staging(reference)
        path = self._staging(reference)
        path.mkdir()
        return path

    def clear_staging(self, reference: str) -> None:
        """Remove what a process that died has left half ready."""
        if self._staging(reference).exists():
            shutil.rmtree(self._staging(reference))

    def _staging(self, reference: str) -> Path:
        return self._path / f".medtune-{_slug(reference)}"

    def free_name(self, reference: str, attempt: int) -> tuple[str, int]:
        """A name nothing has yet, and the number of the attempt that it stands for."""
        slug = _slug(reference)
        while (self._path / (name := slug if attempt == 1 else f"{slug}-{attempt}")).exists():
            attempt += 1
        return name, attempt

    def add(self, staged: Path, name: str, record: Record) -> Attempt:
        """Give what was made ready its name: from now on it is there, with all its files."""
        attempt = Attempt(staged, record)
        self.write(attempt, record)
        for path in (*staged.rglob("*.jsonl"), *staged.rglob("*/"), staged):
            _sync(path)
        staged.rename(self._path / name)
        _sync(self._path)
        return Attempt(self._path / name, record)

    def write(self, attempt: Attempt, record: Record) -> Attempt:
        """Remember `record` of the attempt, whole or not at all."""
        descriptor, temporary = tempfile.mkstemp(dir=attempt.path, prefix=".writing-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(record.model_dump_json().encode())
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(attempt.path / _RECORD)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync(attempt.path)
        return Attempt(attempt.path, record)

    def forget(self, attempt: Attempt) -> None:
        """Keep nothing of it but a model that is whole, and the right to remove that."""
        if attempt.record.phase != "succeeded":
            _remove(attempt.path)
            return
        _empty(attempt.path, keep=(_RECORD, "output"))
        last = attempt.record
        self.write(
            attempt,
            Record(reference="", attempt=last.attempt, phase="kept", since=last.since),
        )

    def delete(self, model: str) -> None:
        """Remove a model, unless it is not one of ours."""
        path = self._path / model
        if _MODEL.fullmatch(model) and not path.is_symlink() and _read(path) is not None:
            _remove(path)


def _slug(reference: str) -> str:
    """A name of safe characters, other references' never the same."""
    if _SAFE.fullmatch(reference):
        return reference
    digest = hashlib.sha256(reference.encode(errors="surrogatepass")).hexdigest()[:16]
    readable = re.sub(r"[^a-z0-9]+", "-", reference.lower()).strip("-")[:32]
    return f"{readable}-{digest}" if readable else digest


def _read(path: Path) -> Record | None:
    try:
        return Record.model_validate_json((path / _RECORD).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return None


def _remove(path: Path) -> None:
    """Remove the folder; its record last, so that it can be told to be ours until the end."""
    _empty(path, keep=(_RECORD,))
    (path / _RECORD).unlink(missing_ok=True)
    path.rmdir()


def _empty(path: Path, keep: tuple[str, ...]) -> None:
    for each in path.iterdir():
        if each.name in keep:
            continue
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
