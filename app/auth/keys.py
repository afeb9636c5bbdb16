"""API keys: made once, stored as SHA-256, looked up cheaply, revoked for good.

The secret is shown to its maker and to nobody else; it is not in the log, the database or a repr.
"""

import hashlib
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, bindparam, select, update

from app.auth.names import learn
from app.auth.principal import Principal
from app.auth.roles import is_role, permissions, refusal_of, stakes
from app.auth.tables import api_key, identity, principal
from app.errors import Problem
from app.ids import new_id
from app.ledger.work import Conflict, NewEntry, Work

__all__ = ["PREFIX", "KeyRequest", "KeyRing", "Principal", "create", "revoke"]

PREFIX: Final = "clr_"
_CACHE_SECONDS: Final = 1.0
_CACHE_SIZE: Final = 10_000
_NOTE_USE_EVERY: Final = timedelta(minutes=1)
_BY_HASH: Final = (
    select(api_key, principal.c.kind, principal.c.name)
    .join(principal)
    .where(api_key.c.hash == bindparam("hash"), api_key.c.revoked_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What a new key is for."""

    name: str
    roles: tuple[str, ...]
    person: bool = False
    models: tuple[str, ...] = ("*",)
    expires_at: datetime | None = None
    known_as: tuple[str, ...] = ()
    """Other names of a person by which a commit may call them, so that they cannot judge it."""


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key. `secret` leaves the process once; `work` records the key."""

    id: str
    principal: str
    secret: str
    work: Work

    def __repr__(self) -> str:
        return f"CreatedKey({self.id!r})"


def digest(secret: str) -> str:
    """What is stored of a key: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create(connection: Connection, wanted: KeyRequest, *, by: str, at: datetime) -> CreatedKey:
    """A new key and the Work that records it. A name belongs to one person or one service."""
    _check(wanted, at)
    kind = "person" if wanted.person else "service"
    known = connection.execute(select(principal).where(principal.c.name == wanted.name)).first()
    if known is not None and known.kind != kind:
        raise Problem("invalid-request", f"{wanted.name!r} is a {known.kind} already.")
    owner = known.id if known is not None else new_id("per" if wanted.person else "svc")
    secret = PREFIX + secrets.token_urlsafe(32)
    key = new_id("key")
    rows: list[tuple[Any, Sequence[dict[str, Any]]]] = []
    if known is None:
        values = {"id": owner, "kind": kind, "name": wanted.name, "created_at": at}
        rows.append((principal, [values]))
    stored = {
        "id": key,
        "principal": owner,
        "hash": digest(secret),
        "hint": secret[:8],
        "roles": list(wanted.roles),
        "models": list(wanted.models),
        "created_at": at,
        "created_by": by,
        "expires_at": wanted.expires_at,
        "last_used_at": None,
        "revoked_at": None,
    }
    rows.append((api_key, [stored]))
    entry = NewEntry(
        id=new_id("ent"),
        type="key.created",
        at=at,
        actor=by,
        subject=key,
        refs={"principal": owner},
        data={
            "kind": kind,
            "roles": list(wanted.roles),
            "models": list(wanted.models),
            "expires_at": wanted.expires_at.isoformat() if wanted.expires_at else None,
        },
        private={"name": wanted.name},
    )
    also = [name for name in wanted.known_as if name.strip()]
    apply = (lambda c: learn(c, owner, also)) if also else None
    return CreatedKey(key, owner, secret, Work(entries=[entry], rows=rows, apply=apply))


def _check(wanted: KeyRequest, at: datetime) -> None:
    unknown = [role for role in wanted.roles if not is_role(role)]
    if unknown or not wanted.roles:
        what = f"Unknown role {unknown[0]!r}." if unknown else "A key needs a role."
        raise Problem("invalid-request", f"{what} Roles are listed in /openapi.json.")
    if len(set(wanted.roles)) != len(wanted.roles):
        raise Problem("invalid-request", "A role is named twice.")
    if (why := refusal_of(wanted.roles, is_person=wanted.person)) is not None:
        raise Problem("invalid-request", why)
    if not wanted.models or any({"[", "]"} & set(pattern) for pattern in wanted.models):
        raise Problem("invalid-request", "Model patterns may use * and ?, and there must be one.")
    if wanted.known_as and not wanted.person:
        raise Problem("invalid-request", "Only persons are known by other names; add `person`.")
    if wanted.expires_at is not None and wanted.expires_at <= at:
        raise Problem("invalid-request", "expires_at lies in the past.")


_MOST_LISTED = 500


def listed(connection: Connection) -> list[Mapping[str, Any]]:
    """Keys with their holders: standing ones first, then newest first; never a secret."""
    found = connection.execute(
        select(api_key, principal.c.name, principal.c.kind)
        .join(principal)
        .order_by(
            api_key.c.revoked_at.is_not(None), api_key.c.created_at.desc(), api_key.c.id.desc()
        )
        .limit(_MOST_LISTED)
    )
    return [dict(row) for row in found.mappings()]


def revoke(key: str, *, by: str, at: datetime) -> Work:
    """The Work that ends a key; Conflict if it is ended already."""

    def end(connection: Connection) -> None:
        statement = (
            update(api_key)
            .where(api_key.c.id == key, api_key.c.revoked_at.is_(None))
            .values(revoked_at=at)
        )
        if connection.execute(statement).rowcount != 1:
            raise Conflict("already-revoked", "This key is revoked already.")

    entry = NewEntry(id=new_id("ent"), type="key.revoked", at=at, actor=by, subject=key)
    return Work(entries=[entry], apply=end)


def is_admin_elsewhere(connection: Connection, who: str, at: datetime) -> bool:
    """Whether the person is an admin by another standing key, or was at their last sign-in."""
    held = connection.execute(
        select(api_key.c.roles, api_key.c.expires_at).where(
            api_key.c.principal == who, api_key.c.revoked_at.is_(None)
        )
    )
    if any(
        "admin" in row.roles and (row.expires_at is None or row.expires_at > at) for row in held
    ):
        return True
    signed_in = connection.execute(select(identity.c.grants).where(identity.c.principal == who))
    return any("admin" in grant["roles"] for row in signed_in for grant in row.grants)


class KeyRing:
    """Look-ups by secret, remembered for a second: the hot path must not pay a query each time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, tuple[float, Principal]] = {}
        self._noted: dict[str, datetime] = {}
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def find(self, secret: str, now: datetime) -> Principal | None:
        """The principal of a standing key, or None."""
        hashed = digest(secret)
        cached = self._known.get(hashed)
        if cached is None or time.monotonic() - cached[0] > _CACHE_SECONDS:
            found = self._read(hashed)
            with self._lock:
                if found is None:
                    self._known.pop(hashed, None)
                    self._seen.discard(hashed)
                    return None
                if len(self._known) >= _CACHE_SIZE:
                    self._known.clear()
                    self._seen.clear()
                self._seen.add(hashed)
                self._known[hashed] = (time.monotonic(), found)
            cached = (0.0, found)
        who = cached[1]
        return None if who.expires_at is not None and who.expires_at <= now else who

    def has_seen(self, secret: str) -> bool:
        """Whether the key was good when it was last looked up here."""
        return digest(secret) in self._seen

    def forget(self) -> None:
        """Read every key afresh; called when one was revoked here."""
        with self._lock:
            self._known.clear()

    def note_use(self, who: Principal, now: datetime) -> Work | None:
        """The Work that notes a key's use, at most once a minute; None when it was just noted."""
        last = self._noted.get(who.key) or who.last_used_at
        if last is not None and now - last < _NOTE_USE_EVERY:
            return None
        self._noted[who.key] = now

        def note(connection: Connection) -> None:
            connection.execute(
                update(api_key).where(api_key.c.id == who.key).values(last_used_at=now)
            )

        return Work(entries=[], apply=note)

    def _read(self, hashed: str) -> Principal | None:
        with self._engine.connect() as connection:
            row = connection.execute(_BY_HASH, {"hash": hashed}).first()
        if row is None:
            return None
        roles = tuple(row.roles)
        return Principal(
            id=row.principal,
            kind=row.kind,
            name=row.name,
            key=row.id,
            roles=roles,
            models=tuple(row.models),
            permissions=permissions(roles),
            stakes=stakes(roles),
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
        )
