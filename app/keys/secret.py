"""What a key looks like: `mt_<id>_<secret>`, and how its secret is told from a guess.

The secret is 256 bits of chance, so one fast hash of it is as good as a slow one: there is nothing
to be guessed. The id is no secret; by it the hash is found without comparing any secret.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

_SECRET_BYTES = 32
_KEY = re.compile(r"mt_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Secret:
    """A key as its owner has it."""

    key_id: str
    secret: str

    def __repr__(self) -> str:
        return f"Secret({self.key_id})"

    @property
    def text(self) -> str:
        """What is sent as a bearer token; shown once."""
        return f"mt_{self.key_id.removeprefix('key_')}_{self.secret}"

    @property
    def hash(self) -> str:
        """The sha256 of the secret, hexadecimal: what is stored."""
        return hashed(self.secret)


def new_secret(key_id: str) -> Secret:
    """A new secret for a key."""
    return Secret(key_id, secrets.token_urlsafe(_SECRET_BYTES))


def parse(text: str) -> Secret | None:
    """The key in a bearer token; None if it does not look like one."""
    found = _KEY.fullmatch(text)
    return None if found is None else Secret(f"key_{found[1]}", found[2])


def hashed(secret: str) -> str:
    """The sha256 of a secret, hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two hashes or secrets are equal; takes as long for any two of a length."""
    return hmac.compare_digest(one.encode(), other.encode())
