"""Reading bytes with an eye on memory: no reader ever holds more than one document.

Readers call `restart` at each document's end; a document that never ends is refused instead of
being collected for ever.
"""

from typing import BinaryIO

from app.corpora.problems import Report, problem

# The largest single document (or line) read, in bytes of the file. BC5CDR's largest takes 20 kB.
MAX_DOCUMENT_BYTES = 4 * 2**20

_BOM = b"\xef\xbb\xbf"


class DocumentTooLargeError(Exception):
    """More than MAX_DOCUMENT_BYTES were read since the last `restart`."""


class DocumentStream:
    """`stream` without its byte order mark, refusing to read too much for one document."""

    def __init__(self, stream: BinaryIO, report: Report) -> None:
        self._stream = stream
        self._report = report
        self._size = 0
        self._started = False

    def read(self, size: int = 2**16) -> bytes:
        """The next bytes, at most `size`; empty at the end. Raises DocumentTooLargeError."""
        chunk = self._stream.read(size)
        if not self._started:
            self._started = True
            if chunk.startswith(_BOM):
                self._report(problem("byte_order_mark", line=1))
                chunk = chunk[len(_BOM) :] or self._stream.read(size)
        self._size += len(chunk)
        if self._size > MAX_DOCUMENT_BYTES:
            raise DocumentTooLargeError
        return chunk

    def restart(self) -> None:
        """A document ended: the count begins anew."""
        self._size = 0
