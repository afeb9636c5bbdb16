"""The log entries of a submission: what came in, what was decided, who is asked.

They carry digests and statuses; evidence, findings and persons stay outside the log.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.database import to_text
from app.evaluations.inputs import digest_of
from app.ids import new_id
from app.ledger.work import NewEntry

Row = Mapping[str, Any]
"""The values of the decision's row, which the entries speak of."""


def received(decision: Row, blobs: Mapping[str, Any], persons: Mapping[str, str]) -> NewEntry:
    """`evaluation.received`: the digests of the bytes that came in and of what was understood."""
    return NewEntry(
        id=new_id("ent"),
        type="evaluation.received",
        at=decision["decided_at"],
        actor=decision["submitted_by"],
        subject=decision["evaluation"],
        refs=blobs,
        data={"candidate": _candidate(decision), "stage": decision["stage"]},
        private=persons,
    )


def decided(
    decision: Row,
    blobs: Mapping[str, Any],
    engine: Mapping[str, Any],
    signed: Mapping[str, Any],
) -> NewEntry:
    """`decision.recorded`: the verdict, what it followed from, what was signed about it."""
    end = decision["valid_until"]
    return NewEntry(
        id=decision["entry"],
        type="decision.recorded",
        at=decision["decided_at"],
        actor=decision["submitted_by"],
        subject=decision["id"],
        refs={
            "evaluation": decision["evaluation"],
            "inputs": blobs["inputs"],
            "policy": decision["policy_digest"],
            "document": digest_of(decision["document"]),
            **signed,
        },
        data={
            "candidate": _candidate(decision),
            "stage": decision["stage"],
            "policy": decision["policy"],
            "policy_version": decision["policy_version"],
            "verdict": decision["verdict"],
            "status": decision["status"],
            "digest": decision["digest"],
            "valid_until": to_text(end) if end else None,
            **engine,
        },
    )


def opened(decision: Row, review: Row) -> NewEntry:
    """`review.opened`: how many people of which role, until when."""
    return NewEntry(
        id=new_id("ent"),
        type="review.opened",
        at=decision["decided_at"],
        actor=decision["submitted_by"],
        subject=review["id"],
        refs={"decision": decision["id"], "digest": decision["digest"]},
        data={
            "needed": review["needed"],
            "status": review["status"],
            "opens_at": to_text(review["opens_at"]),
            "expires_at": to_text(review["expires_at"]),
        },
    )


def queued(evaluation: Row) -> NewEntry:
    """`evaluation.queued`: the bytes that came in, and the data that are to be measured."""
    return _of_data(evaluation, "queued", evaluation["received_at"])


def failed(evaluation: Row, reason: str, at: datetime) -> NewEntry:
    """`evaluation.failed`: its data could not be measured, so nothing was decided."""
    return _of_data(evaluation, "failed", at, reason=reason)


def _of_data(evaluation: Row, what: str, at: datetime, **more: str) -> NewEntry:
    return NewEntry(
        id=new_id("ent"),
        type=f"evaluation.{what}",
        at=at,
        actor=evaluation["submitted_by"],
        subject=evaluation["id"],
        refs={name: evaluation[name] for name in ("raw", "reference", "current")},
        data={"candidate": _candidate(evaluation), "stage": evaluation["stage"], **more},
    )


def _candidate(decision: Row) -> dict[str, Any]:
    return {
        "model": decision["model"],
        "version": decision["version"],
        "digest": decision["candidate_digest"],
    }
