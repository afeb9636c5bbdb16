"""E-mail by SMTP, from the operator's own server; plain text, one recipient."""

import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from app.notices.wording import sentence, where
from app.settings import Settings

_TIMEOUT_SECONDS: Final = 20.0


class MailError(Exception):
    """The mail server did not take it; the message holds no password."""


def message(settings: Settings, to: str, message_id: str, event: Mapping[str, Any]) -> EmailMessage:
    """The mail. Headers refuse line breaks, so that no name can add one."""
    words = sentence(event)
    mail = EmailMessage()
    mail["From"] = settings.mail_from or "clearance@localhost"
    mail["To"] = to
    mail["Subject"] = f"[Clearance] {words[:150]}"
    mail["Message-ID"] = f"<{message_id}@clearance>"
    mail["Auto-Submitted"] = "auto-generated"
    link = where(event)
    mail.set_content(f"{words}\n\n{link}\n" if link else f"{words}\n")
    return mail


def send_mail(settings: Settings, to: str, message_id: str, event: Mapping[str, Any]) -> None:
    """Hand it to the server that CLEARANCE_SMTP_URL names; TLS always, but to this machine."""
    if settings.smtp_url is None:
        raise MailError("CLEARANCE_SMTP_URL is not set")
    parts = urlsplit(settings.smtp_url)
    host = parts.hostname or "localhost"
    context = ssl.create_default_context()
    try:
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, parts.port or 465, timeout=_TIMEOUT_SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(host, parts.port or 587, timeout=_TIMEOUT_SECONDS)
        with server:
            if parts.scheme == "smtp" and host not in {"localhost", "127.0.0.1", "::1"}:
                server.starttls(context=context)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message(settings, to, message_id, event))
    except (OSError, smtplib.SMTPException) as error:
        raise MailError(f"{host}: {type(error).__name__}") from error
