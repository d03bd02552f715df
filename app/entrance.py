"""The one entrance: who a request is from, whether it may come in, and how it is told if not.

Everything is decided by its first lines, before a byte of its body is read: a host of ours, a page
of ours, a valid key, a scope that is wide enough.
"""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope as AsgiScope

from app.cohere_api import errors as cohere_errors
from app.console import pages
from app.keys.doorkeeper import SESSION_COOKIE, Doorkeeper
from app.keys.service import unauthenticated
from app.platform import problem_json
from app.platform.access import LOCAL, Principal, Scope
from app.platform.errors import ApiError
from app.platform.headers import header
from app.platform.hosts import refusal_of_host
from app.platform.origins import SAFE, refusal_of_origin
from app.platform.rates import Rates
from app.platform.requests import answer_headers, let_in_while
from app.platform.settings import Settings

LOGIN = "/login"

# What tells nothing that is anybody's. Probes come to whatever address a process has.
_PROBES = frozenset({"/healthz", "/readyz"})
_PUBLIC = frozenset({"/docs", "/docs/errors", "/openapi.json", LOGIN})
_PUBLIC_FOLDERS = ("/assets/", "/docs/assets/")
_ADMIN = ("/v1/keys", "/v1/audit-events", "/keys")
# Requests that change nothing, for all that their method is POST.
_ASKING = frozenset(
    {
        "/v1/extractions",
        "/playground",
        "/cohere/v1/chat",
        "/cohere/v2/chat",
        "/cohere/v1/generate",
        "/cohere/v1/tokenize",
        "/cohere/v1/detokenize",
        "/cohere/v1/check-api-key",
        "/logout",
    }
)
_COHERE = "/cohere/"
_PROGRAMS = ("/v1/", _COHERE)
_PROGRAMS_PAGES = frozenset({"/metrics"})


class Entrance:
    """Lets requests of one service in."""

    def __init__(self, settings: Settings, doorkeeper: Doorkeeper) -> None:
        self._allowed = frozenset(name.lower() for name in settings.allowed_hosts)
        self._doorkeeper = doorkeeper
        self._rates = Rates(settings.requests_per_minute)

    async def admit(self, scope: AsgiScope) -> Principal:
        """Who sends this request.

        Raises ApiError `forbidden_host`, `forbidden_origin`, `unauthenticated`, `rate_limited`,
        `forbidden_scope`, `database_unavailable`.
        """
        path = scope["path"]
        if path in _PROBES:
            return LOCAL
        keyless = await self._doorkeeper.keyless()
        # A page can have a browser send a cookie, but no bearer token: whoever sends that means it.
        token = _bearer(scope)
        cookie = None if keyless or token is not None else _cookie(scope)
        # Whoever scrapes asks for each process by its address, which nobody can know beforehand.
        allowed = () if path in _PROGRAMS_PAGES and not keyless else self._allowed
        for refused in (
            refusal_of_host(scope, allowed, keyless=keyless),
            refusal_of_origin(scope, browser=cookie is not None),
        ):
            if refused is not None:
                raise refused
        still = self._doorkeeper.keyless if keyless else lambda: self._valid(path, token, cookie)
        let_in_while(scope, still)
        if keyless or path in _PUBLIC or path.startswith(_PUBLIC_FOLDERS):
            return LOCAL
        principal = await self._principal(path, token, cookie)
        scope["state"]["principal"] = principal  # for pages, that of a refusal among them
        quota = await self._rates.take(principal.actor)
        answer_headers(scope).update(quota.headers)
        if quota.exceeded:
            raise quota.refusal()
        if principal.scope < (needed := needed_scope(scope["method"], path)):
            raise ApiError("forbidden_scope", f"This takes a key with scope {needed.word}.")
        return principal

    async def _valid(self, path: str, token: str | None, cookie: str | None) -> bool:
        """Whether its key counts still: that nothing is known of it now does not end it."""
        try:
            await self._principal(path, token, cookie)
        except ApiError as error:
            return error.code != "unauthenticated"
        return True

    async def _principal(self, path: str, token: str | None, cookie: str | None) -> Principal:
        if token is not None:
            return await self._doorkeeper.of_bearer(token)
        if cookie is not None and not path.startswith(_COHERE):
            return await self._doorkeeper.of_session(cookie)
        raise unauthenticated()

    def refuse(self, scope: AsgiScope, error: ApiError) -> Response:
        """The answer to a request that does not come in, in the words of whoever would answer."""
        request, path = Request(scope), scope["path"]
        challenge = {"WWW-Authenticate": "Bearer"} if error.code == "unauthenticated" else None
        if path.startswith(_COHERE):
            return cohere_errors.render(cohere_errors.translated(error), challenge)
        if path.startswith(_PROGRAMS) or path in _PROGRAMS_PAGES:
            return problem_json.render(request, error, challenge)
        if error.code == "unauthenticated":
            back = path if scope["method"] in SAFE else "/"
            return RedirectResponse(f"{LOGIN}?next={quote(back)}", 303)
        return pages.problem(request, error)


def needed_scope(method: str, path: str) -> Scope:
    """The least scope that a request takes."""
    if path.startswith(_ADMIN):
        return Scope.ADMIN
    return Scope.READ if method in SAFE or path in _ASKING else Scope.WRITE


def _bearer(scope: AsgiScope) -> str | None:
    """The token of the `Authorization` header; None if it is of another kind.

    A proxy may have asked for a password of its own, which browsers then send along.
    """
    said = header(scope, b"authorization")
    if said is None:
        return None
    kind, _, token = said.strip().partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


def _cookie(scope: AsgiScope) -> str | None:
    return Request(scope).cookies.get(SESSION_COOKIE)
