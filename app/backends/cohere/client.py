"""One Cohere server: the SDK over one pool of connections, and what becomes of its failures.

Importing this module and making the first client take a second or two; see `CohereBackend.open`.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import IO, TypeVar

import httpx
from cohere import AsyncClientV2
from cohere.environment import ClientEnvironment
from httpx_aiohttp import HttpxAiohttpClient

from app.backends.cohere.failures import understand
from app.backends.cohere.posting import Poster
from app.backends.observed import event_hooks
from app.backends.remote import Remote, RemoteError
from app.platform.remote_settings import RemoteServer
from app.platform.telemetry import Telemetry

T = TypeVar("T")

_CONNECT_SECONDS = 10.0
# aiohttp's pool is flat at this size, httpx's own is not; see docs/benchmarks.md.
_MOST_CONNECTIONS = 256
_LIMITS = httpx.Limits(max_connections=_MOST_CONNECTIONS, keepalive_expiry=30.0)
# Bounds what trickles in for ever; a server that is silent is bounded by the timeout.
_LONGEST_CALL = 3600.0
_FILES = "files"  # they lie in a store of their own: if it is away, the server need not be
_VERSION = re.compile(r"(/v[12])?/*$")


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A server's answer as it came, its body still to come; `headers` in lower case.

    To be read to its end or closed: `await chunks.aclose()` ends the call at once.
    """

    status: int
    headers: Mapping[str, str]
    chunks: "Chunks"


class CohereClient:
    """The SDK's client (`sdk`, versions 1 and 2 of the API) for one server; `poster` goes past it.

    `timeout` is in seconds, of silence. The SDK does not retry; `call` does.
    """

    def __init__(
        self,
        name: str,
        server: RemoteServer,
        *,
        timeout: float,
        attempts: int,
        telemetry: Telemetry | None = None,
    ) -> None:
        telemetry = telemetry or Telemetry()
        self.remote = Remote(name, telemetry=telemetry, attempts=attempts)
        self._key = server.api_key.get_secret_value() if server.api_key else ""
        self._base_url = _VERSION.sub("", server.base_url or ClientEnvironment.PRODUCTION.value)
        connect = min(timeout, _CONNECT_SECONDS)
        patience = httpx.Timeout(timeout, connect=connect, pool=None)
        self._http = HttpxAiohttpClient(
            timeout=patience, limits=_LIMITS, event_hooks=event_hooks(telemetry)
        )
        self.poster = Poster(self._base_url, self._headers(), connect, _MOST_CONNECTIONS, telemetry)
        # An empty key sends no Authorization; None would look for one in the environment.
        self.sdk = AsyncClientV2(
            api_key=self._key,
            base_url=self._base_url,
            client_name="medtune",
            max_retries=0,
            httpx_client=self._http,
            log_warning_experimental_features=False,
        )

    def warm_up(self) -> None:
        """Load what the SDK loads late, so that no call waits for it."""
        _ = self.sdk.models, self.sdk.datasets, self.sdk.finetuning, self.sdk.batches

    async def call(
        self,
        do: Callable[[], Awaitable[T]],
        *,
        repeat: bool = True,
        within: float | None = None,
        about: str = "",
    ) -> T:
        """The result of a call of the SDK; for the arguments see `Remote.call`.

        Raises RemoteError.
        """
        return await self.remote.call(
            do,
            understand,
            repeat=repeat,
            within=_LONGEST_CALL if within is None else within,
            about=about,
        )

    async def forward(
        self,
        path: str,
        body: bytes | None = None,
        *,
        method: str = "POST",
        params: Mapping[str, str] | None = None,
    ) -> Forwarded:
        """Send a request as it is to `path` (`v2/chat`), once, with this server's key.

        Whatever the server answers is no error here. Raises RemoteError if it does not answer.
        """
        headers = {"Accept": "application/json, text/event-stream", **self._headers()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = self._http.build_request(
            method,
            f"{self._base_url}/{path.lstrip('/')}",
            content=body,
            headers=headers,
            params=params,
        )
        answer = await self.call(lambda: self._http.send(request, stream=True), repeat=False)
        # The chunks come unpacked, so these no longer hold.
        hidden = ("content-encoding", "content-length", "transfer-encoding", "connection")
        shown = {k.lower(): v for k, v in answer.headers.items() if k.lower() not in hidden}
        return Forwarded(answer.status_code, shown, Chunks(self.remote.name, answer))

    async def download(self, url: str, target: IO[bytes]) -> None:
        """Write a file to `target`, from its beginning; the address is signed, no key is sent.

        Raises RemoteError.
        """

        async def fetch() -> None:
            target.seek(0)
            target.truncate()
            async with self._http.stream("GET", url, follow_redirects=True) as answer:
                answer.raise_for_status()
                async for chunk in answer.aiter_bytes():
                    target.write(chunk)
            target.seek(0)

        await self.call(fetch, about=_FILES)

    async def close(self) -> None:
        """Close all connections."""
        await self.poster.close()
        await self._http.aclose()

    def _headers(self) -> dict[str, str]:
        """Who asks, for calls past the SDK."""
        name = {"X-Client-Name": "medtune"}
        return {**name, "Authorization": f"Bearer {self._key}"} if self._key else name


class Chunks(AsyncIterator[bytes]):
    """The body of an answer, as it comes; closes the answer however reading it ends."""

    def __init__(self, backend: str, answer: httpx.Response) -> None:
        self._backend = backend
        self._answer = answer
        self._chunks = answer.aiter_bytes()

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except Exception as error:
            failure = understand(error)
            await self.aclose()
            if failure is None:
                raise
        except BaseException:
            await self.aclose()
            raise
        raise RemoteError(self._backend, failure)

    async def aclose(self) -> None:
        """End the call, whether or not all of it has come. Safe to repeat."""
        await self._answer.aclose()
