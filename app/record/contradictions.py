"""Decisions whose row says something else than the log does: verdict, status, validity, document.

The tables are what the service reads; an edit there clears a version without touching the log.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from app.database import to_text
from app.evaluations.inputs import digest_of
from app.evaluations.tables import decision
from app.ledger.tables import audit_entry
from app.reviews.tables import review

_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A row and what the log says instead."""

    noun: str
    name: str
    index: int
    detail: str


@dataclass(frozen=True, slots=True)
class _Said:
    """An entry about a decision or its review."""

    index: int
    type: str
    body: Mapping[str, Any]


def contradictions(connection: Connection) -> Iterator[Contradiction]:
    """Every decision that has its entry and differs from it, a batch of decisions at a time."""
    after = ""
    while rows := _decisions(connection, after):
        entries = _entries(connection, rows)
        for row in rows:
            told = sorted(
                [*entries.get(row.id, ()), *entries.get(row.review, ())], key=lambda e: e.index
            )
            yield from _compared(row, told)
        after = rows[-1].id


def _decisions(connection: Connection, after: str) -> Sequence[Row[Any]]:
    return connection.execute(
        select(decision, review.c.id.label("review"))
        .join(review, review.c.decision == decision.c.id, isouter=True)
        .where(decision.c.id > after)
        .order_by(decision.c.id)
        .limit(_BATCH)
    ).all()


def _entries(connection: Connection, rows: Sequence[Row[Any]]) -> Mapping[str, list[_Said]]:
    names = {name for row in rows for name in (row.id, row.review) if name is not None}
    found: dict[str, list[_Said]] = {}
    query = select(
        audit_entry.c.index, audit_entry.c.type, audit_entry.c.subject, audit_entry.c.body
    ).where(audit_entry.c.subject.in_(names), audit_entry.c.type != "attestation.signed")
    for index, kind, subject, body in connection.execute(query):
        found.setdefault(subject, []).append(_Said(index, kind, json.loads(body)))
    return found


def _compared(row: Row[Any], told: Sequence[_Said]) -> Iterator[Contradiction]:
    recorded = next((entry for entry in told if entry.type == "decision.recorded"), None)
    if recorded is None:
        # `completeness` reports that; there is nothing to compare with.
        return
    where, last = _standing(told)
    expected = {**_recorded(recorded.body), **where}
    for name, (now, then) in _pairs(row, expected).items():
        if now != then:
            index = recorded.index if name not in where else last
            detail = f"The {name} of {row.id} is {now} in the tables and {then} in entry {index}."
            yield Contradiction("decision", row.id, index, detail)


def _recorded(body: Mapping[str, Any]) -> dict[str, Any]:
    data, refs = body["data"], body["refs"]
    return {
        "model": data["candidate"]["model"],
        "version": data["candidate"]["version"],
        "candidate digest": data["candidate"]["digest"],
        "stage": data["stage"],
        "policy": data["policy"],
        "policy version": data["policy_version"],
        "policy digest": refs["policy"],
        "verdict": data["verdict"],
        "digest": data["digest"],
        "document": refs["document"],
        "submitter": body["actor"],
    }


def _standing(told: Sequence[_Said]) -> tuple[dict[str, Any], int]:
    """Status and validity by the newest entry that settled them, and its index."""
    where: dict[str, Any] = {}
    last = 0
    for entry in told:
        data = entry.body["data"]
        if entry.type == "decision.recorded":
            where = {"status": data["status"], "valid until": data["valid_until"]}
        elif "decision_status" in data:
            where |= {"status": data["decision_status"], "valid until": data.get("valid_until")}
        elif entry.type == "decision.revoked":
            where["status"] = "revoked"
        elif "glass_until" in data:
            where["glass until"] = data["glass_until"]
        else:
            continue
        last = entry.index
    return where, last


def _pairs(row: Row[Any], expected: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    now = {
        "model": row.model,
        "version": row.version,
        "candidate digest": row.candidate_digest,
        "stage": row.stage,
        "policy": row.policy,
        "policy version": row.policy_version,
        "policy digest": row.policy_digest,
        "verdict": row.verdict,
        "digest": row.digest,
        "document": digest_of(row.document),
        "submitter": row.submitted_by,
        "status": row.status,
        "valid until": to_text(row.valid_until) if row.valid_until else None,
        "glass until": to_text(row.glass_until) if row.glass_until else None,
    }
    return {name: (value, expected.get(name)) for name, value in now.items()}
