"""Identifiers and time: sortable ids with a prefix, UTC moments."""

from datetime import UTC, datetime

from uuid_utils import uuid7


def new_id(prefix: str) -> str:
    """A fresh id such as `ds_0193...`: UUIDv7 (RFC 9562), so ids sort by their creation."""
    return f"{prefix}_{uuid7().hex}"


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)
