"""Columns that are sealed where there are keys: what clients wrote, and what is secret.

Nothing can be looked up by such a column. What is plain in it is read as it is. The cipher hangs on
the engine's dialect; without one, nothing is sealed.
"""

import json
from typing import Any, Protocol, cast

from sqlalchemy import JSON, Dialect, String, TypeDecorator

CIPHER = "medtune_cipher"  # the attribute of the dialect
_SEALED = "sealed"  # the only key of a JSON object that is sealed


class Cipher(Protocol):
    """Seals texts for a column, `table.column`, and opens them for that one alone."""

    def seal(self, text: str, column: str) -> str:
        """The text, sealed."""

    def open(self, text: str, column: str) -> str:
        """What was sealed, or the text if it is plain."""


def _cipher(dialect: Dialect) -> Cipher | None:
    return cast(Cipher | None, getattr(dialect, CIPHER, None))


class SealedText(TypeDecorator[str]):
    """A text, sealed for `column`."""

    impl = String
    cache_ok = True

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Seal."""
        cipher = _cipher(dialect)
        return value if value is None or cipher is None else cipher.seal(value, self.column)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Open."""
        cipher = _cipher(dialect)
        return value if value is None or cipher is None else self.opened(value, cipher)

    def opened(self, stored: str, cipher: Cipher) -> str:
        """The text itself."""
        return cipher.open(stored, self.column)


class SealedJson(TypeDecorator[dict[str, Any]]):
    """A JSON object; sealed for `column` it is one of a single key, whose value is the text."""

    impl = JSON
    cache_ok = True

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    def process_bind_param(
        self, value: dict[str, Any] | None, dialect: Dialect
    ) -> dict[str, Any] | None:
        """Seal."""
        cipher = _cipher(dialect)
        if value is None or cipher is None:
            return value
        return {_SEALED: cipher.seal(json.dumps(value), self.column)}

    def process_result_value(
        self, value: dict[str, Any] | None, dialect: Dialect
    ) -> dict[str, Any] | None:
        """Open."""
        cipher = _cipher(dialect)
        return value if value is None or cipher is None else self.opened(value, cipher)

    def opened(self, stored: dict[str, Any], cipher: Cipher) -> dict[str, Any]:
        """The object itself."""
        text = text_of(stored)
        if text is None or (opened := cipher.open(text, self.column)) == text:
            return stored
        return cast(dict[str, Any], json.loads(opened))


def text_of(stored: object) -> str | None:
    """The text that may be sealed in what a column holds; None if there is none."""
    if isinstance(stored, dict) and stored.keys() == {_SEALED}:
        stored = stored[_SEALED]
    return stored if isinstance(stored, str) else None
