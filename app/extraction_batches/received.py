"""A batch's upload, received and checked; nothing of it is left unless its batch is there."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from app.backends.registry import Backends
from app.extraction_batches.form import the_file
from app.extraction_batches.schemas import BatchRequest
from app.extraction_batches.service import check, new_batch_id
from app.platform import uploads
from app.platform.uploads import Received, UploadedFile
from app.platform.work import Platform


@dataclass(frozen=True)
class ReceivedBatch:
    """What is asked for, and the texts; of the `form` say `kept` once its batch is there."""

    form: Received
    request: BatchRequest
    file: UploadedFile


@asynccontextmanager
async def received(
    request: Request,
    platform: Platform,
    backends: Backends,
    fields: Set[str],
    wanted: Callable[[Mapping[str, Sequence[str]]], BatchRequest],
) -> AsyncIterator[ReceivedBatch]:
    """Read a form of these fields and one `file`; `wanted` makes a request of the fields.

    If the model is named before the file, all is checked before the file is received. Raises
    ApiError as `read_multipart` and `check`, and whatever `wanted` raises.
    """

    async def check_early(given: Mapping[str, Sequence[str]]) -> None:
        if "model" in given:
            await check(platform, backends, wanted(given))

    async with uploads.received(
        request,
        platform.blobs,
        new_batch_id(),
        files={"file"},
        fields=fields,
        at_first_file=check_early,
    ) as form:
        batch = ReceivedBatch(form, wanted(form.upload.fields), the_file(form.upload))
        await check(platform, backends, batch.request)
        yield batch
