"""Models as they stand now: owner and facts, and each version's way through the stages."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from app.auth.keys import Principal
from app.database import to_text
from app.errors import Problem
from app.evaluations.reading import visible
from app.evaluations.standing import DECISIONS, clearance, status_at
from app.evaluations.tables import decision
from app.models.tables import model
from app.policies.shelf import Snapshot

_RECENT: Final = 50


def listed(
    connection: Connection, who: Principal, cursor: str | None, limit: int
) -> dict[str, Any]:
    """A page of models by name, as far as the key sees them."""
    query = select(model).order_by(model.c.name)
    if cursor is not None:
        query = query.where(model.c.name > cursor)
    if "*" not in who.models:
        query = query.where(visible(connection, model.c.name, who))
    rows = connection.execute(query.limit(limit + 1)).all()
    items = [
        {"name": row.name, "owner": row.owner, "updated_at": to_text(row.updated_at)}
        for row in rows[:limit]
    ]
    return {"items": items, "next": items[-1]["name"] if len(rows) > limit else None}


def found(connection: Connection, name: str, who: Principal) -> Row[Any]:
    """A model's row, or 404: what a key may not see does not exist for it."""
    row = connection.execute(select(model).where(model.c.name == name)).first()
    if row is None or not who.sees(name):
        raise Problem("model-not-found", "No model of this name is known to you.")
    return row


def shown(connection: Connection, name: str, who: Principal, now: datetime) -> dict[str, Any]:
    """Owner, facts and newest decisions."""
    row = found(connection, name, who)
    return {
        "name": row.name,
        "owner": row.owner,
        "facts": row.facts,
        "updated_at": to_text(row.updated_at),
        "decisions": _decisions(connection, now, decision.c.model == name),
    }


def versions(connection: Connection, name: str, most: int) -> list[str]:
    """The versions of a model that were judged, newest decision first."""
    query = (
        select(decision.c.version)
        .where(decision.c.model == name)
        .group_by(decision.c.version)
        .order_by(func.max(decision.c.decided_at).desc(), decision.c.version)
        .limit(most)
    )
    return list(connection.execute(query).scalars())


def version(
    connection: Connection,
    snapshot: Snapshot,
    name: str,
    wanted: str,
    who: Principal,
    now: datetime,
) -> dict[str, Any]:
    """Each stage at which a version was judged, with its clearance; 404 if it never was."""
    found(connection, name, who)
    of_version = (decision.c.model == name, decision.c.version == wanted)
    judged = connection.execute(
        select(decision.c.stage).where(*of_version).distinct().order_by(decision.c.stage)
    ).scalars()
    stages = [_standing(connection, snapshot, name, wanted, stage, now) for stage in judged.all()]
    if not stages:
        raise Problem("model-not-found", "This version was never judged here.")
    decisions = _decisions(connection, now, *of_version)
    return {"model": name, "version": wanted, "stages": stages, "decisions": decisions}


def _standing(
    connection: Connection, snapshot: Snapshot, name: str, version: str, stage: str, now: datetime
) -> dict[str, Any]:
    held = clearance(
        connection, snapshot, model=name, version=version, digest=None, stage=stage, now=now
    )
    return {
        "stage": stage,
        "cleared": held.is_cleared,
        "status": held.status,
        "reason": held.reason,
        "through_glass": held.is_cleared and held.passed_at is None,
        "decision": held.decision,
        "valid_until": to_text(held.valid_until) if held.valid_until else None,
    }


def _decisions(connection: Connection, now: datetime, *where: Any) -> list[dict[str, Any]]:
    query = DECISIONS.where(*where).order_by(decision.c.decided_at.desc(), decision.c.id.desc())
    return [
        {
            "id": row.id,
            "version": row.version,
            "digest": row.candidate_digest,
            "stage": row.stage,
            "policy": row.policy,
            "verdict": row.verdict,
            "status": status_at(row, now),
            "decided_at": to_text(row.decided_at),
        }
        for row in connection.execute(query.limit(_RECENT))
    ]
