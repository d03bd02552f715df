"""The first page: what runs now and what came last, or the way from a dataset to a model."""

from fastapi import APIRouter, Request, Response

from app.backends.http import BackendsDep
from app.backends.registry import Backends
from app.console.overview import overview
from app.console.pages import PageRoute, render
from app.platform.http import PlatformDep
from app.platform.work import Platform

router = APIRouter(route_class=PageRoute)


@router.get("/")
async def home(request: Request, platform: PlatformDep, backends: BackendsDep) -> Response:
    """The page."""
    return await _page(request, platform, backends, "home.html")


@router.get("/home/live")
async def live(request: Request, platform: PlatformDep, backends: BackendsDep) -> Response:
    """What of it changes."""
    return await _page(request, platform, backends, "home_live.html")


async def _page(
    request: Request, platform: Platform, backends: Backends, template: str
) -> Response:
    async with platform.work(write=False) as work:
        found = await overview(work, backends)
    return render(request, template, overview=found)
