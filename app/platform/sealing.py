"""Seals files and short texts with keys, and opens them unchanged or not at all.

A sealed file, version 1:

    magic 8, version 1, key id 8, nonce 12, wrapped data key 48, prefix 7       bytes of the header
    chunks of 1 MiB, the last one shorter, each with a tag of 16 bytes          AES-256-GCM

The data key is the file's own, wrapped by the key that the id names. The nonce of a chunk is the
prefix, the chunk's number and whether it is the last: the STREAM construction (Hoang, Reyhanitabar,
Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015).
Name and header are authenticated with each chunk. So a file that was changed, cut off, put together
anew or given another file's name is refused; what was read of it before has to be thrown away.

A sealed text is `medtune-sealed:1:` and, in base64url, key id, nonce and AES-256-GCM of the text,
bound to the column it is for.

The only file that imports cryptography, which is an extra.
"""

import base64
import binascii
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"\x9aMEDTUNE"  # no text begins so
VERSION = 1
CHUNK_BYTES = 1 << 20
TEXT_PREFIX = "medtune-sealed:1:"
KEY_BYTES = 32
_TAG_BYTES = 16
_HEADER = struct.Struct(">8sB8s12s48s7s")
_NONCE = struct.Struct(">7sIB")
HEADER_BYTES = _HEADER.size
_ID = slice(9, 17)


class DamagedError(Exception):
    """What is to be opened is not what was sealed, or not under this name."""


class UnknownKeyError(Exception):
    """It was sealed with a key that is not among these; `key_id` tells with which."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"the key {key_id} is needed")
        self.key_id = key_id


def new_key() -> str:
    """A new key, as the settings take it."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


class Keyring:
    """Keys, of which the first seals and all open; cheap to make and pickle, safe in any thread.

    The keys are 32 bytes each. Raises ValueError if one is not, or there is none.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError("a key has 32 bytes")
        self._keys = tuple(keys)
        ids = [sha256(key).digest()[:8] for key in keys]
        self._first = ids[0]
        self._files = {id_: _derived(key, b"files") for id_, key in zip(ids, keys, strict=True)}
        self._texts = {id_: _derived(key, b"texts") for id_, key in zip(ids, keys, strict=True)}
        self.ids = tuple(id_.hex() for id_ in ids)

    @classmethod
    def of_settings(cls, keys: Iterable[str]) -> "Keyring":
        """Of keys as `new_key` makes them. Raises ValueError."""
        return cls([base64.b64decode(key, altchars=b"-_", validate=True) for key in keys])

    def __reduce__(self) -> tuple[object, ...]:
        return Keyring, (self._keys,)

    def seal(self, content: Iterable[bytes], name: str) -> Iterator[bytes]:
        """The sealed file of this content, piece by piece."""
        data_key, prefix = os.urandom(KEY_BYTES), os.urandom(7)
        yield self._header(data_key, prefix, name)
        cipher, bound = AESGCM(data_key), _bound(prefix, name)
        for number, (chunk, last) in enumerate(_pieces(content, CHUNK_BYTES)):
            yield cipher.encrypt(_NONCE.pack(prefix, number, last), chunk, bound)

    def open(self, content: Iterable[bytes], name: str) -> Iterator[bytes]:
        """The content of a sealed file, piece by piece; of one that is plain as it is.

        Raises DamagedError, at the latest at its end, UnknownKeyError.
        """
        header, rest = _begun(content)
        if header is None:
            yield from rest
            return
        data_key, prefix = self._unwrapped(header, name)
        cipher, bound = AESGCM(data_key), _bound(prefix, name)
        for number, (chunk, last) in enumerate(_pieces(rest, CHUNK_BYTES + _TAG_BYTES)):
            try:
                yield cipher.decrypt(_NONCE.pack(prefix, number, last), chunk, bound)
            except (InvalidTag, struct.error):
                raise DamagedError("the file is not the one that was sealed") from None

    def reseal(self, content: Iterable[bytes], name: str) -> Iterator[bytes]:
        """The same file for the first key: a sealed one gets a new header, a plain one is sealed.

        Raises as `open`, for the header alone.
        """
        header, rest = _begun(content)
        if header is None:
            yield from self.seal(rest, name)
            return
        data_key, prefix = self._unwrapped(header, name)
        yield self._header(data_key, prefix, name)
        yield from rest

    def seal_text(self, text: str, column: str) -> str:
        """The text, sealed for a column."""
        nonce = os.urandom(12)
        sealed = AESGCM(self._texts[self._first]).encrypt(nonce, text.encode(), column.encode())
        return TEXT_PREFIX + base64.urlsafe_b64encode(self._first + nonce + sealed).decode()

    def open_text(self, text: str, column: str) -> str:
        """What was sealed; what was not is given back. Raises DamagedError, UnknownKeyError."""
        raw = _sealed_text(text)
        if raw is None:
            return text
        id_, nonce, sealed = raw[:8], raw[8:20], raw[20:]
        if id_ not in self._texts:
            raise UnknownKeyError(id_.hex())
        try:
            return AESGCM(self._texts[id_]).decrypt(nonce, sealed, column.encode()).decode()
        except InvalidTag:
            raise DamagedError("the value is not the one that was sealed") from None

    def _header(self, data_key: bytes, prefix: bytes, name: str) -> bytes:
        id_, nonce = self._first, os.urandom(12)
        bound = id_ + _bound(prefix, name)
        wrapped = AESGCM(self._files[id_]).encrypt(nonce, data_key, bound)
        return _HEADER.pack(MAGIC, VERSION, id_, nonce, wrapped, prefix)

    def _unwrapped(self, header: bytes, name: str) -> tuple[bytes, bytes]:
        """Data key and prefix."""
        if len(header) < HEADER_BYTES:
            raise DamagedError("the file is cut off")
        _, version, id_, nonce, wrapped, prefix = _HEADER.unpack(header)
        if version != VERSION:
            raise DamagedError(f"the file is sealed in a format of version {version}")
        if id_ not in self._files:
            raise UnknownKeyError(id_.hex())
        bound = id_ + _bound(prefix, name)
        try:
            return AESGCM(self._files[id_]).decrypt(nonce, wrapped, bound), prefix
        except InvalidTag:
            raise DamagedError("the file is not the one that was sealed") from None


def key_of(header: bytes) -> str | None:
    """The id of the key that a file with this beginning was sealed with; None: it is plain."""
    return header[_ID].hex() if header.startswith(MAGIC) else None


def key_of_text(text: str) -> str | None:
    """The same for a text."""
    raw = _sealed_text(text)
    return None if raw is None else raw[:8].hex()


def _derived(key: bytes, purpose: bytes) -> bytes:
    info = b"medtune sealing 1 " + purpose
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(key)


def _bound(prefix: bytes, name: str) -> bytes:
    """What is authenticated beside the bytes; all that is in front of the name has one length."""
    return MAGIC + bytes([VERSION]) + prefix + name.encode()


def _sealed_text(text: str) -> bytes | None:
    """The bytes of a sealed text; None if it is plain."""
    if not text.startswith(TEXT_PREFIX):
        return None
    try:
        raw = base64.b64decode(text[len(TEXT_PREFIX) :], altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) >= 20 + _TAG_BYTES else None


def _begun(content: Iterable[bytes]) -> tuple[bytes | None, Iterator[bytes]]:
    """The header of a file, None if it is plain, and what follows."""
    pieces = iter(content)
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= HEADER_BYTES:
            break
    if not head.startswith(MAGIC):
        return None, chain([head], pieces)
    return head[:HEADER_BYTES], chain([head[HEADER_BYTES:]], pieces)


def _pieces(content: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Pieces of one size, each with whether it is the last; that may be shorter, or empty."""
    buffer = bytearray()
    for data in content:
        buffer += data
        while len(buffer) > size:
            yield bytes(buffer[:size]), False
            del buffer[:size]
    yield bytes(buffer), True
