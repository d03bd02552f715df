"""Texts of a file or of stdin, as entries of a batch: plain text, a text a line, or JSONL."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Literal

from app.commands.service import CommandError
from app.extraction_batches.entries import Entry, of_text
from app.extraction_batches.reading import read_jsonl

Kind = Literal["text", "lines", "jsonl"]

# The server has the limit that counts; this one keeps a line from filling the memory.
_MOST_CHARACTERS = 10_000_000


@contextmanager
def opened(given: str) -> Iterator[BinaryIO]:
    """The file, or stdin for `-`. Raises CommandError if it cannot be opened."""
    if given == "-":
        yield sys.stdin.buffer if sys.stdin else BytesIO()  # there is none where it was closed
        return
    try:
        stream = Path(given).open("rb")  # noqa: SIM115 - closed below, outside of this `try`
    except OSError as error:
        raise CommandError(f"{given} cannot be read: {error.strerror}.") from error
    with stream:
        yield stream


def read(stream: BinaryIO, kind: Kind) -> Iterator[Entry]:
    """An entry for each text, in order; lines that are blank are none. Raises CommandError.

    A line of JSONL that cannot be read is an entry with a fault, as in a batch.
    """
    if kind == "jsonl":
        yield from read_jsonl(stream, _MOST_CHARACTERS)
        return
    whole: Iterable[bytes] = [stream.read()] if kind == "text" else stream
    index = 0
    for number, part in enumerate(whole, 1):
        try:
            text = part.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            where = "The text" if kind == "text" else f"Line {number}"
            raise CommandError(f"{where} is not UTF-8.") from None
        if kind == "lines":
            text = text.rstrip("\r\n")
            if not text.strip():
                continue
        yield of_text(index, str(index), text)
        index += 1
