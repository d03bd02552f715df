"""A store whose files are sealed, on top of another one; they are read from plain copies.

The name of a file is still the sha256 of its plain bytes. What was stored before there were keys is
plain, and read as it is: its name vouches for it. What is written lies in the folder of the copies
until it is finished, and is there no more once it is stored.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.platform.copies import Copies, damaged
from app.platform.objects import Store, Stored, written

if TYPE_CHECKING:
    from app.platform.sealing import Keyring

_PIECE_BYTES = 1 << 20
# Copies lie in memory: what was handed out longer ago may go.
_HANDED_OUT_SECONDS = 300


class SealedObjects:
    """Files of a store, sealed with a keyring, with plain copies of at most `most_bytes` in a
    folder. Raises as `Objects` says."""

    def __init__(self, store: Store, keyring: "Keyring", folder: Path, most_bytes: int) -> None:
        self._arguments = (store, keyring, folder, most_bytes)
        self._store = store
        self._keyring = keyring
        self._copies = Copies(folder, most_bytes, handed_out_seconds=_HANDED_OUT_SECONDS)

    def __reduce__(self) -> tuple[object, ...]:
        return SealedObjects, self._arguments

    def place(self, name: str) -> Path:
        """Where the plain copy is, or will be."""
        return self._copies.place(name)

    def fetch(self, name: str) -> Path:
        """The plain copy; waits until it is opened."""
        return self._copies.fetch(name, lambda: self._opened(name))

    async def local(self, name: str) -> Path:
        """As `fetch`."""
        return await self._copies.local(name, lambda: self._opened(name))

    async def ping(self) -> None:
        """Raise if the store does not answer."""
        await self._store.ping()

    def keep(self, file: Path, name: str) -> None:
        """Store the file, sealed."""
        with file.open("rb") as plain:
            content = iter(partial(plain.read, _PIECE_BYTES), b"")
            put_pieces(self._store, self._keyring.seal(content, name), name)
        file.unlink()

    def delete(self, name: str) -> None:
        """Remove the file and the copy."""
        self._store.delete(name)
        self._copies.delete(name)

    def delete_folder(self, name: str) -> None:
        """Remove the files and the copies."""
        self._store.delete_folder(name)
        self._copies.delete_folder(name)

    def stored(self) -> Iterator[Stored]:
        """All files, with their sizes as they are stored."""
        return self._store.stored()

    def copies(self) -> Iterator[Stored]:
        """All plain copies of this process."""
        return self._copies.stored()

    def drop_copy(self, name: str) -> None:
        """Remove a copy."""
        self._copies.delete(name)

    def sweep(self, older_than: float, dry_run: bool = False) -> tuple[int, int]:
        """Remove unfinished files, sealed and plain."""
        sealed, plain = (each.sweep(older_than, dry_run) for each in (self._store, self._copies))
        return sealed[0] + plain[0], sealed[1] + plain[1]

    def _opened(self, name: str) -> Iterator[bytes]:
        return _opened(self._keyring, self._store.read(name), name)


def put_pieces(store: Store, pieces: Iterable[bytes], name: str) -> None:
    """Store a file that is made piece by piece: whole, or not at all."""
    with written(store.place(name).parent, pieces) as file:
        store.put(file, name)


def _opened(keyring: "Keyring", pieces: Generator[bytes, None, None], name: str) -> Iterator[bytes]:
    from app.platform.sealing import DamagedError, UnknownKeyError

    try:
        with closing(pieces):
            yield from keyring.open(pieces, name)
    except (DamagedError, UnknownKeyError):
        raise damaged(name) from None
