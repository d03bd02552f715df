"""Pages: templates filled in, what a browser may do with them, and problems as pages."""

import hashlib
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from math import ceil
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from app.backends.base import BackendError
from app.backends.registry import as_api_error
from app.keys.doorkeeper import SESSION_COOKIE
from app.platform.database import AWAY, REFUSALS, away, refusal
from app.platform.errors import ApiError
from app.platform.problem_json import of_http

ASSETS = Path(str(files("app.console") / "assets"))

HEADERS = {
    # Nothing inline, no `style` attribute and nobody else's anything: text may be a patient's.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# In the order of the pipeline; the first word of a path is the section that it belongs to.
SECTIONS = [
    ("datasets", "Datasets"),
    ("training-files", "Training files"),
    ("fine-tunes", "Fine-tunes"),
    ("models", "Models"),
    ("vocabularies", "Vocabularies"),
    ("playground", "Playground"),
    ("evaluations", "Evaluations"),
    ("batches", "Batches"),
    ("notifications", "Notifications"),
]


def render(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page. The template gets `context`, the request's `path`, the sections, and who asks."""
    path = request.url.path
    content = (
        _environment()
        .get_template(template)
        .render(
            path=path,
            section=path.strip("/").partition("/")[0],
            sections=SECTIONS,
            principal=getattr(request.state, "principal", None),
            logged_in=SESSION_COOKIE in request.cookies,
            **context,
        )
    )
    return HTMLResponse(content, status, headers=HEADERS)


def redirect(path: str) -> RedirectResponse:
    """To another page, after a form was taken."""
    return RedirectResponse(path, 303)


class PageRoute(APIRoute):
    """A route whose problems are pages; who may GET one may ask for its HEAD alone."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        methods: set[str] = self.methods or set()
        if "GET" in methods:
            self.methods = methods | {"HEAD"}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, wrapped."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handle(request)
            except ApiError as error:
                return problem(request, error)
            except RequestValidationError:
                return problem(request, ApiError("invalid_request", "A field is not valid."))
            except HTTPException as error:
                return problem(request, of_http(error))
            except BackendError as error:
                return problem(request, as_api_error(error))
            except REFUSALS as error:
                return problem(request, refusal(error))
            except AWAY as error:
                return problem(request, away(error))

        return guarded


def problem(request: Request, error: ApiError) -> HTMLResponse:
    """A problem as a page: what went wrong, and what to do next."""
    page = render(request, "problem.html", status=error.meaning.status, error=error)
    if error.retry_after is not None:
        page.headers["Retry-After"] = str(ceil(error.retry_after))
    return page


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("app.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"moment": _moment, "bytes": _bytes, "number": _number}
    environment.filters |= {"isolated": _isolated, "coded": _coded, "figure": figure}
    environment.globals["asset"] = _asset
    return environment


@cache
def _asset(name: str) -> str:
    """The address of an asset, another one whenever its content is another one."""
    return f"/assets/{name}?{hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:12]}"


def _isolated(name: str) -> Markup:
    """A name amid other words: marks in it that turn the direction of text end with it.

    Nothing of the kind is needed for what is the whole of a cell, a heading or a link.
    """
    return Markup("<bdi>{}</bdi>").format(name)


def _coded(text: str) -> Markup:
    """A sentence of ours; what it has between backticks is code."""
    code = Markup("<code>{}</code>").format
    parts = re.split("`([^`]+)`", text)
    return Markup("").join(code(part) if at % 2 else part for at, part in enumerate(parts))


def figure(value: float) -> str:
    """A measured value to four digits; a large one whole, as far as anybody can read it."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _bytes(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if round(size, 1) < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
