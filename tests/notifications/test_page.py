"""What `docs/notifications.md` says is what the code does."""

import re
from collections.abc import Callable
from typing import Any, get_args

import pytest
from standardwebhooks import WebhookVerificationError

from app.notifications import schedule, sending
from app.notifications.schemas import EventPattern, MessageData
from app.notifications.webhooks import Webhooks
from tests.notifications.conftest import Receiver
from tests.notifications.test_addresses import SECRET, send
from tests.project.paths import ROOT

PAGE = (ROOT / "docs" / "notifications.md").read_text(encoding="utf-8")
SECONDS = {"s": 1, "min": 60, "h": 3600}


def functions() -> dict[str, Callable[..., Any]]:
    """What the page's pieces of Python define."""
    names: dict[str, Any] = {}
    for source in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(source, "docs/notifications.md", "exec"), names)
    return names


def test_types() -> None:
    """The table has all types of messages."""
    listed = {
        f"{kind}{state}"
        for row in re.findall(r"^\| `dataset`.*|^\| `fine_tune`.*", PAGE, re.MULTILINE)
        for kind in re.findall(r"`([a-z_]+)`", row)
        for state in re.findall(r"`(\.[a-z]+)`", row)
    }
    assert listed == {each for each in get_args(EventPattern) if "*" not in each}


def test_schedule_and_errors() -> None:
    """The pauses in order, each word for a failure, and each field of a message."""
    row = re.search(r"^\| after the one before \| at once \|(.*)\|$", PAGE, re.MULTILINE)
    assert row is not None
    pauses = [cell.split() for cell in row[1].split("|")]
    assert (0, *(int(n) * SECONDS[unit] for n, unit in pauses)) == schedule.DELAYS_SECONDS
    words = {value for name, value in vars(sending).items() if name.isupper()}
    assert words | {"internal_error"} == set(
        re.findall(r"^\| `([a-z_]+)` \| (?!adds)", PAGE.split("`error` of an attempt")[1], re.M)
    )
    for name in MessageData.model_fields:
        assert f'"{name}":' in PAGE


async def test_both_ways_to_verify(hook: Receiver) -> None:
    """The page's own code takes a real message, and none that was changed or of another secret."""
    await send(Webhooks(private=True), hook.address)
    [post] = hook.posts
    page = functions()
    assert page["received"](post.body, post.headers, SECRET)["type"] == "fine_tune.succeeded"
    assert page["is_genuine"](post.body, post.headers, SECRET)
    other = "whsec_" + "B" * 32
    old = {**post.headers, "webhook-timestamp": "1"}
    for body, headers, secret in (
        (post.body + b" ", post.headers, SECRET),
        (post.body, post.headers, other),
        (post.body, old, SECRET),
    ):
        assert not page["is_genuine"](body, headers, secret)
        with pytest.raises(WebhookVerificationError):
            page["received"](body, headers, secret)
