"""Remembers in the blob store which keys have sealed something, so that no process starts without.

For each key it keeps a known word, sealed: a process with another key, or none, is told at once
what is missing, and writes nothing that others could not read.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from app.platform.encryption import EncryptionError, create_keyring
from app.platform.errors import ApiError
from app.platform.objects import Store
from app.platform.sealed_objects import put_pieces
from app.platform.settings import Settings
from app.platform.storage import BLOBS, create_store

if TYPE_CHECKING:
    from app.platform.sealing import Keyring

log = structlog.get_logger(__name__)

KEY_CHECK = "encryption-keys.json"
_WORD, _COLUMN = "medtune", "key check"


def check_keys(settings: Settings) -> None:
    """See that the settings have each key that has sealed something, and note the first of them.

    Raises EncryptionError. Of a store that does not answer nothing can be said: whatever is read
    from it later is checked anyway.
    """
    keyring, store = create_keyring(settings), create_store(settings, BLOBS)
    try:
        known = _known(store)
        if keyring is None:
            if known:
                raise EncryptionError(
                    f"the data is encrypted; MEDTUNE_ENCRYPTION_KEYS needs {_named(known)}"
                )
            return
        _compare(keyring, known)
        if keyring.ids[0] not in known:
            note_keys(store, {**known, **_entry(keyring)})
    except ApiError as error:
        log.warning("keys_not_checked", code=error.code)


def forget_other_keys(store: Store, keyring: "Keyring") -> None:
    """Once nothing is sealed with another one, remember the first key alone."""
    note_keys(store, _entry(keyring))


def note_keys(store: Store, known: Mapping[str, str]) -> None:
    """Write the file."""
    put_pieces(store, [json.dumps(known, indent=1).encode()], KEY_CHECK)


def _compare(keyring: "Keyring", known: Mapping[str, str]) -> None:
    from app.platform.sealing import DamagedError

    if missing := {key: known[key] for key in known if key not in keyring.ids}:
        raise EncryptionError(
            f"MEDTUNE_ENCRYPTION_KEYS lacks {_named(missing)}, which data is encrypted with"
        )
    try:
        wrong = any(keyring.open_text(text, _COLUMN) != _WORD for text in known.values())
    except DamagedError:
        wrong = True
    if wrong:
        raise EncryptionError(
            f"a key of MEDTUNE_ENCRYPTION_KEYS is wrong, or {KEY_CHECK} in the blob store damaged"
        )


def _known(store: Store) -> dict[str, str]:
    """By the key's id the word that it sealed. Raises ApiError, EncryptionError."""
    try:
        known = json.loads(b"".join(store.read(KEY_CHECK)))
    except FileNotFoundError:
        return {}
    except ValueError:
        known = None
    if not isinstance(known, dict) or not all(isinstance(each, str) for each in known.values()):
        raise EncryptionError(f"{KEY_CHECK} in the blob store is damaged")
    return known


def _entry(keyring: "Keyring") -> dict[str, str]:
    return {keyring.ids[0]: keyring.seal_text(_WORD, _COLUMN)}


def _named(known: Mapping[str, str]) -> str:
    ids = sorted(known)
    return f"the key {ids[0]}" if len(ids) == 1 else f"the keys {', '.join(ids)}"
