"""Sign-offs: who may answer, whether the answer still fits the decision, and what it settles.

An approval is bound to the digest the person saw; no service, admin or submitter can give one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, update

from app.attestations.attestor import Attested, Attestor
from app.attestations.settling import settlement
from app.attestations.statements import Approval
from app.auth.keys import Principal
from app.database import to_text
from app.errors import Problem
from app.evaluations.standing import DECISIONS
from app.evaluations.tables import decision
from app.idempotency.changing import Change
from app.ids import new_id
from app.ledger.work import Conflict, NewEntry, Work
from app.models.revision import touch
from app.reviews.barring import has_not_answered, is_open, may_answer
from app.reviews.reading import answers, by_id, is_met, needed, status_now
from app.reviews.schemas import SignOffIn
from app.reviews.tables import review, sign_off


def answered(
    connection: Connection,
    review_id: str,
    given: SignOffIn,
    who: Principal,
    now: datetime,
    attestor: Attestor,
) -> Change:
    """Check everything an answer must meet, and say what it settles."""
    row = by_id(connection, review_id, who)
    if row is None:
        raise Problem("review-not-found", "No review of this name is visible to you.")
    behalf = may_answer(connection, row, given.role, who, now)
    earlier = answers(connection, row.id)
    has_not_answered(row, given.role, who.id, earlier)
    is_open(row, status_now(row, now))
    if given.answer == "approve" and row.deferred_until is not None and now < row.deferred_until:
        detail = f"It was deferred; approve it from {to_text(row.deferred_until)}."
        raise Problem("review-deferred", detail)
    if given.decision_digest != row.decision_digest:
        detail = f"The answer names {given.decision_digest}; the decision is {row.decision_digest}."
        raise Problem("stale-decision", f"{detail} Look at it again.")
    if given.until is not None and given.until <= now:
        raise Problem("invalid-request", "`until` lies in the past.")
    values = {
        "id": new_id("sgn"),
        "review": row.id,
        "person": who.id,
        "role": given.role,
        "answer": given.answer,
        "comment": given.comment,
        "decision_digest": given.decision_digest,
        "until": given.until,
        "signed_at": now,
        "on_behalf_of": behalf[0] if behalf else None,
    }
    outcome = _outcome(row, given, [*earlier, _Given(given)], now)
    body = {**_body(values, who, outcome), "on_behalf_of": behalf[1] if behalf else None}
    entry_id = new_id("ent")
    attested = _attested(connection, row, values, outcome, entry_id, attestor)
    work = _work(row, values, who, outcome, body, entry_id=entry_id, attested=attested)
    return Change(work, body)


@dataclass(frozen=True, slots=True)
class _Given:
    """The new answer among the earlier ones."""

    given: SignOffIn

    @property
    def role(self) -> str:
        return self.given.role

    @property
    def answer(self) -> str:
        return self.given.answer

    @property
    def until(self) -> datetime | None:
        return self.given.until


@dataclass(frozen=True, slots=True)
class _Outcome:
    review: str
    decision: str
    valid_until: datetime | None


def _outcome(row: Row[Any], given: SignOffIn, all_given: list[Any], now: datetime) -> _Outcome:
    """One rejection closes; the last approval needed closes; a request for changes does not."""
    if given.answer == "reject":
        return _Outcome("rejected", "failed", None)
    if given.answer == "approve" and is_met(needed(row, all_given)):
        shortest = [a.until for a in all_given if a.answer == "approve" and a.until is not None]
        ends = [now + timedelta(days=row.valid_days), *shortest]
        if row.latest_until is not None:
            ends.append(row.latest_until)
        return _Outcome("approved", "passed", min(ends))
    return _Outcome("open", "pending", None)


def _attested(
    connection: Connection,
    row: Row[Any],
    values: dict[str, Any],
    outcome: _Outcome,
    entry_id: str,
    attestor: Attestor,
) -> Attested | None:
    """What this answer lets us state about the candidate; nothing while the question is open."""
    if outcome.decision == "pending":
        return None
    given = Approval(
        values["id"], values["role"], values["answer"], values["signed_at"], values["until"]
    )
    settled = settlement(
        connection,
        row.decision,
        entry=entry_id,
        status=outcome.decision,
        at=values["signed_at"],
        valid_until=outcome.valid_until,
        given=[given],
    )
    return attestor.attest(settled)


def _body(values: dict[str, Any], who: Principal, outcome: _Outcome) -> dict[str, Any]:
    return {
        "id": values["id"],
        "review": values["review"],
        "person": who.name,
        "role": values["role"],
        "answer": values["answer"],
        "comment": values["comment"],
        "decision_digest": values["decision_digest"],
        "until": to_text(values["until"]) if values["until"] else None,
        "signed_at": to_text(values["signed_at"]),
        "review_status": outcome.review,
        "decision_status": outcome.decision,
        "valid_until": to_text(outcome.valid_until) if outcome.valid_until else None,
    }


def _work(
    row: Row[Any],
    values: dict[str, Any],
    who: Principal,
    outcome: _Outcome,
    body: dict[str, Any],
    *,
    entry_id: str,
    attested: Attested | None,
) -> Work:
    now = values["signed_at"]

    def settle(connection: Connection) -> None:
        _advance(connection, row, outcome, now)

    entry = NewEntry(
        id=entry_id,
        type="review.signed_off",
        at=now,
        actor=who.id,
        subject=row.id,
        refs={
            "decision": row.decision,
            "digest": values["decision_digest"],
            **(attested.as_refs if attested else {}),
        },
        data={
            "answer": values["answer"],
            "role": values["role"],
            "until": body["until"],
            "on_behalf_of": values["on_behalf_of"],
            "review_status": outcome.review,
            "decision_status": outcome.decision,
            "valid_until": body["valid_until"],
        },
        private={"comment": values["comment"]} if values["comment"] else {},
    )
    rows: list[Any] = [(sign_off, [values]), *(attested.rows if attested else ())]
    entries = [entry, *(attested.entries if attested else ())]
    return Work(entries=entries, rows=rows, apply=settle)


def _advance(connection: Connection, row: Row[Any], outcome: _Outcome, now: datetime) -> None:
    """Compare and set: what was read must still stand, else the answer is judged again."""
    closed = now if outcome.review != "open" else None
    changed = connection.execute(
        update(review)
        .where(
            review.c.id == row.id,
            review.c.revision == row.revision,
            review.c.status.in_(["open", "awaiting_evidence"]),
        )
        .values(revision=row.revision + 1, status=outcome.review, closed_at=closed)
    ).rowcount
    current = connection.execute(DECISIONS.where(decision.c.id == row.decision)).first()
    if changed != 1 or current is None or current.is_superseded:
        raise Conflict("conflict", "The review changed while this was answered.")
    if outcome.decision == "pending":
        return
    changed = connection.execute(
        update(decision)
        .where(decision.c.id == row.decision, decision.c.status == "pending")
        .values(status=outcome.decision, settled_at=now, valid_until=outcome.valid_until)
    ).rowcount
    if changed != 1:
        raise Conflict("conflict", "The decision changed while this was answered.")
    touch(connection, row.model, now)
