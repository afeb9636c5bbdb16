"""Where decisions stand now: status at a moment, and the clearance that follows from it.

Time is looked at on every read, so that a late clean-up never keeps anything cleared.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    String,
    and_,
    case,
    exists,
    false,
    literal,
    or_,
    select,
)

from app.evaluations.tables import decision
from app.policies.shelf import Active, Snapshot
from gates.evidence import Candidate
from gates.history import PassedStage

SETTLED: Final = ("passed", "failed", "revoked")
STATUSES: Final = ("passed", "failed", "pending", "expired", "revoked", "observed", "superseded")


_newer = decision.alias("newer")
_after: Final = and_(
    _newer.c.model == decision.c.model,
    _newer.c.stage == decision.c.stage,
    _newer.c.policy == decision.c.policy,
    or_(
        _newer.c.decided_at > decision.c.decided_at,
        and_(_newer.c.decided_at == decision.c.decided_at, _newer.c.id > decision.c.id),
    ),
)


def _has_newer(*more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the same candidate was judged again under the policy: by version or by digest."""
    return or_(
        exists().where(_after, _newer.c.version == decision.c.version, *more),
        exists().where(_after, _newer.c.candidate_digest == decision.c.candidate_digest, *more),
    )


IS_SUPERSEDED: Final[ColumnElement[bool]] = case(
    (decision.c.status == "pending", _has_newer()), else_=false()
)
"""A pending decision ends with the candidate's next one under the same policy. Seen on reading, so
that two submissions at one time need not know of each other."""

DECISIONS: Final = select(decision, IS_SUPERSEDED.label("is_superseded"))
"""Rows from which `status_at` can tell the status."""


def is_replaced(now: datetime) -> ColumnElement[bool]:
    """Whether a newer settled decision governs in a row's place, so that its end ends nothing."""
    late = and_(_newer.c.status == "pending", _newer.c.deadline <= now)
    return _has_newer(or_(_newer.c.status.in_(SETTLED), late))


def status_at(row: Row[Any], now: datetime) -> str:
    """The status of a row of DECISIONS at a moment."""
    if is_through_glass(row, now):
        return "passed"
    return status_of(row.status, row.is_superseded, row.deadline, row.valid_until, now)


def is_through_glass(row: Row[Any], now: datetime) -> bool:
    """Whether it stands only because somebody broke the glass."""
    return row.glass_until is not None and now < row.glass_until and row.status != "revoked"


def passes_by_glass_alone(row: Row[Any], now: datetime) -> bool:
    """Whether nothing but the broken glass makes it pass."""
    without = status_of(row.status, row.is_superseded, row.deadline, row.valid_until, now)
    return is_through_glass(row, now) and without != "passed"


def status_of(
    stored: str,
    is_superseded: object,
    deadline: datetime | None,
    valid_until: datetime | None,
    now: datetime,
) -> str:
    """What was recorded, ended by the clock and by newer decisions."""
    if stored == "pending":
        if is_superseded:
            return "superseded"
        # A pending decision without a deadline could wait for ever: it has none, so it is over.
        return "expired" if deadline is None or now >= deadline else stored
    if stored == "passed" and (valid_until is None or now >= valid_until):
        return "expired"
    return stored


def status_column(now: datetime) -> ColumnElement[str]:
    """The same in SQL, for lists."""
    late = and_(
        decision.c.status == "pending",
        or_(decision.c.deadline.is_(None), decision.c.deadline <= now),
    )
    over = and_(
        decision.c.status == "passed",
        or_(decision.c.valid_until.is_(None), decision.c.valid_until <= now),
    )
    through = and_(decision.c.glass_until > now, decision.c.status != "revoked")
    return case(
        (through, literal("passed", String)),
        (IS_SUPERSEDED, literal("superseded", String)),
        (or_(late, over), literal("expired", String)),
        else_=decision.c.status,
    )


@dataclass(frozen=True, slots=True)
class Clearance:
    """Whether a version may stand at a stage, and because of which decision."""

    is_cleared: bool
    reason: str
    status: str
    decision: str | None = None
    passed_at: datetime | None = None
    valid_until: datetime | None = None
    digest: str | None = None


def clearance(
    connection: Connection,
    snapshot: Snapshot,
    *,
    model: str,
    version: str | None,
    digest: str | None,
    stage: str,
    now: datetime,
) -> Clearance:
    """Every enforcing policy that applies must have a valid pass as its newest settled decision."""
    applying = [a for a in snapshot.applying(model, stage) if not a.observes]
    if not applying:
        return Clearance(False, "no policy in force applies to this model and stage", "none")
    found: list[Clearance] = []
    for active in applying:
        rows = governing(connection, active, model, version, digest, stage, now)
        found.append(_of_policy(active, rows, now))
    refused = [item for item in found if not item.is_cleared]
    if refused:
        return refused[0]
    return min(found, key=lambda item: item.valid_until or now)


def governing(
    connection: Connection,
    active: Active,
    model: str,
    version: str | None,
    digest: str | None,
    stage: str,
    now: datetime,
) -> Sequence[Row[Any]]:
    """The newest settled decision of a policy, one per digest of the version."""
    settled = or_(
        decision.c.status.in_(SETTLED),
        and_(decision.c.status == "pending", decision.c.deadline <= now, ~IS_SUPERSEDED),
        decision.c.glass_until > now,
    )
    where = [
        decision.c.model == model,
        decision.c.stage == stage,
        decision.c.policy == active.name,
        settled,
    ]
    if version is not None:
        where.append(decision.c.version == version)
    if digest is not None:
        where.append(decision.c.candidate_digest == digest)
    newest = DECISIONS.where(*where)
    newest = newest.order_by(decision.c.decided_at.desc(), decision.c.id.desc())
    first = connection.execute(newest.limit(1)).first()
    if first is None:
        return ()
    if digest is not None:
        return (first,)
    other = connection.execute(
        newest.where(decision.c.candidate_digest.is_distinct_from(first.candidate_digest)).limit(1)
    ).first()
    return (first,) if other is None else (first, other)


def _of_policy(active: Active, rows: Sequence[Row[Any]], now: datetime) -> Clearance:
    match rows:
        case []:
            return Clearance(False, f"policy {active.name} has no settled decision", "none")
        case [row]:
            return _of_decision(active, row, now)
        case _:
            reason = "this version was judged under several digests; ask with `digest`"
            return Clearance(False, reason, "none")


def _of_decision(active: Active, row: Row[Any], now: datetime) -> Clearance:
    status = status_at(row, now)
    if is_through_glass(row, now):
        # No `passed_at`: what got through this way is no passed stage for what comes after.
        reason = f"the glass was broken; the verdict of policy {active.name} is {row.verdict}"
        return Clearance(
            True,
            reason,
            status,
            decision=row.id,
            valid_until=row.glass_until,
            digest=row.candidate_digest,
        )
    common: dict[str, Any] = {
        "status": status,
        "decision": row.id,
        "valid_until": row.valid_until,
        "digest": row.candidate_digest,
    }
    if status == "passed":
        reason = f"passed under policy {active.name} version {row.policy_version}"
        return Clearance(True, reason, passed_at=row.settled_at, **common)
    reason = f"the newest settled decision of policy {active.name} is {status}"
    return Clearance(False, reason, **common)


def passed_stages(
    connection: Connection,
    snapshot: Snapshot,
    candidate: Candidate,
    stages: Iterable[str],
    now: datetime,
) -> tuple[PassedStage, ...]:
    """The stages at which the same digest, else the same version, is cleared."""
    found = []
    for stage in stages:
        held = clearance(
            connection,
            snapshot,
            model=candidate.model,
            version=candidate.version if candidate.digest is None else None,
            digest=candidate.digest,
            stage=stage,
            now=now,
        )
        if held.is_cleared and held.passed_at is not None:
            found.append(
                PassedStage(stage, candidate.version, held.digest, held.passed_at, held.valid_until)
            )
    return tuple(found)


def last_passed(connection: Connection, model: str, stage: str, now: datetime) -> Row[Any] | None:
    """The newest decision of a model that holds a pass at a stage: what `last_passed` names."""
    statement = (
        DECISIONS.where(
            decision.c.model == model,
            decision.c.stage == stage,
            decision.c.status == "passed",
            decision.c.settled_at <= now,
        )
        .order_by(decision.c.settled_at.desc(), decision.c.id.desc())
        .limit(1)
    )
    return connection.execute(statement).first()
