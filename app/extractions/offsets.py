"""Offsets in other units: code points (ours) to UTF-16 code units or UTF-8 bytes, and back."""

from collections.abc import Callable
from itertools import accumulate

from app.extractions.schemas import OffsetUnit

Convert = Callable[[int], int]


def converter(text: str, unit: OffsetUnit) -> Convert:
    """A function from an offset in code points of `text` to the same place in `unit`."""
    if unit == "code_point" or text.isascii():
        return lambda offset: offset
    return _places(text, unit).__getitem__


def back_converter(text: str, unit: OffsetUnit) -> Convert:
    """The inverse of `converter`, for offsets that it gave."""
    if unit == "code_point" or text.isascii():
        return lambda offset: offset
    return {place: offset for offset, place in enumerate(_places(text, unit))}.__getitem__


def _places(text: str, unit: OffsetUnit) -> list[int]:
    width = _utf16_width if unit == "utf16" else _utf8_width
    return [0, *accumulate(map(width, text))]


def _utf16_width(character: str) -> int:
    return 2 if ord(character) > 0xFFFF else 1


def _utf8_width(character: str) -> int:
    point = ord(character)
    return 1 if point < 0x80 else 2 if point < 0x800 else 3 if point < 0x10000 else 4
