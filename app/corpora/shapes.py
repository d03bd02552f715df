"""Typed access to decoded JSON of unknown shape; what is missing is said by name, never by value.

A field that is not what it should be raises MalformedError, which the readers turn into a
`malformed_document` problem.
"""

from collections.abc import Mapping
from typing import Any

Raw = Mapping[str, Any]


class MalformedError(Exception):
    """A field is not what the format says; the message names the field."""


def table(value: Any, name: str) -> Raw:
    """`value` if it is an object; an empty one for None."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedError(f"'{name}' is not an object")
    return value


def rows(raw: Raw, name: str) -> list[Raw]:
    """The list of objects under `name`; empty without one."""
    return [table(item, name) for item in items(raw, name)]


def items(raw: Raw, name: str) -> list[Any]:
    """The list under `name`; empty without one."""
    value = raw.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedError(f"'{name}' is not a list")
    return value


def string(raw: Raw, name: str, default: str | None = None) -> str:
    """The text under `name` (numbers are taken as text), or the default."""
    value = raw.get(name)
    if value is None and default is not None:
        return default
    return as_string(value, name)


def as_string(value: Any, name: str) -> str:
    """`value` as text; numbers too."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise MalformedError(f"'{name}' is not a text")
    return value


def integer(value: Any, name: str) -> int:
    """`value` as a whole number; digits in a text too."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            raise MalformedError(f"'{name}' is not a number") from None
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedError(f"'{name}' is not a number")
    return value


def split_name(value: Any) -> str | None:
    """A split's name, None without one."""
    if value is None or value == "":
        return None
    name = as_string(value, "split")
    if len(name) > 100 or not name.isprintable():
        raise MalformedError("'split' is not a usable name")
    return name
