"""Lists on the wire: `items` and an opaque `next_cursor`, by keyset, without totals."""

import base64
import binascii
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from app.platform.errors import ApiError

Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=1000, description="How many items at the most.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="`next_cursor` of the page before, as given.")
]


class Page(BaseModel, Generic[Item]):
    """One page; `next_cursor` is null on the last."""

    items: list[Item]
    next_cursor: str | None = Field(description="Pass as `cursor` to get the next page.")


def encode_cursor(position: str | int | None) -> str | None:
    """The cursor for a position: the last id of the page, or an offset."""
    if position is None:
        return None
    return base64.urlsafe_b64encode(str(position).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> str | None:
    """The position in a cursor. Raises ApiError `invalid_cursor`."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError, ValueError):
        raise ApiError("invalid_cursor", "The cursor could not be read.") from None


def decode_offset(cursor: str | None) -> int:
    """The offset in a cursor, 0 without one. Raises ApiError `invalid_cursor`."""
    position = decode_cursor(cursor) or "0"
    if not position.isdecimal() or len(position) > 15:
        raise ApiError("invalid_cursor", "The cursor could not be read.")
    return int(position)
