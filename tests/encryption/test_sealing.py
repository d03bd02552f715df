"""The sealed formats: what is opened is what was sealed, under its name, or it is refused."""

import base64
import pickle
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.platform import sealing
from app.platform.sealing import (
    CHUNK_BYTES,
    HEADER_BYTES,
    DamagedError,
    Keyring,
    UnknownKeyError,
    key_of,
    key_of_text,
    new_key,
)

OLD, NEW = Keyring([b"o" * 32]), Keyring([b"n" * 32])
BOTH = Keyring([b"n" * 32, b"o" * 32])
SMALL = 16  # bytes of a chunk, where many are wanted
# "text" as version 1 seals it with OLD.
FILE_OF_VERSION_1 = base64.b64decode(
    "mk1FRFRVTkUBt7ynNxt5doE9orWJ/esAzo1rI1U49Yu/hPaqLaEx3fqiDUjFSTz5qoxXh4hPuutYG/cp4KiAgoLN7Wah"
    "W53cV/na9RBmPD9nTvLk4qqJoGkOEhupeeI+3oGLtPrB1vY="
)
TEXT_OF_VERSION_1 = "medtune-sealed:1:t7ynNxt5doEuXpb1k0S0ovAzm9fqXpHatxeRcVDjzjZQfpHe9H_LFA=="


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "CHUNK_BYTES", SMALL)


def sealed(content: bytes, name: str = "name", keys: Keyring = OLD) -> bytes:
    return b"".join(keys.seal([content], name))


def opened(content: bytes, name: str = "name", keys: Keyring = OLD) -> bytes:
    return b"".join(keys.open([content], name))


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2),
    st.integers(-2, 2),
    st.lists(st.integers(1, 3 * CHUNK_BYTES), max_size=4),
)
def test_round_trip(chunks: int, more: int, cuts: list[int]) -> None:
    """Any sizes around the edges of chunks, however the bytes arrive."""
    content = (bytes(range(256)) * (CHUNK_BYTES // 128 + 1))[: max(0, chunks * CHUNK_BYTES + more)]

    def cut(data: bytes) -> Iterator[bytes]:
        for begin, end in pairwise(sorted({0, len(data), *(c for c in cuts if c < len(data))})):
            yield data[begin:end]

    file = b"".join(OLD.seal(cut(content), "name"))
    assert b"".join(OLD.open(cut(file), "name")) == content
    tags = max(1, -(-len(content) // CHUNK_BYTES)) * 16
    assert len(file) == HEADER_BYTES + len(content) + tags


def test_what_was_sealed_long_ago_is_opened() -> None:
    """A change of the formats that keeps their version would lose what is stored."""
    assert opened(FILE_OF_VERSION_1) == b"text"
    assert OLD.open_text(TEXT_OF_VERSION_1, "table.column") == "text"


@pytest.mark.usefixtures("small_chunks")
def test_every_single_changed_byte_is_refused() -> None:
    """In header, chunks and tags; without its magic it is another file, and plain."""
    file = sealed(bytes(3 * SMALL + 5))
    for place in range(len(file)):
        changed = bytearray(file)
        changed[place] ^= 0x41
        if place < len(sealing.MAGIC):
            assert opened(bytes(changed)) == changed
        else:
            with pytest.raises((DamagedError, UnknownKeyError)):
                opened(bytes(changed))


@pytest.mark.usefixtures("small_chunks")
def test_every_truncation_and_any_addition_is_refused() -> None:
    """Also at the edges of chunks, and where a whole chunk is left out, doubled or moved."""
    file = sealed(bytes(range(4 * SMALL)))
    for end in range(len(sealing.MAGIC), len(file)):
        with pytest.raises(DamagedError):
            opened(file[:end])
    size = SMALL + 16
    header, chunks = file[:HEADER_BYTES], file[HEADER_BYTES:]
    parts = [chunks[begin : begin + size] for begin in range(0, len(chunks), size)]
    one, two, three, four = parts
    for other in ([one, three, two, four], [one, one, two, three, four], [one, three, four]):
        with pytest.raises(DamagedError):
            opened(header + b"".join(other))
    with pytest.raises(DamagedError):
        opened(file + b"\0")


def test_files_and_headers_cannot_be_swapped() -> None:
    """Neither for another name, nor between two files, though one key has sealed both."""
    one, other = sealed(b"one", "one"), sealed(b"two", "other")
    for file, name in ((one, "other"), (one[:HEADER_BYTES] + other[HEADER_BYTES:], "one")):
        with pytest.raises(DamagedError):
            opened(file, name)


@settings(max_examples=50)
@given(st.binary(max_size=300))
@example(b"")
def test_plain_files_are_read_as_they_are(content: bytes) -> None:
    if not content.startswith(sealing.MAGIC):
        assert opened(content) == content
        assert key_of(content) is None


def test_new_header_for_a_new_key() -> None:
    """The content stays as it is, the old key alone opens it no more; a plain file is sealed."""
    old = sealed(b"text" * 1000)
    new = b"".join(BOTH.reseal([old], "name"))
    assert (key_of(old), key_of(new)) == (OLD.ids[0], NEW.ids[0])
    assert new[HEADER_BYTES:] == old[HEADER_BYTES:]
    assert opened(new, keys=NEW) == b"text" * 1000
    with pytest.raises(UnknownKeyError, match=NEW.ids[0]):
        opened(new)
    assert opened(b"".join(BOTH.reseal([b"plain"], "name")), keys=NEW) == b"plain"


@given(st.text(max_size=50), st.data())
def test_texts(text: str, data: st.DataObject) -> None:
    """Opened for their column alone; none of their characters can be another."""
    value = OLD.seal_text(text, "table.column")
    assert BOTH.open_text(value, "table.column") == text
    assert key_of_text(value) == OLD.ids[0]
    with pytest.raises(DamagedError):
        OLD.open_text(value, "table.other")
    with pytest.raises(UnknownKeyError):
        NEW.open_text(value, "table.column")
    place = data.draw(st.integers(len(sealing.TEXT_PREFIX), len(value.rstrip("=")) - 2))
    other = value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :]
    with pytest.raises((DamagedError, UnknownKeyError)):
        OLD.open_text(other, "table.column")


@pytest.mark.parametrize("text", ["", "plain", sealing.TEXT_PREFIX, sealing.TEXT_PREFIX + "é"])
def test_plain_texts_are_read_as_they_are(text: str) -> None:
    assert OLD.open_text(text, "table.column") == text
    assert key_of_text(text) is None


def test_nothing_is_sealed_twice_alike() -> None:
    """Whoever sees two sealed values cannot tell whether they are the same."""
    assert sealed(b"same") != sealed(b"same")
    assert OLD.seal_text("same", "t.c") != OLD.seal_text("same", "t.c")


def test_no_nonce_or_key_is_used_twice() -> None:
    """Of two files neither the nonce of the wrapped key, nor the data key, nor the prefix; a new
    header has a new nonce."""
    one, other = sealed(b"same")[:HEADER_BYTES], sealed(b"same")[:HEADER_BYTES]
    new = b"".join(OLD.reseal([one], "name"))
    nonce = slice(17, 29)
    assert len({header[nonce] for header in (one, other, new)}) == 3
    (key, prefix), (other_key, other_prefix) = (
        OLD._unwrapped(each, "name") for each in (one, other)
    )
    assert key != other_key
    assert prefix != other_prefix


def test_keys_of_settings() -> None:
    """As they are made; what is no key is refused. Keyrings are handed on, and never shown."""
    key = new_key()
    keys = Keyring.of_settings([key])
    assert opened(sealed(b"x", keys=keys), keys=pickle.loads(pickle.dumps(keys))) == b"x"
    assert key not in repr(keys)
    for bad in ("", "short", key[:-4], key + "AAAA", "é" * 44):
        with pytest.raises(ValueError):  # noqa: PT011 - whichever says so
            Keyring.of_settings([bad])
