"""Lists on the wire: `items` and an opaque `next_cursor`, by keyset, without totals."""

import base64
import binascii
import re
from typing import Generic, TypeVar

from pydantic import BaseModel, Field

from app.platform.errors import ApiError

Item = TypeVar("Item")


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
        position = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeError, ValueError):
        raise _unreadable() from None
    if not position.isprintable():
        raise _unreadable()
    return position


def decode_id(cursor: str | None, kind: str) -> str | None:
    """The id in a cursor of a list of such things (`ev`, as in `new_id`).

    Raises ApiError `invalid_cursor`.
    """
    position = decode_cursor(cursor)
    if position is not None and not is_id(position, kind):
        raise ApiError("invalid_cursor", "The cursor is not one of this list.")
    return position


def is_id(text: str, kind: str) -> bool:
    """Whether it is an id of this kind."""
    return re.fullmatch(f"{kind}_[0-9a-f]{{32}}", text) is not None


def decode_offset(cursor: str | None) -> int:
    """The offset in a cursor, 0 without one. Raises ApiError `invalid_cursor`."""
    return decode_offsets(cursor, 1)[0]


def decode_offsets(cursor: str | None, count: int) -> list[int]:
    """Several offsets in one cursor (`encode_cursor("1.20")`), zeros without one."""
    position = decode_cursor(cursor)
    if position is None:
        return [0] * count
    numbers = position.split(".")
    # Fifteen digits: no file is larger, and the file system takes them.
    if len(numbers) != count or not all(re.fullmatch("[0-9]{1,15}", n) for n in numbers):
        raise _unreadable()
    return [int(number) for number in numbers]


def _unreadable() -> ApiError:
    return ApiError("invalid_cursor", "The cursor could not be read.")
