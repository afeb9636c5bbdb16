"""Whom an issuer's subject is here: one principal for life, whatever names the issuer changes.

A person is never recognised by name or mail address; only the identity file links a subject to
somebody who is known here already. The record says when an identity's roles change.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select, update

from app.auth.names import learn, unknown_yet
from app.auth.principal import Grant
from app.auth.tables import identity, principal
from app.errors import Problem
from app.ids import new_id
from app.ledger.work import NewEntry, Work

_MAX_NAME: Final = 200
_BY_ID: Final = select(identity, principal.c.kind, principal.c.name).join(principal)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What a verified token says of its bearer."""

    issuer: str
    subject: str
    name: str
    kind: str
    grants: tuple[Grant, ...] = ()
    """Kept and recorded for persons; a workload's rule says each time what it may do."""
    linked_to: str | None = None
    known_as: frozenset[str] = frozenset()
    """Other names of a person, by which a commit may call them."""

    @property
    def id(self) -> str:
        """The identity's key: issuer and subject, which contain no zero byte between them."""
        return hashlib.sha256(f"{self.issuer}\0{self.subject}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Known:
    """Who the newcomer is here, and the Work that records what is new; None where nothing is."""

    principal: str
    name: str
    work: Work | None


def known(connection: Connection, newcomer: Newcomer, at: datetime) -> Known:
    """The principal of an identity, made where there is none yet, with the names that are new."""
    found = _found(connection, newcomer, at)
    new = unknown_yet(connection, found.principal, newcomer.known_as)
    return found if not new else replace(found, work=_learning(found, new))


def _learning(found: Known, names: Sequence[str]) -> Work:
    work = found.work or Work(entries=[])

    def apply(connection: Connection) -> None:
        if work.apply is not None:
            work.apply(connection)
        learn(connection, found.principal, names)

    return replace(work, apply=apply)


def _found(connection: Connection, newcomer: Newcomer, at: datetime) -> Known:
    row = connection.execute(_BY_ID.where(identity.c.id == newcomer.id)).first()
    owner = _linked(connection, newcomer)
    if row is None:
        return _introduced(connection, newcomer, owner, at)
    was = list(row.grants)
    now_granted = [grant.as_json for grant in newcomer.grants]
    if owner is not None and owner.id != row.principal:
        return Known(owner.id, owner.name, _changed(newcomer, owner.id, was, at))
    work = None if was == now_granted else _changed(newcomer, row.principal, was, at)
    return Known(row.principal, row.name, work)


def _linked(connection: Connection, newcomer: Newcomer) -> Row[Any] | None:
    if newcomer.linked_to is None:
        return None
    query = select(principal).where(principal.c.name == newcomer.linked_to)
    found = connection.execute(query).first()
    if found is not None and found.kind != newcomer.kind:
        detail = f"The identity file links this sign-in to {newcomer.linked_to!r}, a {found.kind}."
        raise Problem("forbidden", f"{detail} An admin must correct it.")
    return found


def _introduced(
    connection: Connection, newcomer: Newcomer, owner: Row[Any] | None, at: datetime
) -> Known:
    rows: list[tuple[Any, Sequence[dict[str, Any]]]] = []
    if owner is not None:
        who, name = owner.id, owner.name
    else:
        who = new_id("per" if newcomer.kind == "person" else "svc")
        name = newcomer.linked_to or _free_name(connection, newcomer)
        values = {"id": who, "kind": newcomer.kind, "name": name, "created_at": at}
        rows.append((principal, [values]))
    row = {
        "id": newcomer.id,
        "issuer": newcomer.issuer,
        "subject": newcomer.subject,
        "principal": who,
        "grants": [grant.as_json for grant in newcomer.grants],
        "created_at": at,
        "seen_at": at,
    }
    rows.append((identity, [row]))
    return Known(who, name, Work(entries=[_entry(newcomer, who, [], at)], rows=rows))


def _free_name(connection: Connection, newcomer: Newcomer) -> str:
    """The name that the issuer gives, marked where somebody else has it already."""
    wanted = newcomer.name[: _MAX_NAME - 12]
    taken = connection.execute(select(principal.c.id).where(principal.c.name == wanted)).first()
    return wanted if taken is None else f"{wanted} ({newcomer.id[:8]})"


def _changed(newcomer: Newcomer, who: str, was: list[Any], at: datetime) -> Work:
    grants = [grant.as_json for grant in newcomer.grants]

    def change(connection: Connection) -> None:
        connection.execute(
            update(identity)
            .where(identity.c.id == newcomer.id)
            .values(principal=who, grants=grants, seen_at=at)
        )

    return Work(entries=[_entry(newcomer, who, was, at)], apply=change)


def _entry(newcomer: Newcomer, who: str, was: list[Any], at: datetime) -> NewEntry:
    return NewEntry(
        id=new_id("ent"),
        type="role.changed",
        at=at,
        actor=who,
        subject=who,
        refs={"issuer": newcomer.issuer},
        data={
            "kind": newcomer.kind,
            "was": was,
            "grants": [grant.as_json for grant in newcomer.grants],
        },
        private={"name": newcomer.name, "subject": newcomer.subject},
    )
