"""Messages to webhooks: signed, repeated, sent again, and given up."""

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from threading import Event

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.notifications import schedule, webhooks
from tests.notifications.conftest import (
    DELIVERIES,
    TARGETS,
    Post,
    Receiver,
    ended,
    receiver,
    target,
    until,
    verified,
)

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four attempts, one soon after the other."""
    monkeypatch.setattr(schedule, "DELAYS_SECONDS", (0, 0.1, 0.1, 0.1))


async def test_is_signed_and_says_what_it_is(client: httpx.AsyncClient, hook: Receiver) -> None:
    """The library verifies it with the secret shown at creation, and with no other."""
    made = await target(client, f"{hook.address}/in?a=b", name="lab")
    sent = await client.post(f"{TARGETS}/{made['id']}/test")
    assert sent.status_code == 202
    delivery = await ended(client, sent.json()["id"])
    assert sent.headers["Location"] == f"{DELIVERIES}/{delivery['id']}"
    assert delivery["status"] == "delivered"
    [attempt] = delivery["attempts"]
    assert (attempt["number"], attempt["status"], attempt["http_status"]) == (1, "succeeded", 204)
    [post] = hook.posts
    assert post.path == "/in?a=b"
    assert post.headers["content-type"] == "application/json"
    assert post.id == delivery["message_id"]
    message = verified(post, made["secret"])
    assert message["type"] == "notification_target.test"
    assert message["data"] == delivery["data"]
    assert message["data"]["name"] == "lab"
    assert datetime.fromisoformat(message["timestamp"]).tzinfo is not None
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(post.body, post.headers)


async def test_a_receiver_that_fails_twice_has_it_at_the_third_time(
    client: httpx.AsyncClient, hook: Receiver, quick: None
) -> None:
    """Each attempt is in the log; the message keeps its id, and each is signed for its moment."""
    hook.answer = lambda n, _post: (503 if n < 3 else 200, {})
    made = await target(client, hook.address)
    delivery = await ended(client, (await client.post(f"{TARGETS}/{made['id']}/test")).json()["id"])
    assert delivery["status"] == "delivered"
    told = [(a["number"], a["status"], a["http_status"], a["error"]) for a in delivery["attempts"]]
    assert told == [
        (1, "failed", 503, "refused"),
        (2, "failed", 503, "refused"),
        (3, "succeeded", 200, None),
    ]
    assert {post.id for post in hook.posts} == {delivery["message_id"]}
    assert len({post.body for post in hook.posts}) == 1
    for post in hook.posts:
        verified(post, made["secret"])
    for before, after in pairwise(delivery["attempts"]):
        assert after["due_at"] > before["finished_at"]


async def test_is_given_up_after_the_last_attempt_and_can_be_replayed(
    client: httpx.AsyncClient, hook: Receiver, quick: None
) -> None:
    """A replay is one more attempt at the same message; repeated with its key it is still one."""
    hook.answer = lambda n, _post: (500 if n <= 4 else 204, {})
    made = await target(client, hook.address)
    path = f"{TARGETS}/{made['id']}/test"
    failed = await ended(client, (await client.post(path)).json()["id"])
    assert failed["status"] == "failed"
    assert [a["status"] for a in failed["attempts"]] == ["failed"] * 4
    replay, key = f"{DELIVERIES}/{failed['id']}/replay", {"Idempotency-Key": failed["id"]}
    for _ in range(2):
        answer = await client.post(replay, headers=key)
        assert answer.status_code == 202, answer.text
        assert len(answer.json()["attempts"]) == 5
    delivery = await ended(client, failed["id"])
    assert delivery["status"] == "delivered"
    assert [post.id for post in hook.posts] == [failed["message_id"]] * 5
    # What was delivered can be sent again, too.
    await client.post(replay)
    again = await ended(client, failed["id"])
    await until(lambda: len(hook.posts) == 6)
    assert len(again["attempts"]) == 6


async def test_an_attempt_to_come_is_made_at_once_when_replayed(
    client: httpx.AsyncClient, hook: Receiver
) -> None:
    """The schedule's five minutes are not waited for, and there is no second row of it."""
    hook.answer = lambda n, _post: (429 if n == 1 else 200, {"retry-after": "3600"})
    made = await target(client, hook.address)
    delivery_id = (await client.post(f"{TARGETS}/{made['id']}/test")).json()["id"]

    async def attempts() -> list[dict[str, str]]:
        found: list[dict[str, str]] = (await client.get(f"{DELIVERIES}/{delivery_id}")).json()[
            "attempts"
        ]
        return found

    await until(lambda: hook.posts)
    while len(found := await attempts()) < 2:
        pass
    due, first = (datetime.fromisoformat(a["due_at"]) for a in reversed(found))
    assert 3590 < (due - first).total_seconds() < 3700, "Retry-After is honoured"
    assert (await client.post(f"{DELIVERIES}/{delivery_id}/replay")).status_code == 202
    delivery = await ended(client, delivery_id)
    assert delivery["status"] == "delivered"
    assert [a["status"] for a in delivery["attempts"]] == ["failed", "succeeded"]


async def test_gone_disables_the_target(client: httpx.AsyncClient, hook: Receiver) -> None:
    """410 is the receiver's wish to hear no more; nothing is sent until someone enables it."""
    hook.answer = lambda _n, _post: (410, {})
    made = await target(client, hook.address, events=["*"])
    sent = await client.post(f"{TARGETS}/{made['id']}/test")
    delivery = await ended(client, sent.json()["id"])
    assert (delivery["status"], delivery["attempts"][0]["error"]) == ("failed", "gone")
    assert (await client.get(f"{TARGETS}/{made['id']}")).json()["enabled"] is False
    for path in (f"{TARGETS}/{made['id']}/test", f"{DELIVERIES}/{delivery['id']}/replay"):
        refused = await client.post(path)
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    patched = await client.patch(f"{TARGETS}/{made['id']}", json={"enabled": True, "events": []})
    assert patched.json()["enabled"] is True
    assert (await client.post(f"{TARGETS}/{made['id']}/test")).status_code == 202


async def test_a_target_disabled_meanwhile_is_sent_nothing_more(
    client: httpx.AsyncClient, hook: Receiver, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt that is being made comes to its end, and the next one is given up."""
    for bound in ("_FIRST_SECONDS", "_SECONDS"):
        monkeypatch.setattr(webhooks, bound, 60)
    disabled = Event()

    def answer(_number: int, _post: Post) -> tuple[int, dict[str, str]]:
        disabled.wait()
        return 503, {}

    hook.answer = answer
    made = await target(client, hook.address)
    sent = await client.post(f"{TARGETS}/{made['id']}/test")
    try:
        await until(lambda: hook.posts)
        patched = await client.patch(f"{TARGETS}/{made['id']}", json={"enabled": False})
    finally:
        disabled.set()
    assert patched.json()["enabled"] is False
    delivery = await ended(client, sent.json()["id"])
    assert delivery["status"] == "failed"
    assert [each["error"] for each in delivery["attempts"][1:]] == ["target_disabled"]
    assert len(hook.posts) == 1


@pytest.fixture
def elsewhere() -> Iterator[Receiver]:
    """Where a receiver sends messages on to."""
    with receiver() as state:
        yield state


async def test_redirects_are_followed_three_times_with_the_message(
    client: httpx.AsyncClient, hook: Receiver, elsewhere: Receiver, quick: None
) -> None:
    """The message arrives whole behind three of them, and not behind four."""

    def on(_n: int, post: Post) -> tuple[int, dict[str, str]]:
        left = int(post.path.strip("/"))
        place = f"/{left - 1}" if left > 1 else f"{elsewhere.address}/end"
        return (301, 302, 307, 308)[left - 1], {"location": place}

    hook.answer = on
    near, far = [await target(client, f"{hook.address}/{n}") for n in (3, 4)]
    for made in (near, far):
        sent = await client.post(f"{TARGETS}/{made['id']}/test")
        delivery = await ended(client, sent.json()["id"])
        expected = (None, 204) if made is near else ("too_many_redirects", 301)
        last = delivery["attempts"][-1]
        assert (last["error"], last["http_status"]) == expected
    [post] = elsewhere.posts
    assert verified(post, near["secret"])["data"]["id"] == near["id"]


async def test_who_does_not_answer_is_unreachable(client: httpx.AsyncClient, quick: None) -> None:
    """A port that nobody listens on."""
    with receiver() as closed:
        address = closed.address
    made = await target(client, address)
    delivery = await ended(client, (await client.post(f"{TARGETS}/{made['id']}/test")).json()["id"])
    assert {a["error"] for a in delivery["attempts"]} == {"unreachable"}
