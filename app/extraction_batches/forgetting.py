"""Removes texts of batches that keep none: an upload once it is cut, a shard's once it has ended.

Each is removed right after the transaction that ends the need for it. A row names it until it is
known to be gone, so that what a crash left is found here, again and again: then `input_blob` of a
shard is empty, and in the end that of the batch is None.
"""

import asyncio
import math
from collections.abc import Sequence

from app.extraction_batches.ledger import texts_of
from app.extraction_batches.repository import BatchRepository
from app.extraction_batches.states import READING, TERMINAL
from app.platform.objects import sweep_folder
from app.platform.work import Platform

LOOK_SECONDS = 5.0
_PAGE = 500


async def forget_texts(platform: Platform) -> None:
    """Remove what is left of texts that are not to be kept and are not needed any more.

    Any number of processes may do it at once. Raises ApiError `storage_unavailable`.
    """
    async with platform.work(write=False) as work:
        batches = await BatchRepository(work.session).with_texts_to_forget(READING)
    for batch_id in batches:
        await _forget(platform, batch_id)


async def _forget(platform: Platform, batch_id: str) -> None:
    async with platform.work(write=False) as work:
        rows = BatchRepository(work.session)
        row = await rows.get(batch_id)
        if row is None or row.input_blob is None:
            return
        upload = None if row.dataset_id is not None else row.input_blob
        ended, was_cut = row.status in TERMINAL, row.documents is not None
        if upload is not None and upload in await rows.named_blobs([upload]):
            upload = None  # written as shards are, it is the same blob as its only shard
    if was_cut:
        await _delete(platform, [] if upload is None else [upload])
        await _forget_shards(platform, batch_id)
    else:
        await asyncio.to_thread(platform.blobs.delete_owner, batch_id)
    if not ended:
        return
    # What is being written there is of a process that was cut off.
    folder = platform.blobs.objects.place(batch_id)
    await asyncio.to_thread(sweep_folder, folder, math.inf)
    async with platform.work(write=True) as work:
        row = await BatchRepository(work.session).lock(batch_id)
        if row is not None:
            row.input_blob = None


async def _forget_shards(platform: Platform, batch_id: str) -> None:
    while True:
        async with platform.work(write=False) as work:
            shards = await BatchRepository(work.session).ended_with_texts(batch_id, _PAGE)
        if not shards:
            return
        await _delete(platform, texts_of(shards))
        async with platform.work(write=True) as work:
            await BatchRepository(work.session).texts_gone([shard.id for shard in shards])


async def _delete(platform: Platform, keys: Sequence[str]) -> None:
    def delete() -> None:
        for key in keys:
            platform.blobs.delete(key)

    await asyncio.to_thread(delete)
