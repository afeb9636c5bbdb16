"""Erasing a person, or the evidence of an evaluation: what goes, and the entry that says so.

The log stays as it is, byte for byte: it never held a value, only commitments that say nothing
once their salts are gone. What was exported, attested or backed up before cannot be recalled.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Column, Connection, delete, func, select, update

from app.auth.keys import revoke
from app.auth.names import named_by, names_of
from app.auth.tables import api_key, identity, known_as, principal, session
from app.evaluations.data_tables import data_evaluation
from app.evaluations.intake import personal
from app.evaluations.tables import evaluation
from app.glass.tables import break_glass
from app.idempotency.tables import answer
from app.ids import new_id
from app.ledger.private import person_named
from app.ledger.tables import audit_person, audit_private, evidence_blob
from app.ledger.work import NewEntry, Work
from app.models.tables import model
from app.reviews.tables import delegation, review_comment, sign_off
from app.waivers.tables import waiver

ERASED: Final = "erased"
WRITTEN: Final[Sequence[tuple[Column[Any], Column[Any], str | None]]] = (
    (sign_off.c.person, sign_off.c.comment, None),
    (review_comment.c.person, review_comment.c.text, ERASED),
    (delegation.c.delegator, delegation.c.reason, ERASED),
    (break_glass.c.person, break_glass.c.reason, ERASED),
    (break_glass.c.reviewed_by, break_glass.c.comment, None),
    (waiver.c.requested_by, waiver.c.reason, ERASED),
    (waiver.c.requested_by, waiver.c.compensating_control, ERASED),
)
"""What people wrote: by whom, where, and what stands there once they are erased."""
OWNERS: Final[Sequence[tuple[Column[Any], str | None]]] = (
    (model.c.owner, None),
    (waiver.c.owner, ERASED),
)
"""Where somebody is named as an owner."""
_CHUNK: Final = 300
"""Evaluations named by one entry; an entry has at most 65,535 bytes."""


class NobodyFound(LookupError):  # noqa: N818 - named for what it says
    """Nothing here is about the person, or the evaluation does not exist."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What will go, in numbers, and the Works that make it so, in order."""

    subject: str
    values: int
    evaluations: int
    keys: int
    works: Sequence[Work]


@dataclass(frozen=True, slots=True)
class _Context:
    """An evaluation that names a person: its raw body's digest, its context without them."""

    evaluation: str
    raw: str
    without: Mapping[str, str]
    named: tuple[str, ...]
    """How it named them."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Everything here that is about one person."""

    principal: str | None
    persons: tuple[str, ...]
    contexts: tuple[_Context, ...]
    owned: tuple[tuple[int, str], ...]
    """Which of OWNERS, and the name as it is spelt there."""
    keys: tuple[str, ...]
    values: int


def person(connection: Connection, who: str, *, by: str, at: datetime) -> Erasure:
    """Erase a person by name or by principal id: keys, values, names, and bodies that held them."""
    found = _find(connection, who)
    if found.principal is None and not (found.values or found.contexts or found.owned):
        raise NobodyFound(f"Nothing here is about {who!r}.")
    subject = found.principal or new_id("per")
    works = [revoke(key, by=by, at=at) for key in found.keys]
    for begin in range(0, max(1, len(found.contexts)), _CHUNK):
        chunk = found.contexts[begin : begin + _CHUNK]
        blobs = sorted({context.raw for context in chunk})
        named = {"evaluations": [context.evaluation for context in chunk], "blobs": blobs}
        works.append(_work(found, chunk, _entry(subject, by, at, "person", named)))
    return Erasure(subject, found.values, len(found.contexts), len(found.keys), works)


def evidence(connection: Connection, evaluation_id: str, *, by: str, at: datetime) -> Erasure:
    """Erase all bytes that an evaluation was decided on; it can then not be replayed."""
    row = connection.execute(select(evaluation).where(evaluation.c.id == evaluation_id)).first()
    held = {*_on_data(connection, evaluation_id), *(() if row is None else (row.inputs, row.raw))}
    if not held:
        raise NobodyFound(f"There is no evaluation {evaluation_id!r}.")
    blobs = sorted(held)
    named = {"evaluations": [evaluation_id], "blobs": blobs}

    def erase(connection: Connection) -> None:
        _forget_in_place(connection)
        connection.execute(delete(evidence_blob).where(evidence_blob.c.digest.in_(blobs)))

    entry = _entry(evaluation_id, by, at, "evidence", named)
    return Erasure(evaluation_id, 0, 1, 0, [Work(entries=[entry], apply=erase)])


def _on_data(connection: Connection, evaluation_id: str) -> list[str]:
    """What came in with data to measure, and what Evidently wrote on them."""
    columns = (data_evaluation.c.raw, data_evaluation.c.snapshot, data_evaluation.c.report)
    query = select(*columns).where(data_evaluation.c.id == evaluation_id)
    row = connection.execute(query).first()
    return [] if row is None else [digest for digest in row if digest is not None]


def _find(connection: Connection, who: str) -> _Found:
    row = next(
        (p for p in connection.execute(select(principal)) if who in (p.id, p.name) or _is(p, who)),
        None,
    )
    names = named_by(who) if row is None else names_of(connection, row.id)
    contexts = tuple(_contexts(connection, names))
    persons = {person_named(name) for name in names}
    persons |= {person_named(name) for context in contexts for name in context.named}
    persons |= set(_by_issuers(connection, row.id)) if row is not None else set()
    count = select(func.count()).where(audit_private.c.person.in_(persons))
    keys = select(api_key.c.id).where(
        api_key.c.principal == (row.id if row is not None else ""), api_key.c.revoked_at.is_(None)
    )
    owned = [
        (place, owner)
        for place, (column, _) in enumerate(OWNERS)
        for owner in connection.scalars(select(column).distinct())
        if owner is not None and owner.casefold() in names
    ]
    return _Found(
        principal=row.id if row is not None else None,
        persons=tuple(sorted(persons)),
        contexts=contexts,
        owned=tuple(owned),
        keys=tuple(connection.scalars(keys)),
        values=connection.scalar(count) or 0,
    )


def _by_issuers(connection: Connection, who: str) -> list[str]:
    """A principal's own id, and the persons behind what their issuers call them."""
    subjects = connection.scalars(select(identity.c.subject).where(identity.c.principal == who))
    return [who, *(person_named(subject) for subject in subjects)]


def _is(row: Any, who: str) -> bool:
    return bool(row.name.casefold() == who.casefold())


def _contexts(connection: Connection, names: frozenset[str]) -> Iterator[_Context]:
    rows = select(evaluation.c.id, evaluation.c.raw, evaluation.c.context)
    for row in connection.execution_options(yield_per=500).execute(rows):
        named, _ = personal(row.context)
        theirs = {key: v for key, v in named.items() if not named_by(v).isdisjoint(names)}
        if theirs:
            without = {k: ERASED if k in theirs else v for k, v in row.context.items()}
            yield _Context(row.id, row.raw, without, tuple(theirs.values()))


def _entry(
    subject: str, by: str, at: datetime, what: str, named: Mapping[str, list[str]]
) -> NewEntry:
    return NewEntry(
        id=new_id("ent"),
        type="privacy.erased",
        at=at,
        actor=by,
        subject=subject,
        data={"what": what, **named},
    )


def _work(found: _Found, chunk: Sequence[_Context], entry: NewEntry) -> Work:
    def erase(connection: Connection) -> None:
        _forget_in_place(connection)
        for table, column in ((audit_private, "person"), (audit_person, "id")):
            connection.execute(delete(table).where(table.c[column].in_(found.persons)))
        for context in chunk:
            connection.execute(
                update(evaluation)
                .where(evaluation.c.id == context.evaluation)
                .values(context=context.without)
            )
        raws = {context.raw for context in chunk}
        connection.execute(delete(evidence_blob).where(evidence_blob.c.digest.in_(raws)))
        for place, owner in found.owned:
            named, instead = OWNERS[place]
            connection.execute(update(named.table).where(named == owner).values({named: instead}))
        if found.principal is not None:
            _forget_principal(connection, found.principal)

    return Work(entries=[entry], apply=erase)


def _forget_principal(connection: Connection, who: str) -> None:
    connection.execute(
        update(principal).where(principal.c.id == who).values(name=f"{ERASED} {who}")
    )
    for author, column, instead in WRITTEN:
        connection.execute(update(column.table).where(author == who).values({column: instead}))
    # Who they are at their issuer, and the browsers in which they are signed in.
    for table in (session, identity, known_as):
        connection.execute(delete(table).where(table.c.principal == who))
    # Kept answers to sign-offs and registrations repeat the name.
    connection.execute(
        delete(answer).where(answer.c.principal == who, answer.c.answer.is_not(None))
    )


def _forget_in_place(connection: Connection) -> None:
    """SQLite leaves deleted bytes in free pages unless it is told to overwrite them."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")
