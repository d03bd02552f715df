"""Chats past the SDK: the same request and the same answer for a quarter of its processor time.

The SDK took two fifths of what a short extraction costs. All others are few, and go through it.
"""

import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from cohere.core.api_error import ApiError
from pydantic_core import to_json

from app.backends.cohere.failures import MalformedError
from app.platform.telemetry import Telemetry

_KEEPALIVE_SECONDS = 30.0


class Poster:
    """Posts JSON to one server over connections of its own.

    `connect` bounds, in seconds, how long one of them takes; whoever posts bounds all else.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        connect: float,
        most: int,
        telemetry: Telemetry,
    ) -> None:
        self._base_url = base_url
        self._headers = {"Content-Type": "application/json", **headers}
        self._timeout = aiohttp.ClientTimeout(sock_connect=connect)
        self._most = most
        self._tracing = telemetry.tracing
        # As the SDK's client trusts: what the environment names, or else certifi.
        self._ssl: ssl.SSLContext = httpx.create_ssl_context()
        self._proxy = _proxy_for(base_url)
        self._opened: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: Mapping[str, Any]) -> object:
        """The JSON that the server answers with.

        Raises the SDK's ApiError for a status that is not of success, MalformedError for an answer
        that is no JSON, and aiohttp's exceptions: `failures.understand` knows them all.
        """
        sent = to_json(body)
        async with self._session().post(
            f"{self._base_url}/{path}",
            data=sent,
            headers=self._tracing.headers(),
            allow_redirects=False,  # would lose the key
            proxy=self._proxy,
        ) as answer:
            content = await answer.read()
            status, headers = answer.status, answer.headers
        said: object = None
        try:
            said = json.loads(content)
        except (ValueError, RecursionError):
            if 200 <= status < 300:
                raise MalformedError from None
        if not 200 <= status < 300:
            raise ApiError(status_code=status, headers=dict(headers), body=said)
        return said

    async def close(self) -> None:
        """Close all connections."""
        if self._opened is not None:
            await self._opened.close()

    def _session(self) -> aiohttp.ClientSession:
        # Made by the first call: it belongs to the event loop, and the client is made in a thread.
        if self._opened is None:
            connector = aiohttp.TCPConnector(
                limit=self._most, ssl=self._ssl, keepalive_timeout=_KEEPALIVE_SECONDS
            )
            self._opened = aiohttp.ClientSession(
                connector=connector,
                headers=self._headers,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._opened


def _proxy_for(url: str) -> str | None:
    """The proxy that the environment names for an address, looked up once instead of each time."""
    parts = urlsplit(url)
    if parts.hostname is None or proxy_bypass(parts.netloc):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
