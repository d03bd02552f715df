"""The form of an upload, checked: the same from a client and from a page."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from fastapi import Request

from app.corpora.documents import is_split_name
from app.datasets.formats import FORMATS
from app.datasets.service import new_dataset_id
from app.platform import uploads
from app.platform.errors import ApiError, FieldError
from app.platform.uploads import Received, Upload, UploadedFile
from app.platform.work import Platform


@dataclass(frozen=True)
class NewDataset:
    """Name, format if it is said, and each file with its split if that is said."""

    name: str
    format: str | None
    files: Sequence[tuple[UploadedFile, str | None]]


def received(request: Request, platform: Platform) -> AbstractAsyncContextManager[Received]:
    """The form of a request, whose files are a new dataset's. Raises as `uploads.received`."""
    fields = {"split", "name", "format"}
    return uploads.received(
        request, platform.blobs, new_dataset_id(), files={"file"}, fields=fields
    )


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
