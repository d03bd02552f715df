"""Which names the service answers to.

A page of the web can have a name of its own resolve to this machine, and would then be asked by the
browser as if it were ours (DNS rebinding); what it cannot do is send another `Host`.
"""

import ipaddress
from collections.abc import Collection

from starlette.types import Scope

from app.platform.errors import ApiError
from app.platform.headers import header

# What it is called as a rule: an address takes longer to read than to compare.
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def refusal_of_host(scope: Scope, allowed: Collection[str], *, keyless: bool) -> ApiError | None:
    """What is told if the request was sent to a name that is not one of ours.

    Of no allowed names, a service with keys answers to any, for others have no key; one without
    keys answers to those of its own machine.
    """
    if not allowed and not keyless:
        return None
    name = _name(header(scope, b"host") or "")
    if name in allowed or (not allowed and is_loopback(name)):
        return None
    return ApiError("forbidden_host", "The request was sent to a host that this service is not.")


def is_loopback(host: str) -> bool:
    """Whether an address, or `localhost`, is reached from its own machine alone."""
    if host in _LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str:
    """The host in a `Host` header, without its port and the brackets of an IPv6 address."""
    text = host.lower()
    if text.startswith("["):
        inside, closed, rest = text[1:].partition("]")
        return inside if closed and rest[:1] in ("", ":") else text
    return text.partition(":")[0].removesuffix(".")
