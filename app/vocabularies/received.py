"""An uploaded vocabulary, received; nothing of it is left unless its vocabulary is there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from app.platform.uploads import Upload, read_multipart
from app.platform.work import Platform
from app.vocabularies.form import check
from app.vocabularies.service import NewVocabulary, new_vocabulary_id, unpack_limits


@dataclass
class Received:
    """The id of the vocabulary to come, and its form. Say `kept` once it is there: what is not is
    discarded."""

    vocabulary_id: str
    upload: Upload
    kept: bool = False


@asynccontextmanager
async def received(request: Request, platform: Platform) -> AsyncIterator[Received]:
    """Read the form of an upload. Raises ApiError as `read_multipart`."""
    vocabulary_id = new_vocabulary_id()
    upload = await read_multipart(
        request, platform.blobs, vocabulary_id, files={"file"}, fields={"name", "type", "format"}
    )
    form = Received(vocabulary_id, upload)
    try:
        yield form
    finally:
        if not form.kept:
            await platform.blobs.discard(vocabulary_id)


async def checked(platform: Platform, form: Received) -> NewVocabulary:
    """What is to be made of the form. Raises ApiError `invalid_request`."""
    limits = unpack_limits(platform.settings)
    return await asyncio.to_thread(check, form.upload, form.vocabulary_id, platform.blobs, limits)
