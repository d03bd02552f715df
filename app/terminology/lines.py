"""The lines of a text file, in constant memory."""

from collections.abc import Iterator
from typing import BinaryIO

from app.corpora.streams import BYTE_ORDER_MARK
from app.terminology.concepts import VocabularyError

# The longest line read, in bytes: the longest of CTD's takes less than a tenth of it.
MAX_LINE_BYTES = 2**20


def lines(stream: BinaryIO) -> Iterator[tuple[int, str]]:
    """Each line that is not blank, without its ending, with its number (from 1).

    Raises VocabularyError (`line_too_long`, `bad_utf8`, `invalid_character`), and what the stream
    raises.
    """
    number = 0
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(raw) > MAX_LINE_BYTES:
            detail = f"A line is longer than {MAX_LINE_BYTES} bytes."
            raise VocabularyError("line_too_long", detail, number)
        if number == 1:
            raw = raw.removeprefix(BYTE_ORDER_MARK)
        if b"\0" in raw:
            raise VocabularyError("invalid_character", "There is a NUL character.", number)
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise VocabularyError("bad_utf8", "The text is not UTF-8.", number) from None
        line = line.rstrip("\r\n")
        if line.strip():
            yield number, line
