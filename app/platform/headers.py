"""Headers of a request as ASGI hands it over."""

from starlette.types import Scope


def header(scope: Scope, wanted: bytes) -> str | None:
    """The first header of this name, given in small letters; None if there is none."""
    for name, value in scope["headers"]:
        if name == wanted:
            return str(value.decode("latin-1"))
    return None


def media_type(scope: Scope) -> str:
    """What the body is said to be, in small letters and without parameters; "" if unsaid."""
    return (header(scope, b"content-type") or "").partition(";")[0].strip().lower()
