"""A real mail server on this machine (aiosmtpd), which refuses what it is told to refuse."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from app.cli.demo.walk import free_port

USER, PASSWORD = b"gate", b"s3cret"


@dataclass
class Mailbox:
    """Where it listens, what it got, and what it answers to a recipient and to a message."""

    host: str
    port: int = 0
    mails: list[Message] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    rcpt: str = ""
    data: str = "250 OK"
    is_secure: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        del server, session, options
        if self.rcpt:
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the same
        del server
        if self.data.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content))
            self.to += envelope.rcpt_tos
            self.is_secure.append(session.ssl is not None)
        return self.data


def _known(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
    del server, session, envelope, mechanism
    is_right = isinstance(given, LoginPassword) and (given.login, given.password) == (
        USER,
        PASSWORD,
    )
    return AuthResult(success=is_right, handled=False)


@contextmanager
def receiving_mail(host: str, context: ssl.SSLContext | None = None) -> Iterator[Mailbox]:
    """With a context, STARTTLS and a password are asked for; without one, neither is offered."""
    box = Mailbox(host)
    box.port = free_port()
    asked: dict[str, Any] = {}
    if context is not None:
        asked = {
            "tls_context": context,
            "require_starttls": True,
            "auth_required": True,
            "authenticator": _known,
        }
    controller = Controller(box, hostname=host, port=box.port, **asked)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
