"""What is sent, and what comes of it: the same for webhooks and for e-mail."""

from dataclasses import dataclass, field

from app.notifications.schemas import Message

# Why an attempt failed.
REFUSED = "refused"
GONE = "gone"
TIMEOUT = "timeout"
UNREACHABLE = "unreachable"
FORBIDDEN_ADDRESS = "forbidden_address"
TOO_MANY_REDIRECTS = "too_many_redirects"
NOT_CONFIGURED = "not_configured"
TARGET_DISABLED = "target_disabled"


@dataclass(frozen=True, slots=True)
class Sending:
    """A message on its way to one address; `secret` is what a webhook's is signed with.

    `number` counts its attempts from 1.
    """

    kind: str
    target_id: str
    address: str = field(repr=False)
    secret: str | None = field(repr=False)
    message_id: str
    message: Message
    number: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: `error` is None if it was delivered.

    `http_status` is a webhook's answer, `retry_after` its wish for a pause, in seconds.
    """

    error: str | None = None
    http_status: int | None = None
    retry_after: float | None = None
