"""The files of a store, sealed anew one by one: a file is always there, as it was or as it will be.

A file that another key has sealed gets a new header; its content is copied as it is. Each is read
as a stream and written beside the store first.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field

from app.platform.key_check import KEY_CHECK
from app.platform.objects import Store
from app.platform.sealed_objects import put_pieces
from app.platform.sealing import HEADER_BYTES, DamagedError, Keyring, UnknownKeyError, key_of


@dataclass
class Resealed:
    """How many were sealed anew, and which cannot be opened and were left as they are."""

    sealed: int = 0
    damaged: list[str] = field(default_factory=list)


class SealedFiles:
    """Raises what the store does."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def count(self) -> Counter[str | None]:
        """How many files are sealed with each key; None stands for plain."""
        return Counter(key for _, key in self._keys())

    def reseal(self, *, plain_only: bool) -> Resealed:
        """Seal with the first key what is plain, or else whatever it has not sealed."""
        done = Resealed()
        for name, key in self._keys():
            if key == self._keyring.ids[0] or (plain_only and key is not None):
                continue
            with suppress(FileNotFoundError):  # it was deleted meanwhile
                try:
                    with closing(self._store.read(name)) as pieces:
                        put_pieces(self._store, self._resealed(pieces, name), name)
                except (DamagedError, UnknownKeyError):
                    done.damaged.append(name)
                else:
                    done.sealed += 1
        return done

    def _resealed(self, pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
        yield from self._keyring.reseal(pieces, name)
        # What was deleted in the time that took must not come back: FileNotFoundError.
        self._store.read(name).close()

    def _keys(self) -> Iterator[tuple[str, str | None]]:
        """Each file with the key that has sealed it."""
        for each in self._store.stored():
            if each.name == KEY_CHECK:
                continue
            with suppress(FileNotFoundError), closing(self._store.read(each.name)) as pieces:
                head = b""
                for piece in pieces:
                    head += piece
                    if len(head) >= HEADER_BYTES:
                        break
                yield each.name, key_of(head)
