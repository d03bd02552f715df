"""What was sent in the form of an upload, and what is wrong with it."""

import re
from collections.abc import Sequence
from typing import cast

from app.corpora import unpack
from app.corpora.documents import MENTION_TYPES, MentionType
from app.corpora.problems import problem
from app.platform.blobs import Blobs
from app.platform.errors import ApiError, FieldError
from app.platform.uploads import Upload
from app.terminology.formats import VocabularyFormat
from app.vocabularies.build import Source, formats
from app.vocabularies.schemas import MOST_FILES, NAME
from app.vocabularies.service import NewVocabulary

_FORMATS = tuple(each.value for each in VocabularyFormat)


def check(upload: Upload, vocabulary_id: str, blobs: Blobs, limits: unpack.Limits) -> NewVocabulary:
    """What is to be made of a form; reads the beginning of each file.

    Raises ApiError `invalid_request`.
    """
    # A browser sends what was left empty, too.
    given = {field: values[0] for field, values in upload.fields.items() if values[0]}
    name, type_, format_ = given.get("name", ""), given.get("type"), given.get("format")
    faults = []
    if not 1 <= len(upload.files) <= MOST_FILES:
        faults.append(FieldError("/file", "count", f"Send 1 to {MOST_FILES} files."))
    if not re.fullmatch(NAME, name):
        detail = "Name it with 1 to 64 of a-z 0-9 . _ - and begin with a letter or a digit."
        faults.append(FieldError("/name", "invalid", detail))
    if type_ not in (None, *MENTION_TYPES):
        detail = f"Types are {', '.join(MENTION_TYPES)}."
        faults.append(FieldError("/type", "unknown", detail))
    if format_ not in (None, *_FORMATS):
        faults.append(FieldError("/format", "unknown", f"Formats are {', '.join(_FORMATS)}."))
    if faults:
        raise _invalid(faults)
    chosen = VocabularyFormat(format_) if format_ is not None else None
    recognised = [
        _recognise(
            place, Source(file.blob, file.filename, file.bytes), blobs, chosen, limits, faults
        )
        for place, file in enumerate(upload.files)
    ]
    if type_ is None and any(VocabularyFormat.PLAIN in found for found in recognised):
        detail = "A plain file does not say it: give Chemical or Disease."
        faults.append(FieldError("/type", "missing", detail))
    if faults:
        raise _invalid(faults)
    return NewVocabulary(
        id=vocabulary_id,
        name=name,
        type=cast(MentionType | None, type_),
        format=chosen,
        files=[
            (file, "+".join(dict.fromkeys(found)))
            for file, found in zip(upload.files, recognised, strict=True)
        ],
    )


def _recognise(
    place: int,
    source: Source,
    blobs: Blobs,
    chosen: VocabularyFormat | None,
    limits: unpack.Limits,
    faults: list[FieldError],
) -> Sequence[VocabularyFormat]:
    """The formats in one upload, by the beginnings alone; what is wrong is added to `faults`."""
    pointer = f"/file/{place}"
    try:
        found = [chosen or each for each in formats(source, blobs, limits)]
    except unpack.UnpackError as error:
        message = problem(error.code).message
        faults.append(FieldError(pointer, error.code, f"{message[0].upper()}{message[1:]}."))
        return ()
    known = [each for each in found if each is not None]
    if not found or len(known) < len(found):
        detail = f"The format was not recognised; formats are {', '.join(_FORMATS)}."
        faults.append(FieldError(pointer, "unknown_format", detail))
    return known


def _invalid(faults: Sequence[FieldError]) -> ApiError:
    return ApiError("invalid_request", "The form is not valid.", errors=faults)
