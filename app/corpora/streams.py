"""Reading bytes with an eye on memory: no reader ever holds more than one document.

Readers call `restart` at each document's end; a document that never ends is refused instead of
being collected for ever.
"""

from typing import BinaryIO

from app.corpora.problems import Report, problem

# The largest single document (or line) read, in bytes of the file. BC5CDR's largest takes 20 kB;
# decoded, one of this size may take 100 times as much in the worst case.
MAX_DOCUMENT_BYTES = 2 * 2**20

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class DocumentTooLargeError(Exception):
    """More than MAX_DOCUMENT_BYTES were read since the last `restart`."""


class DocumentStream:
    """`stream` without its byte order mark, refusing to read too much for one document.

    `ended` tells whether all was read, `last` the last byte that was no white space.
    """

    def __init__(self, stream: BinaryIO, report: Report) -> None:
        self.ended = False
        self.last = b""
        self._stream = stream
        self._report = report
        self._size = 0

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`; empty at the end. Raises DocumentTooLargeError."""
        if self._size > MAX_DOCUMENT_BYTES:
            raise DocumentTooLargeError
        chunk = self._stream.read(size)
        if not self.last and chunk.startswith(BYTE_ORDER_MARK):
            self._report(problem("byte_order_mark", line=1))
            chunk = chunk[len(BYTE_ORDER_MARK) :] or self._stream.read(size)
        self.ended = not chunk
        self.last = chunk[-100:].rstrip()[-1:] or self.last
        self._size += len(chunk)
        return chunk

    def restart(self) -> None:
        """A document ended: the count begins anew."""
        self._size = 0
