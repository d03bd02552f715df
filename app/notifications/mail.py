"""Messages by e-mail: plain text, through the server of the settings.

A message of several attempts has one Message-ID: mail programs show it once.
"""

import asyncio
import socket
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

import aiosmtplib

from app.notifications.schemas import MessageData
from app.notifications.sending import (
    NOT_CONFIGURED,
    REFUSED,
    TIMEOUT,
    UNREACHABLE,
    Outcome,
    Sending,
)
from app.platform.settings import Settings

_SECONDS = 30.0  # some servers let strangers wait before they speak


async def send_mail(settings: Settings, sending: Sending) -> Outcome:
    """Send a message; whatever goes wrong is in the outcome."""
    if settings.smtp_host is None:
        return Outcome(NOT_CONFIGURED)
    password = settings.smtp_password
    try:
        async with asyncio.timeout(_SECONDS):
            await aiosmtplib.send(
                _mail(settings.smtp_from, sending),
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                use_tls=settings.smtp_security == "tls",
                start_tls=settings.smtp_security == "starttls",
                username=settings.smtp_username,
                password=None if password is None else password.get_secret_value(),
                local_hostname=socket.gethostname(),
                timeout=_SECONDS,
            )
    except (TimeoutError, aiosmtplib.SMTPTimeoutError):
        return Outcome(TIMEOUT)
    except (
        aiosmtplib.SMTPResponseException,
        aiosmtplib.SMTPRecipientsRefused,
        aiosmtplib.SMTPNotSupported,
    ):
        return Outcome(REFUSED)
    except (aiosmtplib.SMTPException, OSError):
        return Outcome(UNREACHABLE)
    return Outcome()


def _mail(sender: str, sending: Sending) -> EmailMessage:
    message = sending.message
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = sending.address
    mail["Subject"] = subject(message.data)
    mail["Date"] = format_datetime(message.timestamp)
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    mail["Message-ID"] = f"<{sending.message_id}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answers of machines, please
    mail.set_content(_text(message.data))
    return mail


def subject(data: MessageData) -> str:
    """One line: what, its name, how it ended."""
    what = data.type.replace("_", " ").capitalize()
    return _one_line(f"{what} {data.name or data.id}: {data.status}")


def _text(data: MessageData) -> str:
    facts = {
        "Status": data.status,
        "Error": data.error_code,
        "Model": data.model_id,
        "Id": data.id,
        "Created": data.created_at.isoformat(timespec="seconds"),
        "Finished": data.finished_at and data.finished_at.isoformat(timespec="seconds"),
        "Page": data.link,
    }
    lines = [f"{name}: {value}" for name, value in facts.items() if value]
    return "\n".join([subject(data), "", *lines, ""])


def _one_line(text: str) -> str:
    """Without line breaks and whatever else could end a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
