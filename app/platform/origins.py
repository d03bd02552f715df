"""No page of another site may make a browser change anything here.

Browsers say where a request comes from, and no page can forge that. What says nothing is no
browser: a program sends what it was told to send by whoever runs it.
"""

from urllib.parse import urlsplit

from starlette.types import Scope

from app.platform.errors import ApiError

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN = frozenset({b"same-origin", b"none"})  # `none`: typed by the user, or from a bookmark


def refusal_of_origin(scope: Scope, *, browser: bool = False) -> ApiError | None:
    """What the sender of a changing request is told if another site's page has sent it.

    If it must be a `browser`, for it is logged in by a cookie, it has to say where it comes from.
    """
    if scope["method"] in SAFE:
        return None
    headers = dict(scope["headers"])
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return None if site in _OWN else _refusal()
    # Older browsers say no more than this; a proxy has to pass `Host` on as it was sent.
    origin = headers.get(b"origin")
    if origin is None:
        return _refusal() if browser else None
    try:
        netloc = urlsplit(origin.decode("latin-1")).netloc
    except ValueError:
        return _refusal()
    return None if netloc == headers.get(b"host", b"").decode("latin-1") else _refusal()


def _refusal() -> ApiError:
    return ApiError("forbidden_origin", "A page of another site has sent this.")
