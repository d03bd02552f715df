"""An uploaded vocabulary, received; nothing of it is left unless its vocabulary is there."""

import asyncio
from contextlib import AbstractAsyncContextManager

from fastapi import Request

from app.platform import uploads
from app.platform.uploads import Received
from app.platform.work import Platform
from app.vocabularies.form import check
from app.vocabularies.service import NewVocabulary, new_vocabulary_id, unpack_limits


def received(request: Request, platform: Platform) -> AbstractAsyncContextManager[Received]:
    """The form of a request, whose files are a new vocabulary's. Raises as `uploads.received`."""
    fields = {"name", "type", "format"}
    return uploads.received(
        request, platform.blobs, new_vocabulary_id(), files={"file"}, fields=fields
    )


async def checked(platform: Platform, form: Received) -> NewVocabulary:
    """What is to be made of the form. Raises ApiError `invalid_request`."""
    limits = unpack_limits(platform.settings)
    return await asyncio.to_thread(check, form.upload, form.owner, platform.blobs, limits)
