"""`medtune gc`: remove what no row knows from the stores and from this machine's folders.

Services may run meanwhile. Uploads in parts that were cut off are seen by the bucket alone:
docs/storage.md says by which rule it removes them.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from app.backends.registry import Backends
from app.commands.database import check_schema, database_errors
from app.commands.service import CommandError
from app.fine_tunes.service import FineTunes
from app.main import OWNERS
from app.models.service import Models
from app.platform.access import EVERYWHERE, acting
from app.platform.bucket import BucketSettingsError
from app.platform.errors import ApiError
from app.platform.folder_lock import remove_dead_scratch
from app.platform.leftovers import InUse, Removed, Sweep, blobs_in_use
from app.platform.making import bare_platform
from app.platform.settings import Settings
from app.platform.storage import create_models
from app.platform.work import Platform

# What the embedded trainer has of its own; other backends keep their models themselves.
_LOCAL, _SUFFIX = "local", ".medtune"


@dataclass(frozen=True)
class Asked:
    """What to remove: files older than this; nothing in a `dry_run`."""

    older_than: timedelta
    dry_run: bool


async def run(settings: Settings, asked: Asked, console: Console) -> None:
    """Remove it and show what was removed. Raises CommandError."""
    try:
        with database_errors():
            removed = await _removed(settings, asked)
    except (ApiError, BucketSettingsError) as error:
        raise CommandError(str(error)) from None
    table = Table("Removed" if not asked.dry_run else "To be removed", "Files", "Bytes")
    for what, count in removed.items():
        table.add_row(what, str(count.files), decimal(count.bytes))
    console.print(table)


async def _removed(settings: Settings, asked: Asked) -> dict[str, Removed]:
    async with bare_platform(settings) as platform:
        # Its rows may know of files in ways that this program does not.
        if await platform.database.is_newer():
            raise CommandError("The database is of a newer release; use the medtune of that.")
        await check_schema(platform.database)
        with acting(EVERYWHERE):
            return await _sweep(platform, asked)


async def _sweep(platform: Platform, asked: Asked) -> dict[str, Removed]:
    settings = platform.settings
    sweep = Sweep(time.time() - asked.older_than.total_seconds(), asked.dry_run)
    blobs, of_blobs = platform.blobs.objects, blobs_in_use(platform, OWNERS)
    models, of_models = create_models(settings), _models_in_use(platform)
    async with platform.work(write=False) as work:
        training_since = await FineTunes(work, Backends({})).unfinished_since(_LOCAL)
    # A model is stored before its fine-tune has succeeded.
    before = training_since.timestamp() if training_since else sweep.older_than
    sweep_models = replace(sweep, older_than=min(sweep.older_than, before))
    removed = {
        "blobs": await sweep.files(blobs, of_blobs),
        "models": await sweep_models.files(models, of_models),
        "copies of blobs": await sweep.copies(blobs, of_blobs),
        "copies of models": await sweep_models.copies(models, of_models),
        "unfinished blobs": await sweep.unfinished(blobs),
        "unfinished models": await sweep.unfinished(models),
    }
    if settings.shared and not asked.dry_run:
        dead = await asyncio.to_thread(remove_dead_scratch, platform.scratch.parent)
        removed["folders of dead processes"] = Removed(len(dead))
    return removed


def _models_in_use(platform: Platform) -> InUse:
    async def in_use(files: Sequence[str]) -> set[str]:
        names = [file.removesuffix(_SUFFIX) for file in files]
        async with platform.work(write=False) as work:
            known = await Models(work, Backends({})).known(_LOCAL, names)
        return {f"{name}{_SUFFIX}" for name in known}

    return in_use
