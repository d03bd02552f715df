"""`medtune encryption`: what is sealed with which key, and sealing it anew.

Files and rows are gone through one by one, and each is whole at any time: whoever is cut off starts
again, and services may read and write meanwhile.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager

from rich.console import Console
from rich.table import Table

from app.commands.database import check_schema, database_errors
from app.commands.service import CommandError
from app.platform.bucket import BucketSettingsError
from app.platform.database import Database
from app.platform.encryption import ColumnCipher, EncryptionError, create_keyring
from app.platform.errors import ApiError
from app.platform.key_check import check_keys, forget_other_keys
from app.platform.sealed_columns import SealedColumns
from app.platform.sealed_files import SealedFiles
from app.platform.sealing import Keyring, new_key
from app.platform.settings import Settings
from app.platform.storage import BLOBS, MODELS, create_store

__all__ = ["new_key", "rotate", "seal", "show"]

_PLAIN = "plain"
_COUNTED = {BLOBS: "blobs", MODELS: "models"}

Counts = dict[str, Counter[str | None]]


def show(settings: Settings, console: Console) -> None:
    """Draw a table of how many there are of each kind, by key."""
    _run(settings, lambda parts: _show(parts, console))


def seal(settings: Settings, console: Console) -> None:
    """Seal what is plain."""
    _run(settings, lambda parts: _reseal(parts, console, plain_only=True))


def rotate(settings: Settings, console: Console) -> None:
    """Seal everything with the first key, and forget the others."""

    async def run(parts: "_Parts") -> None:
        await _reseal(parts, console, plain_only=False)
        await asyncio.to_thread(forget_other_keys, create_store(settings, BLOBS), parts.keyring)
        console.print(f"Nothing needs another key than {parts.keyring.ids[0]}.")

    _run(settings, run)


class _Parts:
    """Where sealed things lie."""

    def __init__(self, settings: Settings, keyring: Keyring, database: Database) -> None:
        self.keyring = keyring
        self.files = {
            what: SealedFiles(create_store(settings, name), keyring)
            for name, what in _COUNTED.items()
        }
        self.columns = SealedColumns(database, keyring)
        self.database = database


async def _show(parts: _Parts, console: Console) -> None:
    counts: Counts = {
        what: await asyncio.to_thread(files.count) for what, files in parts.files.items()
    }
    counts["values"] = await parts.columns.count()
    table = Table("Key", "Blobs", "Models", "Values")
    keys = {key for count in counts.values() for key in count} | set(parts.keyring.ids)
    for key in sorted(keys, key=lambda key: (key is None, key)):
        told = [str(counts[what][key]) for what in ("blobs", "models", "values")]
        table.add_row(_named(key, parts.keyring), *told)
    console.print(table)


async def _reseal(parts: _Parts, console: Console, *, plain_only: bool) -> None:
    """Raises CommandError if there is something that cannot be opened."""
    damaged = 0
    for what, files in parts.files.items():
        done = await asyncio.to_thread(files.reseal, plain_only=plain_only)
        console.print(f"Sealed {what}: {done.sealed}.")
        damaged += _tell_of(done.damaged, console)
    values = await parts.columns.reseal(plain_only=plain_only)
    await parts.database.overwrite_deleted()  # the values as they were
    console.print(f"Sealed values: {values.sealed}.")
    damaged += _tell_of(values.damaged, console)
    if damaged:
        raise CommandError(f"{damaged} could not be opened, and were left as they are.")


def _tell_of(damaged: Sequence[str], console: Console) -> int:
    for name in damaged:
        console.print(f"Cannot be opened: {name}")
    return len(damaged)


def _named(key: str | None, keyring: Keyring) -> str:
    if key is None:
        return _PLAIN
    if key not in keyring.ids:
        return f"{key} (unknown)"
    return f"{key} (seals)" if key == keyring.ids[0] else key


def _run(settings: Settings, act: Callable[[_Parts], Coroutine[None, None, object]]) -> None:
    async def run() -> None:
        async with _parts(settings) as parts:
            await act(parts)

    try:
        with database_errors():
            asyncio.run(run())
    except (ApiError, BucketSettingsError, EncryptionError) as error:
        raise CommandError(f"{error}.".replace("..", ".")) from None


@asynccontextmanager
async def _parts(settings: Settings) -> AsyncIterator[_Parts]:
    """Raises CommandError, EncryptionError."""
    keyring = create_keyring(settings)
    check_keys(settings)
    if keyring is None:
        raise CommandError(
            "MEDTUNE_ENCRYPTION_KEYS is not set; medtune encryption new-key makes one."
        )
    database = Database(settings.sqlalchemy_url, cipher=ColumnCipher(keyring))
    try:
        await check_schema(database)
        yield _Parts(settings, keyring, database)
    finally:
        await database.close()
