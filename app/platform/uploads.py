"""Multipart uploads, streamed: each file goes straight to a blob and is hashed on its way.

Memory stays flat whatever the size. Fields are kept in order, since a client may say one thing
for each file by repeating a field.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence, Set
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.platform.blobs import Blobs, BlobWriter
from app.platform.errors import ApiError, invalid_field

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_BATCH = 1 << 20
_MAX_FIELD_BYTES = 10_000
_MAX_PARTS = 1_000


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file part: its field of the form, where its bytes lie, and what they hash to."""

    field: str
    filename: str
    blob: str
    sha256: str
    bytes: int


@dataclass
class Upload:
    """All parts of a form, in order."""

    files: list[UploadedFile] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Received:
    """A form whose files are blobs of `owner`: say that it is `kept` once a row may name them."""

    owner: str
    upload: Upload
    kept: bool = False


AtFirstFile = Callable[[Mapping[str, Sequence[str]]], Awaitable[None]]


class _Receiver:
    """Takes the parser's callbacks; one part at a time is open."""

    def __init__(self, blobs: Blobs, owner: str, stack: ExitStack, names: "_Names") -> None:
        self.upload = Upload()
        self._names = names
        self.ended = False
        self.files_begun = False
        self._blobs = blobs
        self._owner = owner
        self._stack = stack
        self._parts = 0

    def callbacks(self) -> "MultipartCallbacks":
        """The callbacks of python-multipart."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._open,
            "on_part_data": self._data,
            "on_part_end": self._close,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise ApiError("malformed_request", "The form has too many parts.")
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._writer: BlobWriter | None = None
        self._text = bytearray()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _open(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        is_file = b"filename" in options
        if self._field not in (self._names.files if is_file else self._names.fields):
            raise self._names.unknown(is_file)
        if is_file:
            self._filename = options[b"filename"].decode("utf-8", "replace")[:255]
            self.files_begun = True
            self._writer = self._stack.enter_context(self._blobs.writer(self._owner))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._writer is not None:
            self._writer.write(memoryview(data)[start:end])
        elif len(self._text) + end - start > _MAX_FIELD_BYTES:
            raise ApiError("malformed_request", "A field of the form is too long.")
        else:
            self._text += data[start:end]

    def _close(self) -> None:
        if self._writer is None:
            value = self._text.decode("utf-8", "replace")
            self.upload.fields.setdefault(self._field, []).append(value)
            return
        self._stack.close()
        self.upload.files.append(
            UploadedFile(
                field=self._field,
                filename=self._filename,
                blob=self._writer.key,
                sha256=self._writer.sha256,
                bytes=self._writer.size,
            )
        )

    def _end(self) -> None:
        self.ended = True


@dataclass(frozen=True, slots=True)
class _Names:
    """The names a form may have: a field misspelt would otherwise be a field unheard."""

    files: Set[str]
    fields: Set[str]

    def unknown(self, is_file: bool) -> ApiError:
        kind, known = ("file", self.files) if is_file else ("field", self.fields)
        detail = f"A {kind} of the form has another name than: {', '.join(sorted(known))}."
        return invalid_field("", "unknown_field", detail)


async def read_multipart(
    request: Request,
    blobs: Blobs,
    owner: str,
    *,
    files: Set[str],
    fields: Set[str],
    at_first_file: AtFirstFile | None = None,
) -> Upload:
    """Read the request's form, of these file and field names; files become blobs of `owner`.

    `at_first_file` is given the fields before the first file once that has begun; what it raises
    ends the upload.

    Raises ApiError `unsupported_media_type`, `malformed_request`, `invalid_request`, `storage_full`
    or `storage_unavailable`; then, as on every other failure, nothing is left of what was received.
    """
    kind, options = parse_options_header(request.headers.get("content-type", "").encode("latin-1"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise ApiError("unsupported_media_type", "Send the files as multipart/form-data.")
    try:
        with ExitStack() as stack:
            receiver = _Receiver(blobs, owner, stack, _Names(files, fields))
            parser = MultipartParser(boundary, receiver.callbacks())
            batch = bytearray()
            async for chunk in request.stream():
                batch += chunk
                if len(batch) >= _BATCH:
                    await asyncio.to_thread(parser.write, bytes(batch))
                    batch.clear()
                    if at_first_file is not None and receiver.files_begun:
                        await at_first_file(receiver.upload.fields)
                        at_first_file = None
            await asyncio.to_thread(parser.write, bytes(batch))
            parser.finalize()
            if not receiver.ended:
                raise ApiError("malformed_request", "The form ended too early.")
        return receiver.upload
    except FormParserError:
        await blobs.discard(owner)
        raise ApiError("malformed_request", "The form could not be read.") from None
    except BaseException:
        await blobs.discard(owner)
        raise


@asynccontextmanager
async def received(
    request: Request,
    blobs: Blobs,
    owner: str,
    *,
    files: Set[str],
    fields: Set[str],
    at_first_file: AtFirstFile | None = None,
) -> AsyncIterator[Received]:
    """The same, for the length of a block: unless it is `kept` at its end, nothing is left of it.

    Raises as `read_multipart`.
    """
    form = Received(
        owner,
        await read_multipart(
            request, blobs, owner, files=files, fields=fields, at_first_file=at_first_file
        ),
    )
    try:
        yield form
    finally:
        if not form.kept:
            await blobs.discard(owner)
