"""Sessions of browsers: a random cookie, its digest in a table, a short life.

A session's id is always made here, at a sign-in, and never taken from a browser, so nobody can
prepare one for somebody else. Signing out, or the end of the key behind it, ends it at once.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import Response
from sqlalchemy import Connection, Engine, delete, select, update

from app.auth.principal import Grant, Principal, granted, grants_of
from app.auth.tables import api_key, failed_attempt, principal, session, used_token
from app.ledger.work import Work

KEY_HOURS: Final = 8
KEY_IDLE_MINUTES: Final = 60
_NOTE_EVERY: Final = timedelta(minutes=1)
_MAX_COOKIE: Final = 100
_COUNTED: Final = timedelta(days=2)
"""The longest window of a limit is a day, and the one before it counts too."""

_BY_ID: Final = (
    select(
        session,
        principal.c.kind,
        principal.c.name,
        api_key.c.roles.label("key_roles"),
        api_key.c.models.label("key_models"),
        api_key.c.expires_at.label("key_expires_at"),
        api_key.c.revoked_at.label("key_revoked_at"),
    )
    .join(principal, session.c.principal == principal.c.id)
    .outerjoin(api_key, session.c.key == api_key.c.id)
)


@dataclass(frozen=True, slots=True)
class Opening:
    """Who signs in, and for how long at most."""

    principal: str
    grants: tuple[Grant, ...]
    hours: int = KEY_HOURS
    idle_minutes: int = KEY_IDLE_MINUTES
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """A standing session: whose it is, and the Work that notes its use, if it is time for that."""

    who: Principal
    work: Work | None


def digest(cookie: str) -> str:
    """What is stored of a cookie: 256 random bits need no slow hash."""
    return hashlib.sha256(cookie.encode()).hexdigest()


def opened(opening: Opening, *, replaces: str | None, at: datetime) -> tuple[str, Work]:
    """A new session's cookie and the Work that keeps it; the browser's former session ends."""
    cookie = secrets.token_urlsafe(32)
    row = {
        "id": digest(cookie),
        "principal": opening.principal,
        "key": opening.key,
        "grants": [grant.as_json for grant in opening.grants],
        "created_at": at,
        "expires_at": at + timedelta(hours=opening.hours),
        "idle_seconds": opening.idle_minutes * 60,
        "seen_at": at,
    }

    def end_former(connection: Connection) -> None:
        if replaces is not None:
            connection.execute(delete(session).where(session.c.id == digest(replaces)))

    return cookie, Work(entries=[], rows=[(session, [row])], apply=end_former)


def ended(cookie: str) -> Work:
    """The Work that ends a session; ending one that is over changes nothing."""

    def end(connection: Connection) -> None:
        connection.execute(delete(session).where(session.c.id == digest(cookie)))

    return Work(entries=[], apply=end)


def forget_expired(at: datetime) -> Work:
    """The Work that drops sessions and used tokens that are over, and failures nobody counts."""

    def drop(connection: Connection) -> None:
        connection.execute(delete(session).where(session.c.expires_at < at))
        connection.execute(delete(used_token).where(used_token.c.expires_at < at))
        connection.execute(delete(failed_attempt).where(failed_attempt.c.at < at - _COUNTED))

    return Work(entries=[], apply=drop)


class Sessions:
    """Look-ups by cookie. `secure` says whether browsers reach the service over https."""

    def __init__(self, engine: Engine, *, secure: bool) -> None:
        self._engine = engine
        self.secure = secure
        self.cookie_name = self.named("clearance")

    def named(self, name: str) -> str:
        """`__Host-` ties a cookie to this host, path / and https; plain http cannot have it."""
        return f"__Host-{name}" if self.secure else name

    def find(self, cookie: str, now: datetime) -> Signed | None:
        """The standing session of a cookie, or None."""
        if not cookie or len(cookie) > _MAX_COOKIE:
            return None
        hashed = digest(cookie)
        with self._engine.connect() as connection:
            row = connection.execute(_BY_ID.where(session.c.id == hashed)).first()
        if row is None or not _stands(row, now):
            return None
        return Signed(_whose(row), self._note(row, now))

    def set_cookie(self, response: Response, name: str, value: str, seconds: int) -> None:
        """A cookie that scripts cannot read and that other sites cannot send along with a POST."""
        response.set_cookie(
            self.named(name),
            value,
            max_age=seconds,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="lax",
        )

    def drop_cookie(self, response: Response, name: str) -> None:
        """Make the browser forget a cookie."""
        response.delete_cookie(
            self.named(name), path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    def _note(self, row: Any, now: datetime) -> Work | None:
        if now - row.seen_at < _NOTE_EVERY:
            return None

        def note(connection: Connection) -> None:
            connection.execute(update(session).where(session.c.id == row.id).values(seen_at=now))

        return Work(entries=[], apply=note)


def _stands(row: Any, now: datetime) -> bool:
    if row.expires_at <= now or row.seen_at + timedelta(seconds=row.idle_seconds) <= now:
        return False
    if row.key is None:
        return True
    return row.key_revoked_at is None and (row.key_expires_at is None or row.key_expires_at > now)


def _whose(row: Any) -> Principal:
    grants = grants_of(row.grants)
    if row.key is not None:
        grants = (Grant(tuple(row.key_roles), tuple(row.key_models)),)
    return granted(
        id=row.principal,
        kind=row.kind,
        name=row.name,
        grants=grants,
        via="session",
        key=row.key or "",
        expires_at=row.expires_at,
    )
