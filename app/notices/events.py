"""An entry of the log as an event that others are told of: thin, with words of CDEvents.

It says that something happened and where to look; nothing personal, no finding, no secret.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import ColumnElement, Connection, Row, exists, or_, select

from app.database import to_text
from app.documents.tables import document
from app.evaluations.tables import decision
from app.ledger.tables import audit_entry
from app.reviews.tables import review
from app.waivers.tables import waiver

_TOLD: Final = (
    "evaluation",
    "decision",
    "review",
    "waiver",
    "break_glass",
    "document",
    "policy",
    "alias",
)
_ANSWERS: Final = {
    "approve": "approved",
    "reject": "rejected",
    "request_changes": "requestChanges",
}
_STEPS: Final = {
    "review.opened": ("created", None, None),
    "review.reminded": ("updated", None, None),
    "review.escalated": ("updated", "escalated", None),
    "review.delegated": ("updated", "delegate", None),
    "review.deferred": ("updated", "deferred", None),
    "review.expired": ("closed", None, "expired"),
    "review.cancelled": ("closed", None, "cancelled"),
    "review.superseded": ("closed", None, "cancelled"),
}
"""CDEvents `approval`: which of its events, its `decision`, its `status`."""


def told(types: list[str]) -> ColumnElement[bool]:
    """The entries that match any of the patterns, as a condition."""
    nouns = or_(*(audit_entry.c.type.startswith(f"{noun}.", autoescape=True) for noun in _TOLD))
    if "*" in types:
        return nouns
    return or_(
        *(
            audit_entry.c.type.startswith(pattern[:-1], autoescape=True)
            if pattern.endswith("*")
            else audit_entry.c.type == pattern
            for pattern in types
        )
    )


def matches(patterns: list[str], type_: str) -> bool:
    """Whether a subscription wants this type of event."""
    is_told = type_.partition(".")[0] in _TOLD
    return is_told and any(fnmatchcase(type_, pattern) for pattern in patterns)


def event_of(connection: Connection, row: Row[Any], public_url: str) -> dict[str, Any]:
    """`{type, timestamp, data}`; `data.model` is null where it concerns no one model."""
    body = json.loads(row.body)
    about = _about(connection, row.type, row.subject, body)
    data: dict[str, Any] = {
        "entry": row.place,
        "actor": body["actor"],
        "subject": row.subject,
        **about,
        **_chosen(row.type, body["data"]),
    }
    if (page := _page(row.type, row.subject, about)) is not None:
        data["link"] = public_url + page
    if about.get("decision"):
        data["api"] = f"{public_url}/v1/decisions/{about['decision']}"
    elif about.get("evaluation"):
        data["api"] = f"{public_url}/v1/evaluations/{about['evaluation']}"
    approval = _approval(row.type, body["data"])
    if approval and not (approval["event"] == "created" and _was_created(connection, row)):
        data["approval"] = approval
    return {"type": row.type, "timestamp": body["time"], "data": data}


def _was_created(connection: Connection, row: Row[Any]) -> bool:
    """Whether an approval was told of before: a review that waited for evidence opens twice."""
    earlier = exists().where(
        audit_entry.c.subject == row.subject,
        audit_entry.c.type == row.type,
        audit_entry.c.index < row.place,
    )
    return bool(connection.execute(select(earlier)).scalar_one())


def _page(type_: str, subject: str, about: Mapping[str, Any]) -> str | None:
    """Where a person reads about it."""
    if about.get("decision"):
        return f"/decisions/{about['decision']}"
    noun = type_.partition(".")[0]
    if noun == "policy":
        return f"/policies/{quote(subject, safe='')}"
    return {"waiver": "/waivers", "document": "/documents"}.get(noun)


def _about(
    connection: Connection, type_: str, subject: str, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Which model, version and stage it is about."""
    noun = type_.partition(".")[0]
    if noun == "waiver":
        row = connection.execute(select(waiver).where(waiver.c.id == subject)).first()
        return {"model": row.model, "rule": row.rule} if row is not None else {"model": None}
    if noun == "document":
        query = select(document.c.model, document.c.kind).where(document.c.id == subject)
        row = connection.execute(query).first()
        return {"model": row.model, "kind": row.kind} if row is not None else {"model": None}
    query = select(decision)
    match noun:
        case "evaluation":
            query = query.where(decision.c.evaluation == subject)
        case "review":
            query = query.join(review, review.c.decision == decision.c.id)
            query = query.where(review.c.id == subject)
        case "policy":
            return {"model": None, "policy": subject}
        case "alias":
            return {"model": subject}
        case _:
            query = query.where(decision.c.id == subject)
    row = connection.execute(query.limit(1)).first()
    if row is None:
        return _undecided(subject, body["data"]) if noun == "evaluation" else {"model": None}
    refs = body["refs"]
    return {
        "decision": row.id,
        "digest": row.digest,
        "model": row.model,
        "version": row.version,
        "stage": row.stage,
        "policy": row.policy,
        "verdict": row.verdict,
        "status": "expired" if type_ == "decision.expired" else row.status,
        **({"break_glass": refs["break_glass"]} if "break_glass" in refs else {}),
    }


def _undecided(evaluation: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """An evaluation whose data are being measured, or could not be: the entry says whose."""
    candidate = data["candidate"]
    return {
        "evaluation": evaluation,
        "model": candidate["model"],
        "version": candidate["version"],
        "stage": data["stage"],
        **({"reason": data["reason"]} if "reason" in data else {}),
    }


_KEPT: Final = (
    *("status", "valid_until", "answer", "role", "review_status", "decision_status", "needed"),
    *("expires_at", "roles", "until", "glass_until", "review_due_at", "outcome", "version"),
    *("approvals", "because", "was", "alias"),
)


def _chosen(type_: str, data: Mapping[str, Any]) -> dict[str, Any]:
    # What ended keeps the status it had in the tables, which nobody outside needs to know.
    kept = (n for n in _KEPT if type_ != "decision.expired" or n != "decision_status")
    return {name: data[name] for name in kept if name in data}


def _approval(type_: str, data: Mapping[str, Any]) -> dict[str, str] | None:
    if type_ == "review.signed_off":
        closed = data["review_status"] in {"approved", "rejected"}
        found = {
            "event": "closed" if closed else "updated",
            "decision": _ANSWERS[data["answer"]],
        }
        return {**found, "status": data["review_status"]} if closed else found
    if type_ not in _STEPS:
        return None
    event, word, status = _STEPS[type_]
    return {
        "event": event,
        **({"decision": word} if word else {}),
        **({"status": status} if status else {}),
    }


def sample(now: datetime) -> dict[str, Any]:
    """What a test delivery says."""
    return {"type": "subscription.tested", "timestamp": to_text(now), "data": {"entry": -1}}
