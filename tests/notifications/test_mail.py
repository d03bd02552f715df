"""Messages by e-mail, through a real SMTP server."""

from email.message import Message

import httpx
import pytest

from app.notifications import schedule
from app.notifications.mail import subject
from app.notifications.schemas import MessageData
from app.platform.clock import now
from tests.api.conftest import upload
from tests.notifications.conftest import TARGETS, Mailbox, ended, target, until

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_says_what_has_ended(client: httpx.AsyncClient, mailbox: tuple[Mailbox, int]) -> None:
    """Plain text, one recipient; a name with line breaks adds no header and no recipient."""
    made = await target(client, "lab@example.org", kind="email", events=["dataset.ready"])
    assert made["secret"] is None
    name = "Grüße\r\nBcc: evil@example.org\r\n\r\nbody"
    dataset = await upload(client, b"1|t|Aspirin and asthma.\n1|a|It may.\n", name=name)
    assert (dataset["status"], dataset["name"]) == ("ready", name)
    await until(lambda: mailbox[0].mails)
    mail = mailbox[0].mails.pop()
    assert isinstance(mail, Message)
    assert mail["X-RcptTo"] == "lab@example.org"
    assert mail["Bcc"] is None
    assert mail["From"] == "Medtune <medtune@example.org>"
    assert mail["To"] == "lab@example.org"
    [delivery] = (await client.get(f"{TARGETS}/{made['id']}/deliveries")).json()["items"]
    assert mail["Message-ID"] == f"<{delivery['message_id']}@example.org>"
    assert mail.get_content_type() == "text/plain"
    payload = mail.get_payload(decode=True)
    assert isinstance(payload, bytes)
    text = payload.decode()
    assert text.splitlines()[0] == "Dataset Grüße Bcc: evil@example.org body: ready"
    assert f"https://medtune.example.org/datasets/{dataset['id']}" in text
    assert "Aspirin" not in text
    assert (await ended(client, delivery["id"]))["status"] == "delivered"
    await client.delete(f"{TARGETS}/{made['id']}")


async def test_a_server_that_refuses_is_asked_again(
    client: httpx.AsyncClient, mailbox: tuple[Mailbox, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As webhooks are; what the log says is a word, not the server's own."""
    monkeypatch.setattr(schedule, "DELAYS_SECONDS", (0, 0.1))
    made = await target(client, "lab@example.org", kind="email")
    mailbox[0].refusals = 1
    sent = (await client.post(f"{TARGETS}/{made['id']}/test")).json()["id"]
    delivery = await ended(client, sent)
    told = [(a["status"], a["error"], a["http_status"]) for a in delivery["attempts"]]
    assert told == [("failed", "refused", None), ("succeeded", None, None)]
    assert len(mailbox[0].mails) == 1
    mailbox[0].mails.clear()


async def test_a_subject_is_one_line() -> None:
    """Whatever the name is made of."""
    data = MessageData(
        id="ft_1",
        type="fine_tune",
        name="a\u2028b\x00c\x85d\ne",
        status="failed",
        error_code="internal_error",
        model_id=None,
        created_at=now(),
        started_at=None,
        finished_at=None,
        link=None,
    )
    assert subject(data) == "Fine tune a b c d e: failed"
