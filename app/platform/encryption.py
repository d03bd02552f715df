"""Encryption at rest, as the settings want it: the keys, and where plain copies lie meanwhile.

Without keys in the settings nothing is sealed, and nothing of `cryptography` is loaded. With them,
whatever a process needs in plain lies in its folder below `plain_folder`, which is memory unless
the settings say otherwise, and is emptied when a process starts and when it ends.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from app.platform.errors import ApiError
from app.platform.settings import Settings

if TYPE_CHECKING:
    from app.platform.sealing import Keyring

log = structlog.get_logger(__name__)

_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder below it is checked to be ours alone
# Where programs put what they need for a moment: Python's, and SQLite's.
_TEMPORARY = ("TMPDIR", "SQLITE_TMPDIR")


class EncryptionError(Exception):
    """Something that whoever runs the service has to mend; the message says what, and no key."""


def create_keyring(settings: Settings) -> "Keyring | None":
    """The keys of the settings, None if there are none. Raises EncryptionError."""
    if not settings.encryption_keys:
        return None
    try:
        # Only here: without the setting nothing of it is loaded.
        from app.platform.sealing import Keyring
    except ModuleNotFoundError:
        raise EncryptionError(
            "MEDTUNE_ENCRYPTION_KEYS is set, and encryption needs pip install medtune[encryption]"
        ) from None
    try:
        return Keyring.of_settings(key.get_secret_value() for key in settings.encryption_keys)
    except ValueError:
        raise EncryptionError(
            "MEDTUNE_ENCRYPTION_KEYS holds something that is no key; medtune encryption new-key "
            "makes one"
        ) from None


class ColumnCipher:
    """What columns are sealed with; a `Cipher` of the tables."""

    def __init__(self, keyring: "Keyring") -> None:
        self._keyring = keyring

    def seal(self, text: str, column: str) -> str:
        """The text, sealed for a column."""
        return self._keyring.seal_text(text, column)

    def open(self, text: str, column: str) -> str:
        """What was sealed, or the text if it is plain. Raises ApiError `storage_damaged`."""
        from app.platform.sealing import DamagedError, UnknownKeyError

        try:
            return self._keyring.open_text(text, column)
        except (DamagedError, UnknownKeyError) as error:
            log.error("value_damaged", column=column, error=type(error).__name__)  # noqa: TRY400
            raise ApiError("storage_damaged", "A value is not the one that was stored.") from None


def create_cipher(settings: Settings) -> ColumnCipher | None:
    """For the columns; None without keys. Raises EncryptionError."""
    keyring = create_keyring(settings)
    return None if keyring is None else ColumnCipher(keyring)


def plain_folder(settings: Settings) -> Path:
    """Below it each process has a folder for what it needs in plain; nothing is made here."""
    if settings.plain_dir is not None:
        return settings.plain_dir.absolute()
    data = str(settings.data_dir.absolute()).encode()
    return _MEMORY / f"medtune-{hashlib.sha256(data).hexdigest()[:16]}"


def make_plain_folder(settings: Settings) -> None:
    """Make that folder, for nobody else to enter. Raises EncryptionError if it cannot be had."""
    folder = plain_folder(settings)
    if settings.plain_dir is None and not _MEMORY.is_dir():
        raise EncryptionError(
            "this machine has no /dev/shm; set MEDTUNE_PLAIN_DIR to a folder in memory, for plain "
            "copies of encrypted files"
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise EncryptionError(
            f"the folder for plain copies, {folder}, cannot be made ({type(error).__name__})"
        ) from None
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    if not ours or stat.S_IMODE(status.st_mode) & 0o077:
        raise EncryptionError(
            f"the folder for plain copies, {folder}, may be entered by others; give it to the user "
            "of the service, with mode 0700"
        )


@contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """For the length of the block this process and those it starts put temporary files there."""
    folder.mkdir(parents=True, exist_ok=True)
    before, python_before = {name: os.environ.get(name) for name in _TEMPORARY}, tempfile.tempdir
    os.environ.update(dict.fromkeys(_TEMPORARY, str(folder)))
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = python_before
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
