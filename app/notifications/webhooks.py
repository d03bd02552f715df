"""Messages to webhooks: JSON by POST, signed after the Standard Webhooks specification.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

Of an answer only the status and two headers are of interest; nothing of it is kept or logged. httpx
is used below its client, which logs each URL: many a webhook has a key in its own.
"""

import asyncio
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx
from standardwebhooks import Webhook

from app.notifications.sending import (
    FORBIDDEN_ADDRESS,
    GONE,
    REFUSED,
    TIMEOUT,
    TOO_MANY_REDIRECTS,
    UNREACHABLE,
    Outcome,
    Sending,
)
from app.platform.addresses import GuardedTransport, Resolver, resolve
from app.platform.clock import now
from app.platform.errors import ApiError

_SECONDS = 15.0  # for all of an attempt, redirects included
_FIRST_SECONDS = 5.0  # of those there may be very many at once, and others wait behind them
_CONNECT_SECONDS = 4.0  # to one of the host's addresses: there may be another one
_ANSWER_SECONDS = 2.0  # for the rest of an answer once its status is there
_MOST_ANSWER_BYTES = 64 * 1024
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 307, 308})  # with method and body; 303 asks for another call


class Webhooks:
    """Sends messages; addresses inside are refused unless `private`."""

    def __init__(self, *, private: bool, resolver: Resolver = resolve) -> None:
        self._private = private
        self._resolver = resolver
        self._transport: GuardedTransport | None = None

    async def send(self, sending: Sending) -> Outcome:
        """Send a message; whatever goes wrong is in the outcome."""
        try:
            async with asyncio.timeout(_SECONDS if sending.number > 1 else _FIRST_SECONDS):
                return await self._follow(sending)
        except (TimeoutError, httpx.TimeoutException):
            return Outcome(TIMEOUT)
        except ApiError:
            return Outcome(FORBIDDEN_ADDRESS)
        except (httpx.TransportError, httpx.InvalidURL, UnicodeError):
            return Outcome(UNREACHABLE)

    async def _follow(self, sending: Sending) -> Outcome:
        content = sending.message.model_dump_json().encode()
        headers = _signed(sending, content)
        url = httpx.URL(sending.address)
        for _ in range(_MOST_REDIRECTS + 1):
            response = await self._post(url, headers, content)
            location = response.headers.get("location")
            if response.status_code not in _REDIRECTS or location is None:
                return _outcome(response)
            following = url.join(location)
            if url.scheme == "https" and following.scheme != "https":
                return Outcome(FORBIDDEN_ADDRESS, response.status_code)
            url = following
        return Outcome(TOO_MANY_REDIRECTS, response.status_code)

    async def _post(
        self, url: httpx.URL, headers: dict[str, str], content: bytes
    ) -> httpx.Response:
        if self._transport is None:  # it reads the certificates of this machine: not at the start
            self._transport = await asyncio.to_thread(
                GuardedTransport, private=self._private, resolver=self._resolver
            )
        timeout = httpx.Timeout(_SECONDS, connect=_CONNECT_SECONDS).as_dict()
        request = httpx.Request(
            "POST", url, headers=headers, content=content, extensions={"timeout": timeout}
        )
        response = await self._transport.handle_async_request(request)
        try:
            # The status is all that counts: whatever comes of the rest, the message is delivered.
            with suppress(TimeoutError, httpx.TransportError):
                async with asyncio.timeout(_ANSWER_SECONDS):
                    await _throw_away(response)
        finally:
            await response.aclose()
        return response


async def _throw_away(response: httpx.Response) -> None:
    read = 0
    async for chunk in response.aiter_raw():
        read += len(chunk)
        if read > _MOST_ANSWER_BYTES:
            return


def _signed(sending: Sending, content: bytes) -> dict[str, str]:
    assert sending.secret is not None
    moment = now()
    signature = Webhook(sending.secret).sign(sending.message_id, moment, content.decode())
    return {
        "content-type": "application/json",
        "user-agent": "Medtune",
        "webhook-id": sending.message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": signature,
    }


def _outcome(response: httpx.Response) -> Outcome:
    status = response.status_code
    if response.is_success:
        return Outcome(None, status)
    if status == httpx.codes.GONE:
        return Outcome(GONE, status)
    return Outcome(REFUSED, status, _retry_after(response.headers.get("retry-after", "")))


def _retry_after(value: str) -> float | None:
    """Seconds that an answer asks to wait for: given as such, or as a moment (RFC 9110)."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    with suppress(ValueError, OverflowError):
        moment = parsedate_to_datetime(value)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return max(0.0, (moment - now()).total_seconds())
    return None
