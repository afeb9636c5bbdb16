"""Asking for a waiver, approving and revoking it, and its end by the clock.

Nobody waives what a policy says is not waivable, or alone: whoever asked does not approve, and two
others must. Every change makes decisions that are being made right now look again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, Final

from sqlalchemy import Connection, Row, update

from app.auth.keys import Principal, is_admin_elsewhere
from app.database import to_text
from app.errors import Problem
from app.evaluations.standing import DECISIONS, status_at
from app.evaluations.tables import decision
from app.idempotency.changing import Change
from app.ids import new_id
from app.jobs import outbox
from app.jobs.kinds import Job
from app.ledger.work import Conflict, NewEntry, Work
from app.models.revision import touch
from app.policies.service import raise_epoch
from app.policies.shelf import Snapshot
from app.reviews.tables import review
from app.runtime import Runtime
from app.waivers.reading import NEEDED, approvals, by_id, resting, shown, status_now
from app.waivers.schemas import WaiverIn
from app.waivers.tables import waiver, waiver_approval

LONGEST: Final = timedelta(days=366)
CLOCK: Final = "waiver.clock"


def requested(snapshot: Snapshot, given: WaiverIn, who: Principal, now: datetime) -> Change:
    """A request, which waives nothing yet."""
    if not who.is_person:
        raise Problem("forbidden", "Only a person asks for a waiver.")
    who.need_all([given.model])
    _is_waivable(snapshot, given)
    if not now < given.expires_at <= now + LONGEST:
        raise Problem("invalid-request", "expires_at must lie ahead, and at most a year.")
    values: dict[str, Any] = {
        "id": new_id("wvr"),
        **given.model_dump(),
        "versions": given.versions or ["*"],
        "status": "requested",
        "requested_by": who.id,
        "requested_at": now,
        "approved_at": None,
        "revoked_at": None,
        "revision": 0,
    }
    entry = NewEntry(
        id=new_id("ent"),
        type="waiver.requested",
        at=now,
        actor=who.id,
        subject=values["id"],
        data=_scope(values),
        private={name: values[name] for name in ("reason", "compensating_control", "owner")},
    )
    clock = outbox.put(CLOCK, values["id"], {}, now=now, due_at=given.expires_at)
    body = {
        **values,
        "requested_by": who.name,
        **{name: to_text(values[name]) for name in ("requested_at", "expires_at")},
        "approvals": [],
        "approvals_needed": NEEDED,
        "decisions": [],
    }
    body.pop("revision")
    return Change(Work(entries=[entry], rows=[(waiver, [values]), clock]), body)


def _is_waivable(snapshot: Snapshot, given: WaiverIn) -> None:
    """The rule must be in a policy in force for such models, and none may forbid waiving it."""
    found: dict[str, dict[str, bool]] = {}
    for active in snapshot.active:
        if _may_meet(active.policy.header.applies_to.model, given.model):
            for gate, rule in active.policy.rules():
                found.setdefault(f"{gate}/{rule.id}", {})[active.name] = rule.waivable
    if given.rule not in found:
        near = get_close_matches(given.rule, found, n=1)
        hint = f"Did you mean {near[0]}?" if near else "Name it as findings do: gate/rule."
        detail = f"No policy in force for {given.model!r} has a rule {given.rule!r}. {hint}"
        where = [{"pointer": "/rule", "detail": detail}]
        raise Problem("invalid-request", detail, errors=where)
    if not any(found[given.rule].values()):
        named = ", ".join(found[given.rule])
        detail = f"{given.rule} is `waivable: false` in {named}; nobody can waive it."
        raise Problem("not-waivable", detail)


def _may_meet(applies_to: Sequence[str], model: str) -> bool:
    """Whether some model may match both; two patterns are given the benefit of the doubt."""
    if "*" in model or "?" in model:
        return True
    return any(fnmatchcase(model, pattern) for pattern in applies_to)


def approved(connection: Connection, waiver_id: str, who: Principal, now: datetime) -> Change:
    """One person's approval; the second makes it count."""
    row = _found(connection, waiver_id, who)
    if not who.is_person or is_admin_elsewhere(connection, who.id, now):
        raise Problem("forbidden", "Only a person who is no admin approves a waiver.")
    if who.id == row.requested_by:
        raise Problem("forbidden", "Who asked for a waiver does not approve it.")
    _must_be(row, now, "requested")
    given = approvals(connection, row.id)
    if any(item.person == who.id for item in given):
        raise Problem("already-approved", "You have approved this waiver already.")
    is_last = len(given) + 1 >= NEEDED
    status = "approved" if is_last else "requested"
    values = {"id": new_id("wap"), "waiver": row.id, "person": who.id, "approved_at": now}

    def settle(within: Connection) -> None:
        _advance(within, row, status=status, approved_at=now if is_last else None)
        if is_last:
            raise_epoch(within)

    entry = NewEntry(
        id=new_id("ent"),
        type="waiver.approved",
        at=now,
        actor=who.id,
        subject=row.id,
        data={**_scope(row._mapping), "approvals": len(given) + 1, "status": status},  # noqa: SLF001 - SQLAlchemy's public name
    )
    body = shown(connection, row, now)
    body["status"] = status
    body["approved_at"] = to_text(now) if is_last else None
    body["approvals"].append({"person": who.name, "approved_at": to_text(now)})
    return Change(Work(entries=[entry], rows=[(waiver_approval, [values])], apply=settle), body)


def revoked(
    connection: Connection, waiver_id: str, reason: str, who: Principal, now: datetime
) -> Change:
    """The end of a waiver, and of every clearance that rests on it."""
    row = _found(connection, waiver_id, who)
    _must_be(row, now, "requested", "approved")
    resting_now = {*resting(connection, row.id)}
    ends, entries = _ended(connection, row.id, who.id, now)

    def settle(within: Connection) -> None:
        if {*resting(within, row.id)} != resting_now:
            raise Conflict("conflict", "A decision was made with the waiver at the same time.")
        _advance(within, row, status="revoked", revoked_at=now)
        outbox.cancel(within, CLOCK, row.id, now)
        for item in ends:
            _end(within, item, now)
        raise_epoch(within)

    entry = NewEntry(
        id=new_id("ent"),
        type="waiver.revoked",
        at=now,
        actor=who.id,
        subject=row.id,
        data={"was": row.status, "decisions": [item.id for item in ends][:500]},
        private={"reason": reason},
    )
    body = {**shown(connection, row, now), "status": "revoked", "revoked_at": to_text(now)}
    return Change(Work(entries=[entry, *entries], apply=settle), body)


def _ended(
    connection: Connection, waiver_id: str, by: str, now: datetime
) -> tuple[list[Row[Any]], list[NewEntry]]:
    """The decisions that stand on a waiver, and the entries that say they no longer do."""
    names = resting(connection, waiver_id)
    rows = connection.execute(DECISIONS.where(decision.c.id.in_(names))).all() if names else ()
    ends = [row for row in rows if status_at(row, now) in {"passed", "pending"}]
    entries = [
        NewEntry(
            id=new_id("ent"),
            type="decision.expired",
            at=now,
            actor=by,
            subject=row.id,
            refs={"digest": row.digest, "waiver": waiver_id},
            data={
                "because": "waiver.revoked",
                "decision_status": row.status,
                "valid_until": to_text(now) if row.status == "passed" else None,
            },
        )
        for row in ends
    ]
    return ends, entries


def _end(connection: Connection, row: Row[Any], now: datetime) -> None:
    """Over from now on: a pass by its validity, a question by its deadline."""
    over = {"deadline": now}
    if row.status == "passed":
        over = {"valid_until": now, "end_noted_at": now}
    changed = connection.execute(
        update(decision)
        .where(decision.c.id == row.id, decision.c.status == row.status)
        .values(**over)
    ).rowcount
    if changed != 1:
        raise Conflict("conflict", "A decision that rests on the waiver changed at the same time.")
    connection.execute(
        update(review)
        .where(review.c.decision == row.id, review.c.status.in_(["open", "awaiting_evidence"]))
        .values(expires_at=now, revision=review.c.revision + 1)
    )
    touch(connection, row.model, now)


def tick(runtime: Runtime, job: Job, now: datetime) -> datetime | None:
    """The clock of one waiver: says in the log that it expired. Reading knew before."""
    with runtime.engine.connect() as connection:
        row = by_id(connection, job.key)
    if row is None or row.status not in {"requested", "approved"}:
        return None
    expires_at: datetime = row.expires_at
    if now < expires_at:
        return expires_at
    entry = NewEntry(
        id=new_id("ent"),
        type="waiver.expired",
        at=now,
        actor="clearance",
        subject=row.id,
        data={"was": row.status, "expires_at": to_text(expires_at)},
    )
    work = Work(entries=[entry], apply=lambda within: _advance(within, row, status="expired"))
    runtime.ledger.commit_sync(work)
    return None


def _found(connection: Connection, waiver_id: str, who: Principal) -> Row[Any]:
    row = by_id(connection, waiver_id)
    if row is None or not who.sees(row.model):
        raise Problem("waiver-not-found", "No waiver of this name is visible to you.")
    return row


def _must_be(row: Row[Any], now: datetime, *statuses: str) -> None:
    status = status_now(row, now)
    if status not in statuses:
        slug = "already-revoked" if status == "revoked" else "waiver-closed"
        raise Problem(slug, f"This waiver is {status}.")


def _advance(connection: Connection, row: Row[Any], **values: Any) -> None:
    changed = connection.execute(
        update(waiver)
        .where(waiver.c.id == row.id, waiver.c.revision == row.revision)
        .values(revision=row.revision + 1, **values)
    ).rowcount
    if changed != 1:
        raise Conflict("conflict", "The waiver changed at the same time.")


def _scope(values: Any) -> dict[str, Any]:
    names = ("rule", "model", "versions", "digest", "stage", "slice")
    return {**{name: values[name] for name in names}, "expires_at": to_text(values["expires_at"])}
