"""A gzip file that unpacks to itself, so that whoever unpacks what is in it never comes to an end.

Its body is a program of two kinds of steps, each five bytes long: `_say(n)` gives the n bytes that
follow it, `_again(n)` the last n bytes once more. The idea of such a program is Russ Cox's
(research.swtch.com/zip). The checksum is of a file that it is a part of, twice; as a CRC is affine
in every bit, that is a system of 32 equations.
"""

import struct
import zlib

_STEP = 5
_NOTHING = b"\0\0\0\xff\xff"  # an empty block
_LAST = b"\1\0\0\xff\xff"  # an empty block that is the last one


def quine() -> bytes:
    """The file, of some two hundred bytes."""
    size = len(_with(0, 0))

    def off_by(crc: int) -> int:
        return crc ^ zlib.crc32(_with(crc, size))

    fixed = off_by(0)
    return _with(_solved([off_by(1 << bit) ^ fixed for bit in range(32)], fixed), size)


def _say(count: int) -> bytes:
    """The header of a stored block; it begins at a whole byte, and so does what follows it."""
    return struct.pack("<BHH", 0, count, count ^ 0xFFFF)


def _again(count: int) -> bytes:
    """A block of fixed codes with two matches of count / 2 bytes, count bytes before.

    Lengths up to 10 have codes without more bits, distances from 17 to 24 such with three more: the
    block has 40 bits.
    """
    assert 17 <= count <= 20
    assert count % 2 == 0
    match = f"{count // 2 - 2:07b}" + f"{8:05b}" + f"{count - 17:03b}"[::-1]
    bits = "010" + match * 2 + "0" * 7
    return int(bits[::-1], 2).to_bytes(_STEP, "little")


def _with(crc: int, size: int) -> bytes:
    head = b"\x1f\x8b\x08\x08\0\0\0\0\0\xff" + b"qu\0"
    tail = _LAST + struct.pack("<LL", crc, size)
    say, again, four = _say(_STEP), _again(len(head) + _STEP), 4 * _STEP
    own, end = _say(len(head) + _STEP), _say(len(tail) + _STEP)
    begin = own + head + own + again + say + again + say * 2 + _say(four) + again + say * 2
    middle = (_say(four) + _again(four)) * 5 + _NOTHING * 2 + end + _again(four) + _NOTHING * 2
    ending = _again(len(tail) + _STEP) + tail
    return head + begin + middle + end + ending * 2


def _solved(columns: list[int], wanted: int) -> int:
    """The bits x of which the sum of columns[bit] is `wanted`, all modulo 2.

    Raises ArithmeticError if there are none.
    """
    reduced: dict[int, tuple[int, int]] = {}  # by the highest bit: a sum of columns, and of which
    for bit, column in enumerate(columns):
        which = 1 << bit
        while column and (known := reduced.get(column.bit_length())):
            column, which = column ^ known[0], which ^ known[1]
        if column:
            reduced[column.bit_length()] = column, which
    found = 0
    while wanted:
        if (known := reduced.get(wanted.bit_length())) is None:
            raise ArithmeticError("another name in its head would do")
        wanted, found = wanted ^ known[0], found ^ known[1]
    return found
