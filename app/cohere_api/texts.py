"""Texts that clients name things by: what no database and no log could hold is refused early."""

from typing import Annotated

from pydantic import AfterValidator


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be printable")
    return value


Printable = Annotated[str, AfterValidator(_printable)]
