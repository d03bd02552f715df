"""An extraction without a word of its text: offsets, identifiers, scores, and hashes of names.

A name becomes `sha256:` and the hexadecimal HMAC-SHA256 (RFC 2104) of it, keyed with the whole text
it was found in, both as UTF-8. Whoever has the text can make the same hash, and nobody else can try
names until one fits, as they could with a hash that has no key.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from app.prompts.tasks import MENTION_TASKS

HASHED = "sha256:"
# Concepts of datasets that have no identifiers are called by their name (app/prompts/rows.py).
_NAMED = "NAME:"
_SIDES = ("chemical", "disease")

Hash = Callable[[str], str]


def text_sha256(text: str) -> str:
    """The SHA-256 of a text as UTF-8, hexadecimal: which text it was, for who has it."""
    return hashlib.sha256(text.encode()).hexdigest()


def hashed(name: str, text: str) -> str:
    """What stands for a name that was found in a text."""
    return HASHED + hmac.new(text.encode(), name.encode(), "sha256").hexdigest()


def without_text(extraction: str, text: str) -> dict[str, Any]:
    """The JSON of an extraction from this text, with hashes for all that may be words of it."""

    def hash_(name: str) -> str:
        return hashed(name, text)

    row: dict[str, Any] = json.loads(extraction)
    for task in MENTION_TASKS:
        for item in row.get(task.value, ()):
            item |= {"text": hash_(item["text"]), "identifiers": _ids(item, "identifiers", hash_)}
    for relation in row.get("relations", ()):
        for side in _SIDES:
            ids = f"{side}_identifiers"
            relation |= {side: hash_(relation[side]), ids: _ids(relation, ids, hash_)}
    for item in row["ungrounded"]:
        item["text"] = hash_(item["text"])
    return row


def _ids(row: Mapping[str, Any], key: str, hash_: Hash) -> list[str]:
    return [
        _NAMED + hash_(each.removeprefix(_NAMED)) if each.startswith(_NAMED) else each
        for each in row[key]
    ]
