"""An application served over HTTP until its process is told to end."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from app.platform.connections import GuardedProtocol, watch

# How long a thread that computes may keep the interpreter from the event loop, which waits for it
# whenever it has slept: a fifth of Python's own, at no loss that could be measured.
_SWITCH_SECONDS = 0.001


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def serve_until(
    stopping: asyncio.Event,
    app: FastAPI,
    *,
    host: str,
    port: int,
    shutdown_seconds: float,
    slow_client_seconds: float,
) -> bool:
    """Serve until `stopping` is set; False if the application could not be started.

    Then no request is taken more; those under way are given `shutdown_seconds`. Clients that keep
    us waiting for more than `slow_client_seconds` are cut off.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=GuardedProtocol,
        ws="none",
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(shutdown_seconds)),
    )
    server = _Server(config)
    sys.setswitchinterval(_SWITCH_SECONDS)

    async def stop() -> None:
        await stopping.wait()
        server.should_exit = True

    watching = [
        asyncio.create_task(stop()),
        asyncio.create_task(watch(server.server_state.connections, slow_client_seconds)),
    ]
    try:
        await server.serve()
    finally:
        for task in watching:
            task.cancel()
    return server.started
