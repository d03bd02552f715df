"""A batch's upload, received and checked; nothing of it is left unless its batch is there."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from app.backends.registry import Backends
from app.extraction_batches.form import the_file
from app.extraction_batches.schemas import BatchRequest
from app.extraction_batches.service import check, new_batch_id
from app.platform.uploads import UploadedFile, read_multipart
from app.platform.work import Platform


@dataclass
class Received:
    """The id of the batch to come, what is asked for, and the texts. Say `kept` once it is there:
    what is not is discarded."""

    batch_id: str
    request: BatchRequest
    file: UploadedFile
    kept: bool = False


@asynccontextmanager
async def received(
    request: Request,
    platform: Platform,
    backends: Backends,
    fields: Set[str],
    wanted: Callable[[Mapping[str, Sequence[str]]], BatchRequest],
) -> AsyncIterator[Received]:
    """Read a form of these fields and one `file`; `wanted` makes a request of the fields.

    If the model is named before the file, all is checked before the file is received. Raises
    ApiError as `read_multipart` and `check`, and whatever `wanted` raises.
    """
    batch_id = new_batch_id()

    async def check_early(given: Mapping[str, Sequence[str]]) -> None:
        if "model" in given:
            await check(platform, backends, wanted(given))

    upload = await read_multipart(
        request, platform.blobs, batch_id, files={"file"}, fields=fields, at_first_file=check_early
    )
    kept = False
    try:
        form = Received(batch_id, wanted(upload.fields), the_file(upload))
        await check(platform, backends, form.request)
        try:
            yield form
        finally:
            kept = form.kept
    finally:
        if not kept:
            await platform.blobs.discard(batch_id)
