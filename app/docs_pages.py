"""`/docs`: the OpenAPI file as a page, with assets from the installed package, never a CDN."""

from importlib.resources import files

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

ASSETS = "/docs/assets"


def install(app: FastAPI) -> None:
    """Serve the page and its assets."""
    static = files(fastapi_offline) / "static"
    app.mount(ASSETS, StaticFiles(directory=str(static)), name="docs assets")

    async def docs(_request: Request) -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="Medtune API",
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{ASSETS}/favicon.png",
        )

    app.add_route("/docs", docs, include_in_schema=False)
