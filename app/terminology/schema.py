"""The tables of an index file, and what its builder and its reader have to agree on.

Names are found in two ways. `keys` leads from each key of a name (`app.terminology.names`) to one
concept. `entries` are the names to be compared by their n-grams, numbered from 0 within each type;
`postings` leads from an n-gram to the entries that have it, `norms` has the lengths of the entries'
vectors. A vector has a weight for each distinct n-gram, however often it occurs.
"""

import math
from hashlib import blake2b

from app.corpora.documents import MENTION_TYPES, MentionType

# "MTVI" in SQLite's header says whose file it is. The version changes with the tables, with what
# `app.terminology.names` makes of a name, and with `weight`.
APPLICATION_ID = 0x4D545649
VERSION = 1

NUMBERS = "<i4"
NORMS = "<f4"
# Longer names are found by their keys only; as n-grams they would be like too much.
LONGEST_COMPARED = 200

TABLES = """
CREATE TABLE concepts (
    number INTEGER PRIMARY KEY, identifier TEXT NOT NULL, type INTEGER NOT NULL,
    name TEXT NOT NULL, UNIQUE (identifier, type)
);
CREATE TABLE keys (key INTEGER PRIMARY KEY, concept INTEGER NOT NULL);
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, concept INTEGER NOT NULL, rank INTEGER NOT NULL, name TEXT NOT NULL
);
CREATE TABLE postings (gram INTEGER PRIMARY KEY, entries BLOB NOT NULL);
CREATE TABLE norms (type INTEGER PRIMARY KEY, norms BLOB NOT NULL);
"""

_TYPE_NUMBERS = {type_: number for number, type_ in enumerate(MENTION_TYPES)}


def type_number(type_: MentionType) -> int:
    """How the tables write a type."""
    return _TYPE_NUMBERS[type_]


def hashed(type_: MentionType, key: str) -> int:
    """A key or an n-gram of a type as 64 bits, signed as SQLite's integers are.

    Two of some millions have the same number with a probability of one in a million.
    """
    text = f"{type_number(type_)}{key}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


def entry_id(type_: MentionType, number: int) -> int:
    """The row of an entry."""
    return number * len(MENTION_TYPES) + type_number(type_)


def weight(entries: int, having: int) -> float:
    """The weight (smoothed inverse document frequency) of an n-gram that so many entries have."""
    return math.log((1 + entries) / (1 + having)) + 1
