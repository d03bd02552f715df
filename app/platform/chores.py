"""What a process does again and again beside its work, for all workspaces, whatever happens."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from app.platform.access import EVERYWHERE, acting
from app.platform.database import AWAY

log = structlog.get_logger(__name__)


async def for_ever(what: str, action: Callable[[], Awaitable[None]], pause_seconds: float) -> None:
    """Do it, wait, and do it again; what it raises is logged under its name `what`."""
    while True:
        try:
            with acting(EVERYWHERE):
                await action()
        except (*AWAY, TimeoutError) as error:
            log.warning("housekeeping_failed", what=what, error=type(error).__name__)
        except Exception:
            log.exception("housekeeping_failed", what=what)
        await asyncio.sleep(pause_seconds)
