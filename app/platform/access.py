"""Who is at work, and in which workspace: whatever reads or writes rows has to be told.

A request acts for the key it was sent with, a job for the workspace of its row, a chore for the
service as a whole. Whoever acts for nobody gets no transaction: nothing is open by omission.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum

DEFAULT_WORKSPACE = "default"


class Scope(IntEnum):
    """What a key may do; each may do what those before it may."""

    READ = 1
    WRITE = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As people and tables write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: `actor` is a key's id, or a word for what is no key.

    `workspace` is the only one whose rows it sees and makes; None: it sees all and makes none.
    """

    actor: str
    workspace: str | None
    scope: Scope


# Whoever asks a service that has no keys, and so is reached from its own machine alone.
LOCAL = Principal("local", DEFAULT_WORKSPACE, Scope.ADMIN)
# The service's own upkeep.
EVERYWHERE = Principal("service", None, Scope.ADMIN)

_acting: ContextVar[Principal] = ContextVar("acting")


class NobodyError(RuntimeError):
    """Rows were asked for without saying on whose behalf."""


@contextmanager
def acting(principal: Principal) -> Iterator[None]:
    """Act for someone until the end of the block, with all that is started in it."""
    token = _acting.set(principal)
    try:
        yield
    finally:
        _acting.reset(token)


def who_acts() -> Principal:
    """Who is at work here. Raises NobodyError."""
    try:
        return _acting.get()
    except LookupError:
        raise NobodyError("nobody acts here") from None


def in_workspace(workspace: str) -> Principal:
    """A job at work on a row of this workspace."""
    return Principal("job", workspace, Scope.WRITE)
