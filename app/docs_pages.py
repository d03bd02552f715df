"""`/docs`: the OpenAPI file as a page, with assets from the installed package, never a CDN.

`/docs/errors` explains every code; the `type` of a problem points there. Both have a
Content-Security-Policy: nothing from another host, and no script but that of the page.
"""

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from app.platform.errors import CODES

ASSETS = "/docs/assets"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_POLICY = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"


def install(app: FastAPI) -> None:
    """Serve the page and its assets."""
    static = files(fastapi_offline) / "static"
    app.mount(ASSETS, StaticFiles(directory=str(static)), name="docs assets")

    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Medtune API",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon.png",
    )
    html = bytes(page.body).decode()
    swagger_policy = _swagger_policy(html)

    async def docs(_request: Request) -> HTMLResponse:
        return _page(html, swagger_policy)

    async def errors(_request: Request) -> HTMLResponse:
        return _page(_ERRORS, _POLICY)

    app.add_route("/docs", docs, include_in_schema=False)
    app.add_route("/docs/errors", errors, include_in_schema=False)


def _page(html: str, policy: str) -> HTMLResponse:
    return HTMLResponse(html, headers={**_HEADERS, "Content-Security-Policy": policy})


def _swagger_policy(html: str) -> str:
    """The one inline script is allowed by its hash; Swagger UI styles its elements itself."""
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        f"{_POLICY}; script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'"
    )


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
