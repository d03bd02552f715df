"""How a process ends: told once it finishes what it can in its time, told twice it ends at once."""

import asyncio
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import NoReturn

import structlog

log = structlog.get_logger(__name__)

# Beyond the time that requests and steps are given: for handing back, and closing.
_SPARE_SECONDS = 10.0


def end_on_signals(stopping: asyncio.Event, within_seconds: float) -> None:
    """Set `stopping` at the first SIGTERM or SIGINT, and end at once at the second.

    A process that is not through a little after `within_seconds` ends, too, whatever holds it up:
    its jobs go to others as those of a dead one. To be called on the event loop of the main thread.
    """
    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        if stopping.is_set():
            end_now(128 + number)
        log.info("stopping", signal=signal.Signals(number).name)
        stopping.set()
        overdue = threading.Timer(within_seconds + _SPARE_SECONDS, _overdue)
        overdue.daemon = True
        overdue.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)


def _overdue() -> None:
    log.error("stopping_took_too_long")
    end_now(1)


def end_now(code: int) -> NoReturn:
    """End without waiting for threads: some may wait for a database that is away."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
