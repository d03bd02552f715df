"""`/docs`: the OpenAPI file as a page, with assets from the installed package, never a CDN.

`/docs/errors` explains every code; the `type` of a problem points there.
"""

from html import escape
from importlib.resources import files
from typing import Any

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from app.platform.errors import CODES
from app.platform.problem_json import ProblemDocument

ASSETS = "/docs/assets"


def install(app: FastAPI) -> None:
    """Serve the page and its assets."""
    _describe_problems(app)
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

    async def errors(_request: Request) -> HTMLResponse:
        return HTMLResponse(_ERRORS)

    app.add_route("/docs", docs, include_in_schema=False)
    app.add_route("/docs/errors", errors, include_in_schema=False)


def _describe_problems(app: FastAPI) -> None:
    """Add to the OpenAPI file the schema that all its problem responses refer to."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        template = "#/components/schemas/{model}"
        schema = ProblemDocument.model_json_schema(ref_template=template)
        document["components"]["schemas"] |= schema.pop("$defs") | {"ProblemDocument": schema}
        return document

    app.openapi = openapi  # type: ignore[method-assign]


_ERRORS = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Medtune: errors</title>
<body><h1>Errors</h1><dl>
{}
</dl></body></html>
""".format(
    "\n".join(
        f'<dt id="{code}"><code>{code}</code> ({meaning.status})</dt>'
        f"<dd>{escape(meaning.title)}. {escape(meaning.hint)}</dd>"
        for code, meaning in CODES.items()
    )
)
