"""The form of an upload, checked: the same from a client and from a page."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from app.corpora.documents import is_split_name
from app.datasets.formats import FORMATS
from app.datasets.service import new_dataset_id
from app.platform.errors import ApiError, FieldError
from app.platform.uploads import Upload, UploadedFile, read_multipart
from app.platform.work import Platform


@dataclass
class Received:
    """An upload whose files lie in the blob store; set `kept` once a dataset may name them."""

    dataset_id: str
    upload: Upload
    kept: bool = False


@dataclass(frozen=True)
class NewDataset:
    """Name, format if it is said, and each file with its split if that is said."""

    name: str
    format: str | None
    files: Sequence[tuple[UploadedFile, str | None]]


@asynccontextmanager
async def received(request: Request, platform: Platform) -> AsyncIterator[Received]:
    """The form of a request. Unless it is `kept` at the end of the block, nothing is left of it.

    Raises ApiError as `read_multipart`.
    """
    dataset_id = new_dataset_id()
    upload = await read_multipart(
        request, platform.blobs, dataset_id, files={"file"}, fields={"split", "name", "format"}
    )
    form = Received(dataset_id, upload)
    try:
        yield form
    finally:
        if not form.kept:
            await platform.blobs.discard(dataset_id)


def check(upload: Upload) -> NewDataset:
    """What a form says, as clients send it. Raises ApiError `invalid_request`."""
    files = upload.files
    splits = upload.fields.get("split", [])
    faults = []
    if not files:
        faults.append(FieldError("/file", "missing", "Send at least one file."))
    if splits and len(splits) != len(files):
        faults.append(FieldError("/split", "count", "Give one split for each file, or none."))
    split_of_each: Sequence[str | None] = splits or [None] * len(files)
    return _checked(upload, list(zip(files, split_of_each, strict=False)), faults)


def check_blanks(upload: Upload) -> NewDataset:
    """The same of a page's form: what a browser sends of a field left empty is nothing.

    Each file has its field for the split.
    """
    splits = upload.fields.get("split", [])
    pairs = zip(upload.files, splits + [""] * len(upload.files), strict=False)
    files = [(file, split.strip() or None) for file, split in pairs if file.filename]
    said = {name: [text for text in texts if text] for name, texts in upload.fields.items()}
    fields = {name: texts for name, texts in said.items() if texts}
    faults = [] if files else [FieldError("/file", "missing", "Choose at least one file.")]
    return _checked(Upload([file for file, _ in files], fields), files, faults)


def _checked(
    upload: Upload, files: Sequence[tuple[UploadedFile, str | None]], faults: list[FieldError]
) -> NewDataset:
    splits = [split for _, split in files if split is not None]
    if not all(map(is_split_name, splits)):
        faults.append(FieldError("/split", "invalid", "Use 1 to 50 printable characters."))
    format_name = next(iter(upload.fields.get("format", [])), None)
    if format_name is not None and format_name not in FORMATS:
        faults.append(FieldError("/format", "unknown", f"Formats are {', '.join(FORMATS)}."))
    name = upload.fields.get("name", [files[0][0].filename if files else ""])[0]
    if files and not (name.strip() and len(name) <= 200):
        faults.append(FieldError("/name", "length", "Use 1 to 200 characters, not all blank."))
    if faults:
        raise ApiError("invalid_request", "The form is not valid.", errors=faults)
    return NewDataset(name, format_name, files)
