"""Where requests may be sent that users have named the address of: nowhere inside.

A URL is looked at when it is stored (`check_url`), and its host's addresses at each connection: the
very address that was found to be public is connected to, so that no name server can say one thing
now and another a moment later. Without this, a service would fetch for any of its users what only
its own network is to reach.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Protocol

import httpx

from app.platform.errors import ApiError

# What `ipaddress` does not call private in all of its versions: this network, carrier-grade NAT
# (RFC 6598), protocols of the IETF (RFC 6890), relays of 6to4 (RFC 7526), benchmarks (RFC 2544).
_NOT_PUBLIC_4 = [
    IPv4Network(block)
    for block in ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15")
]
_GLOBAL_UNICAST_6 = IPv6Network("2000::/3")  # RFC 4291; all else is reserved or local
# Teredo and other protocols of the IETF (RFC 2928), documentation (RFC 3849, RFC 9637).
_NOT_PUBLIC_6 = [IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "3fff::/20")]
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address


class Resolver(Protocol):
    """Finds the addresses of a host."""

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """IP addresses, the preferred one first. Raises OSError if there is none."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """What this machine takes for the addresses of a host. Raises OSError."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # not a name at all: a label of more than 63 letters
        raise OSError("no such host") from None
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet.

    Not so: private, loopback, link-local, multicast, reserved and unspecified ones, carrier-grade
    NAT; and IPv6 addresses that lead to one of these (IPv4-mapped, 6to4, NAT64). Raises ValueError
    for what is no IP address.
    """
    parsed = ipaddress.ip_address(address)
    return _is_public_4(parsed) if isinstance(parsed, IPv4Address) else _is_public_6(parsed)


def _is_public_4(address: IPv4Address) -> bool:
    local = address.is_private or address.is_loopback or address.is_link_local
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    return not (local or special or any(address in block for block in _NOT_PUBLIC_4))


def _is_public_6(address: IPv6Address) -> bool:
    embedded = address.ipv4_mapped or address.sixtofour
    if address in _NAT64:
        embedded = IPv4Address(int(address) & 0xFFFF_FFFF)
    if embedded is not None:
        return _is_public_4(embedded)
    if address not in _GLOBAL_UNICAST_6 or address.is_private:
        return False
    return not any(address in block for block in _NOT_PUBLIC_6)


def check_url(url: str, *, private: bool) -> httpx.URL:
    """The URL, if requests may be sent there as far as can be told without looking its host up.

    `private`: also inside. Raises ApiError `forbidden_address`.
    """
    try:
        parsed = httpx.URL(url)
        named = bool(parsed.host)
    except (httpx.InvalidURL, UnicodeError):  # the latter of a name in bad Punycode
        named, parsed = False, httpx.URL()
    if parsed.scheme not in ("http", "https") or not named or (parsed.port or 1) > 65535:
        raise _forbidden("It is not a URL of http or https.")
    if parsed.userinfo:
        raise _forbidden("It has a user name or a password in it.")
    if not private and _is_inside(_host(parsed)):
        raise _forbidden("Its host is not on the open internet.")
    return parsed


def _is_inside(host: str) -> bool:
    """Whether a host can be told to be inside by its name: an address, or this machine."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return not is_public(name)
    except ValueError:
        pass
    try:
        # As resolvers read addresses: in hexadecimal, in octal, with parts left out.
        return not is_public(socket.inet_ntoa(socket.inet_aton(name)))
    except OSError:
        return False


def _host(url: httpx.URL) -> str:
    """The host as it is looked up: in ASCII, an IPv6 address without brackets."""
    return url.raw_host.decode("ascii")


def _forbidden(detail: str) -> ApiError:
    return ApiError("forbidden_address", detail)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests of httpx, each over a connection of its own to an address it has checked.

    It takes no proxy of the environment (but certificates, by SSL_CERT_FILE), follows no redirect
    and does no repeat: who follows one sends the next request through here, too. `private`:
    addresses inside are allowed. Raises ApiError `forbidden_address`, and what httpx raises.
    """

    def __init__(self, *, private: bool, resolver: Resolver = resolve) -> None:
        self._private = private
        self._resolve = resolver
        # A connection kept for one host must not serve another one at the same address.
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request to the first address of its host that can be connected to."""
        url = check_url(str(request.url), private=self._private)
        host, port = _host(url), url.port or (443 if url.scheme == "https" else 80)
        try:
            addresses = await self._resolve(host, port)
        except OSError:
            addresses = []
        if not self._private and not all(map(is_public, addresses)):
            raise _forbidden("Its host is not on the open internet.")
        failure = httpx.ConnectError("no such host", request=request)
        for address in addresses:
            # The name stays in the header Host, and is what the certificate has to be of.
            pinned = httpx.Request(
                request.method,
                url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return await self._inner.handle_async_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = httpx.ConnectError(type(error).__name__, request=request)
        raise failure

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()
