"""Which texts have been seen, at 18 to 36 bytes for each: millions of them come in one upload."""

from array import array
from hashlib import blake2b

_FIRST_SLOTS = 1 << 10


class SeenTexts:
    """A table of 64-bit hashes of texts and the numbers of the documents that had them first.

    Open addressing with linear probing; a hash of 0 is an empty slot. Among ten million texts two
    are taken for the same by chance once in 370,000 times.
    """

    def __init__(self) -> None:
        self._count = 0
        self._hashes = _zeros("Q", _FIRST_SLOTS)
        self._numbers = _zeros("I", _FIRST_SLOTS)

    def first(self, text: str, number: int) -> int:
        """The number of the first document with this text: `number`, if it is new."""
        digest = blake2b(text.encode(errors="replace"), digest_size=8).digest()
        key = int.from_bytes(digest) or 1
        slot = self._slot(key)
        if self._hashes[slot]:
            return self._numbers[slot]
        self._hashes[slot], self._numbers[slot] = key, number
        self._count += 1
        if 3 * self._count > 2 * len(self._hashes):
            self._grow()
        return number

    def _slot(self, key: int) -> int:
        """Where the key is, or the empty slot where it belongs."""
        mask = len(self._hashes) - 1
        slot = key & mask
        while (found := self._hashes[slot]) and found != key:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        hashes, numbers = self._hashes, self._numbers
        self._hashes = _zeros("Q", 2 * len(hashes))
        self._numbers = _zeros("I", 2 * len(hashes))
        for key, number in zip(hashes, numbers, strict=True):
            if key:
                slot = self._slot(key)
                self._hashes[slot], self._numbers[slot] = key, number


def _zeros(kind: str, length: int) -> "array[int]":
    return array(kind, bytes(length * array(kind).itemsize))
