"""What a training file holds: its bytes, and its first rows.

No transaction is open meanwhile: the file may have to be fetched first.
"""

import asyncio
import json
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from app.platform.blobs import deleted_meanwhile
from app.platform.lines import read_lines
from app.platform.work import Platform
from app.training_files.service import TrainingFiles


def there(platform: Platform, training_file_id: str) -> AbstractAsyncContextManager[None]:
    """See `deleted_meanwhile`."""

    async def look() -> None:
        async with platform.work(write=False) as work:
            await TrainingFiles(work).get(training_file_id)

    return deleted_meanwhile(look)


async def local_file(platform: Platform, training_file_id: str) -> Path:
    """The JSONL on this machine. Raises ApiError `not_found`, `training_file_not_ready`."""
    async with platform.work(write=False) as work:
        blob = await TrainingFiles(work).content(training_file_id)
    async with there(platform, training_file_id):
        return await platform.blobs.local(blob)


async def first_rows(platform: Platform, training_file_id: str, count: int) -> list[dict[str, Any]]:
    """The first rows, in either format; fewer if they are very long. Raises as `local_file`."""
    path = await local_file(platform, training_file_id)
    async with there(platform, training_file_id):
        lines, _ = await asyncio.to_thread(read_lines, path, 0, count)
    return [json.loads(line) for line in lines]
