"""E-mail by SMTP, from the operator's own server; plain text, one recipient."""

import smtplib
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from app.notices.wording import sentence, where
from app.settings import Settings

_TIMEOUT_SECONDS: Final = 20.0
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")


class MailError(Exception):
    """The mail server did not take it; the message holds neither password nor address.

    `code` is its answer, where it gave one.
    """

    def __init__(self, words: str, code: int | None = None) -> None:
        super().__init__(words)
        self.code = code


def message(
    settings: Settings, to: str, message_id: str, event: Mapping[str, Any], now: datetime
) -> EmailMessage:
    """The mail. Headers refuse line breaks, so that no name can add one."""
    words = sentence(event)
    mail = EmailMessage()
    mail["From"] = settings.mail_from or "clearance@localhost"
    mail["To"] = to
    mail["Subject"] = f"[Clearance] {words[:150]}"
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message_id}@clearance>"
    mail["Auto-Submitted"] = "auto-generated"
    link = where(event)
    mail.set_content(f"{words}\n\n{link}\n" if link else f"{words}\n")
    return mail


def send_mail(
    settings: Settings, to: str, message_id: str, event: Mapping[str, Any], now: datetime
) -> None:
    """Hand it to the server that CLEARANCE_SMTP_URL names; TLS always, but to this machine.

    Raises MailError.
    """
    if settings.smtp_url is None:
        raise MailError("CLEARANCE_SMTP_URL is not set")
    parts = urlsplit(settings.smtp_url)
    host = parts.hostname or "localhost"
    try:
        with _connected(parts, host) as server:
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message(settings, to, message_id, event, now))
    except (OSError, smtplib.SMTPException) as error:
        words, code = _why(error)
        raise MailError(f"{host}: {words}", code) from error


def _connected(parts: SplitResult, host: str) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        return smtplib.SMTP_SSL(host, parts.port or 465, timeout=_TIMEOUT_SECONDS, context=context)
    server = smtplib.SMTP(host, parts.port or 587, timeout=_TIMEOUT_SECONDS)
    if host not in _LOCAL:
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
    return server


def _why(error: OSError | smtplib.SMTPException) -> tuple[str, int | None]:
    """What went wrong in words that can be acted upon, and the server's code."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return "the user name or password of CLEARANCE_SMTP_URL was refused", error.smtp_code
        case smtplib.SMTPRecipientsRefused():
            code = next(iter(error.recipients.values()), (None, b""))[0]
            return "the recipient was refused", code
        case smtplib.SMTPSenderRefused():
            return "the sender was refused; see CLEARANCE_MAIL_FROM", error.smtp_code
        case smtplib.SMTPNotSupportedError():
            return "it offers no STARTTLS or no way to sign in", None
        case ssl.SSLError():
            return "its certificate does not hold, or it speaks no TLS here", None
        case smtplib.SMTPResponseException():
            return f"it answered {error.smtp_code}", error.smtp_code
        case _:
            return f"it could not be reached ({type(error).__name__})", None
