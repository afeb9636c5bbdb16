"""Decisions as they stand now: one, a list, and the JSON that people and pipelines see."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, or_

from app.auth.keys import Principal
from app.database import to_text
from app.evaluations.replaying import require_decision
from app.evaluations.standing import (
    DECISIONS,
    passes_by_glass_alone,
    status_at,
    status_column,
)
from app.evaluations.tables import decision
from app.glass.reading import GLASS, review_status
from app.glass.tables import break_glass
from app.ledger.note import VerifierKey
from app.ledger.reading import entry_by_id, inclusion
from app.lists import position
from app.reviews.reading import IN_DECISION, review_of, shown_in_decision


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which decisions a list is of."""

    model: str | None = None
    version: str | None = None
    stage: str | None = None
    verdict: str | None = None
    status: str | None = None
    policy: str | None = None
    since: datetime | None = None
    cursor: str | None = None


def found(connection: Connection, decision_id: str, who: Principal) -> Row[Any]:
    """A decision's row, or 404: what a key may not see does not exist for it."""
    row = connection.execute(DECISIONS.where(decision.c.id == decision_id)).first()
    if row is not None and not who.sees(row.model):
        row = None
    return require_decision(row)


def listed(
    connection: Connection, wanted: Wanted, who: Principal, limit: int, now: datetime
) -> Sequence[Row[Any]]:
    """Up to `limit + 1` rows, newest first; only models that the key is for."""
    query = DECISIONS.order_by(decision.c.decided_at.desc(), decision.c.id.desc())
    for column, value in (
        (decision.c.model, wanted.model),
        (decision.c.version, wanted.version),
        (decision.c.stage, wanted.stage),
        (decision.c.verdict, wanted.verdict),
        (decision.c.policy, wanted.policy),
        (status_column(now), wanted.status),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(decision.c.decided_at >= wanted.since)
    if "*" not in who.models:
        query = query.where(visible(connection, decision.c.model, who))
    if wanted.cursor is not None:
        time, name = position(wanted.cursor)
        query = query.where(
            or_(
                decision.c.decided_at < time,
                and_(decision.c.decided_at == time, decision.c.id < name),
            )
        )
    return connection.execute(query.limit(limit + 1)).all()


def visible(
    connection: Connection, column: ColumnElement[str], who: Principal
) -> ColumnElement[bool]:
    """The key's model patterns as a condition; `*` and `?` as in `Principal.sees`."""
    if connection.dialect.name == "sqlite":
        # SQLite's LIKE ignores case; its GLOB has the very patterns that keys have.
        return or_(*(column.op("GLOB", is_comparison=True)(p) for p in who.models))
    return or_(*(column.like(_like(p), escape="\\") for p in who.models))


def _like(pattern: str) -> str:
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


def shown(
    connection: Connection,
    row: Row[Any],
    now: datetime,
    keys: Sequence[VerifierKey],
    review: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The Decision as it stands now, with its proof against the newest checkpoint."""
    body = standing_of(connection, row, now, review)
    place = entry_by_id(connection, row.entry)
    proven = inclusion(connection, place.index, keys)
    body["audit"] = {
        "index": place.index,
        "leaf": place.leaf.hex(),
        "checkpoint": proven.signed.note,
        "proof": [node.hex() for node in proven.proof],
    }
    return body


def standing_of(
    connection: Connection,
    row: Row[Any],
    now: datetime,
    review: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The Decision as it stands now, without its place in the log.

    `review` is the decision's own, from whoever has read it already; else it is looked up.
    """
    body: dict[str, Any] = json.loads(row.document)
    body["status"] = status_at(row, now)
    body["valid_until"] = to_text(row.valid_until) if row.valid_until else None
    if review is None and (asked := review_of(connection, row.id)) is not None:
        review = shown_in_decision(connection, asked, now)
    body["review"] = None if review is None else {name: review[name] for name in IN_DECISION}
    if row.glass_until is not None:
        body["break_glass"] = _glass(connection, row, now)
    return body


def _glass(connection: Connection, of: Row[Any], now: datetime) -> dict[str, Any]:
    """The newest use of the glass on a decision."""
    query = GLASS.where(break_glass.c.decision == of.id)
    row = connection.execute(query.order_by(break_glass.c.used_at.desc()).limit(1)).one()
    return {
        "id": row.id,
        "person": row.name,
        "reason": row.reason,
        "until": to_text(row.until),
        "lets_through": passes_by_glass_alone(of, now),
        "review_status": review_status(row.outcome, row.review_due_at, now),
    }


def summary_of(row: Row[Any], now: datetime) -> dict[str, Any]:
    """One line of a list: the parts of a Decision that a table shows."""
    body = json.loads(row.document)
    kept = ("id", "verdict", "digest", "candidate", "stage", "evaluation", "policy", "summary")
    return {
        **{name: body[name] for name in (*kept, "decided_at", "links")},
        "status": status_at(row, now),
        "valid_until": to_text(row.valid_until) if row.valid_until else None,
    }
