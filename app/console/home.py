"""The first page: the way from a dataset to a model, step by step."""

from fastapi import APIRouter, Request, Response

from app.console.pages import PageRoute, render

router = APIRouter(route_class=PageRoute)


@router.get("/")
async def home(request: Request) -> Response:
    """The page."""
    return render(request, "home.html")
