"""How endpoints reach the backends."""

from typing import Annotated, cast

from fastapi import Depends, Request

from app.backends.registry import Backends


async def get_backends(request: Request) -> Backends:
    """The backends of this process."""
    return cast(Backends, request.app.state.backends)


BackendsDep = Annotated[Backends, Depends(get_backends)]
