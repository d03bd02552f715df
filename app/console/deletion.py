"""The question before something is deleted: what goes with it. No more goes than was told."""

import hashlib
from collections.abc import Sequence
from typing import Protocol

from fastapi import Request, Response

from app.console.forms import Form
from app.console.pages import render
from app.platform.errors import ApiError
from app.platform.lineage import Lineage
from app.platform.work import Work

Built = Sequence[tuple[str, str]]
"""(kind, id) of all that was built from something."""


class Thing(Protocol):
    """What has an id."""

    @property
    def id(self) -> str:
        """It, and the last part of its path."""


def question(
    request: Request,
    kind: str,
    section: str,
    thing: Thing,
    name: str | None = None,
    *,
    built: Built = (),
    aliases: Sequence[str] = (),
) -> Response:
    """The page that asks; its form is sent to the same path."""
    return render(
        request,
        "delete.html",
        kind=kind,
        thing=thing,
        name=name or thing.id,
        built=built,
        seal=_seal(built),
        aliases=aliases,
        back=f"/{section}/{thing.id}",
    )


async def agreed(form: Form, work: Work, lineage: Lineage, kind: str, thing_id: str) -> bool:
    """Whether what was built from it is to go as well, by the form of that page.

    Raises ApiError `in_use` if that is not what the page has told of.
    """
    if not form.text("cascade"):
        return False
    if form.text("built") != _seal(await lineage.descendants(work, kind, thing_id)):
        raise ApiError(
            "in_use",
            "Something else depends on it now than when you were asked.",
            hint="Go back, load the page again, and see what goes with it.",
        )
    return True


def _seal(built: Built) -> str:
    return hashlib.sha256(" ".join(sorted(each for _, each in built)).encode()).hexdigest()
