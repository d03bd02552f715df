"""Files sent to a client: streamed from an open file, whole, and closed whatever happens.

Starlette's own FileResponse answers a wrong `Range` in plain text and then skips its clean-up.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO

from starlette.responses import StreamingResponse

_CHUNK = 1 << 18


def download(file: BinaryIO, media_type: str, filename: str) -> StreamingResponse:
    """Send an open file from its beginning on, to be saved under `filename` (ours, plain ASCII)."""
    # Seeking writes out what is still in the buffer; the size of the file on disk would lack it.
    headers = {
        "Content-Length": str(file.seek(0, os.SEEK_END)),
        "Content-Disposition": f'attachment; filename="{filename}"',
    }
    return StreamingResponse(_chunks(file), media_type=media_type, headers=headers)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk
