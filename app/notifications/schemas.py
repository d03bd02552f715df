"""What the notifications room says on the wire."""

import base64
import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

SECRET_PREFIX = "whsec_"  # noqa: S105 - how secrets begin, by the Standard Webhooks specification
_SECRET_BYTES = range(24, 65)  # by the same
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")

Kind = Literal["webhook", "email"]

EventPattern = Literal[
    "*",
    "dataset.*",
    "dataset.ready",
    "dataset.failed",
    "vocabulary.*",
    "vocabulary.ready",
    "vocabulary.failed",
    "training_file.*",
    "training_file.ready",
    "training_file.failed",
    "fine_tune.*",
    "fine_tune.succeeded",
    "fine_tune.failed",
    "fine_tune.cancelled",
    "evaluation.*",
    "evaluation.succeeded",
    "evaluation.failed",
    "evaluation.cancelled",
    "extraction_batch.*",
    "extraction_batch.succeeded",
    "extraction_batch.failed",
    "extraction_batch.cancelled",
]
"""Types of messages; `*` are all, and all of a kind."""

Events = Annotated[list[EventPattern], Field(max_length=30)]

Notify = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=100)]],
    Field(
        max_length=20,
        description="Ids of notification targets that are told of the end of this one, beside "
        "those whose `events` have it.",
        examples=[[]],
    ),
]


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has line breaks or control characters")
    return text


def _secret(text: str) -> str:
    try:
        key = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not text.startswith(SECRET_PREFIX) or len(key) not in _SECRET_BYTES:
        raise ValueError(f"it is not {SECRET_PREFIX} and 24 to 64 bytes in base64")
    return text


def is_email(address: str) -> bool:
    """Whether it is one plain e-mail address: no name before it, no list, no line break."""
    return _EMAIL.fullmatch(address) is not None


Name = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]


class TargetRequest(BaseModel):
    """Who is to be told, and of what."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "kind": "webhook",
                    "address": "https://example.org/hooks/medtune",
                    "name": "curation team",
                    "events": ["fine_tune.succeeded", "evaluation.*"],
                },
            ]
        },
    )

    kind: Kind = Field(examples=["webhook"])
    address: str = Field(
        min_length=1,
        max_length=2000,
        description="A URL for `webhook`, an e-mail address for `email`.",
        examples=["https://example.org/hooks/medtune"],
    )
    name: Name | None = Field(default=None, examples=["curation team"])
    events: Events = Field(
        default=["*"],
        description="Types it is told of; `[]`: only of what names it in `notify`.",
        examples=[["fine_tune.succeeded", "evaluation.*"]],
    )
    enabled: Annotated[bool, Field(strict=True)] = True
    secret: Annotated[str, AfterValidator(_secret)] | None = Field(
        default=None,
        max_length=200,
        description="Of a webhook: what its messages are signed with; made here if not given.",
        examples=[None],
    )


class TargetPatch(BaseModel):
    """What to change; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"enabled": False}]})

    name: Name | None = None
    events: Events | None = None
    enabled: bool | None = Field(default=None, strict=True, examples=[False])


class NotificationTarget(BaseModel):
    """An address that is told when something has ended."""

    id: str = Field(examples=["nt_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    kind: Kind
    name: str
    address: str
    events: list[str]
    enabled: bool = Field(description="False after an answer 410, too.")
    created_at: datetime


class NewTarget(NotificationTarget):
    """The same with what is shown this once."""

    secret: str | None = Field(
        description="What its messages are signed with; null for e-mail. It is not shown again.",
        examples=["whsec_bm90IGEgc2VjcmV0LCBhbiBleGFtcGxlIG9mIG9uZQ=="],
    )


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class AttemptStatus(StrEnum):
    """Where an attempt stands."""

    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Attempt(BaseModel):
    """One try to deliver."""

    id: str = Field(examples=["att_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    number: int = Field(examples=[1])
    status: AttemptStatus
    due_at: datetime = Field(description="Not before then.")
    started_at: datetime | None
    finished_at: datetime | None
    http_status: int | None = Field(description="What a webhook answered.", examples=[204])
    error: str | None = Field(
        description="Why it failed: refused, gone, timeout, unreachable, forbidden_address, "
        "too_many_redirects, not_configured, target_disabled or internal_error.",
        examples=[None],
    )


class MessageData(BaseModel):
    """What has ended, and how; never text of documents."""

    id: str = Field(examples=["ft_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    type: str = Field(examples=["fine_tune"])
    name: str | None = Field(description="As its owner named it.", examples=["bc5cdr-balanced"])
    status: str = Field(examples=["succeeded"])
    error_code: str | None = Field(description="Of docs/errors.md; null unless it has failed.")
    model_id: str | None = Field(description="Of a fine-tune: the model it has made.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    link: str | None = Field(description="Its page; null unless MEDTUNE_PUBLIC_URL is set.")


class Message(BaseModel):
    """The body of a message to a webhook."""

    type: str
    timestamp: datetime = Field(description="When it has ended.")
    data: MessageData


class NotificationDelivery(BaseModel):
    """One message to one target."""

    id: str = Field(examples=["dlv_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"])
    message_id: str = Field(
        description="The same for all targets and attempts.",
        examples=["msg_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"],
    )
    target_id: str
    type: str = Field(examples=["fine_tune.succeeded"])
    subject_id: str = Field(
        description="What has ended.", examples=["ft_01987e5a7c3f7d2ab8f0c1d2e3f4a5b6"]
    )
    status: DeliveryStatus
    created_at: datetime
    finished_at: datetime | None


class DeliveryDetail(NotificationDelivery):
    """A delivery with what was sent, and each attempt, those to come included."""

    data: MessageData
    attempts: list[Attempt]
