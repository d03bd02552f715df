"""Targets: created, listed, changed, deleted; secrets are shown once."""

import logging

import httpx
import pytest

from app.main import create_app
from app.platform.settings import Settings
from tests.notifications.conftest import DELIVERIES, TARGETS, Receiver, ended, target

pytestmark = pytest.mark.asyncio(loop_scope="package")

HOOK = {"kind": "webhook", "address": "https://example.org/hook", "events": []}
GIVEN = "whsec_" + "QUJD" * 8


def faults(answer: httpx.Response) -> list[tuple[str, str]]:
    """(pointer, code) of what is wrong with a request."""
    assert answer.status_code == 422, answer.text
    return [(each["pointer"], each["code"]) for each in answer.json()["errors"]]


async def test_a_secret_is_shown_once(client: httpx.AsyncClient) -> None:
    """In the answer to its creation, or to a repetition of it while it is there; nowhere else."""
    key = {"Idempotency-Key": "once"}
    answers = [await client.post(TARGETS, json=HOOK, headers=key) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    made = answers[0].json()
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert answers[0].headers["Location"] == f"{TARGETS}/{made['id']}"
    assert (made["name"], made["enabled"]) == (made["id"], True)
    read = await client.get(f"{TARGETS}/{made['id']}")
    patched = await client.patch(f"{TARGETS}/{made['id']}", json={"name": "lab"})
    listed = await client.get(TARGETS)
    assert read.json() == made
    assert patched.json() == {**made, "name": "lab"}
    for answer in (read, patched, listed):
        assert "secret" not in answer.text
        assert secret not in answer.text
    await client.delete(f"{TARGETS}/{made['id']}")
    again = await client.post(TARGETS, json=HOOK, headers=key)
    assert "Idempotency-Replayed" not in again.headers
    assert again.json()["secret"] != secret  # it is gone with its target, and another is made


async def test_a_secret_may_be_given(client: httpx.AsyncClient) -> None:
    """If it is one: what is not is refused, and not repeated."""
    assert (await target(client, "https://example.org", secret=GIVEN))["secret"] == GIVEN
    for bad in ("whsec_QUJD", GIVEN.removeprefix("whsec_"), "whsec_" + "!" * 40):
        answer = await client.post(TARGETS, json={**HOOK, "secret": bad})
        assert faults(answer) == [("/secret", "value_error")]
        assert bad not in answer.text


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"events": ["fine_tune.ready"]}, ("/events/0", "literal_error")),
        ({"events": ["fine_tune"]}, ("/events/0", "literal_error")),
        ({"name": "two\nlines"}, ("/name", "value_error")),
        ({"kind": "fax"}, ("/kind", "literal_error")),
        ({"kind": "email", "address": "a@b.org\r\nBcc: c@d.org"}, ("/address", "not_an_address")),
        ({"kind": "email", "address": "a@b.org, c@d.org"}, ("/address", "not_an_address")),
        ({"kind": "email", "address": "A <a@b.org>"}, ("/address", "not_an_address")),
        ({"kind": "email", "address": "a@b.org", "secret": GIVEN}, ("/secret", "not_used")),
    ],
)
async def test_what_is_refused(
    client: httpx.AsyncClient, change: dict[str, object], fault: tuple[str, str]
) -> None:
    """The field is named."""
    assert faults(await client.post(TARGETS, json={**HOOK, **change})) == [fault]


async def test_pages_and_deletion(client: httpx.AsyncClient, hook: Receiver) -> None:
    """Newest first; a deleted target takes the log of its deliveries with it."""
    made = [await target(client, hook.address) for _ in range(3)]
    page = (await client.get(TARGETS, params={"limit": 2})).json()
    assert [each["id"] for each in page["items"]] == [made[2]["id"], made[1]["id"]]
    cursor = page["next_cursor"]
    page = (await client.get(TARGETS, params={"limit": 1, "cursor": cursor})).json()
    assert [each["id"] for each in page["items"]] == [made[0]["id"]]

    path = f"{TARGETS}/{made[0]['id']}"
    sent = [(await client.post(f"{path}/test")).json()["id"] for _ in range(3)]
    for each in sent:
        await ended(client, each)
    page = (await client.get(f"{path}/deliveries", params={"limit": 2})).json()
    assert [each["id"] for each in page["items"]] == [sent[2], sent[1]]
    assert {each["status"] for each in page["items"]} == {"delivered"}
    query = {"limit": 2, "cursor": page["next_cursor"]}
    page = (await client.get(f"{path}/deliveries", params=query)).json()
    assert ([each["id"] for each in page["items"]], page["next_cursor"]) == ([sent[0]], None)

    assert (await client.delete(path)).status_code == 204
    gone = [path, f"{path}/deliveries", f"{DELIVERIES}/{sent[0]}"]
    assert [(await client.get(each)).status_code for each in gone] == [404] * 3
    assert (await client.post(f"{DELIVERIES}/{sent[0]}/replay")).status_code == 404
    wrong = await client.get(TARGETS, params={"cursor": "bmV2ZXI"})
    assert wrong.json()["code"] == "invalid_cursor"


async def test_nothing_secret_is_logged(
    client: httpx.AsyncClient, hook: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the secret nor the address, in which many a webhook has a key."""
    caplog.set_level(logging.INFO)
    made = await target(client, f"{hook.address}/key-in-the-path")
    await ended(client, (await client.post(f"{TARGETS}/{made['id']}/test")).json()["id"])
    assert hook.posts
    for secret in (made["secret"], "key-in-the-path"):
        assert not any(secret in record.getMessage() for record in caplog.records)


async def test_by_default_nothing_is_sent_inside(settings: Settings) -> None:
    """And no e-mail is, without a server for it: the hint says what to set."""
    # Without its jobs: the engine is one a process, and runs those of the other service.
    app = create_app(settings, ())
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as other:
            for address in ("http://127.0.0.1/x", "http://localhost/", "ftp://example.org/"):
                answer = await other.post(TARGETS, json={**HOOK, "address": address})
                assert (answer.status_code, answer.json()["code"]) == (422, "forbidden_address")
                assert "MEDTUNE_NOTIFY_PRIVATE" in answer.json()["hint"]
                assert address not in answer.text
            mail = {"kind": "email", "address": "a@example.org"}
            answer = await other.post(TARGETS, json=mail)
            assert faults(answer) == [("/kind", "not_configured")]
            assert "MEDTUNE_SMTP_HOST" in answer.json()["hint"]
            assert (await other.post(TARGETS, json=HOOK)).status_code == 201
