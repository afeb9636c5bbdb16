"""A decision that people or a revocation settle, read back for its attestation."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from app.attestations.statements import Approval, Settlement
from app.evaluations.tables import decision, evaluation
from app.reviews.tables import review, sign_off


def approvals(connection: Connection, decision_id: str) -> Sequence[Approval]:
    """Everyone's recorded answer, oldest first."""
    rows = connection.execute(
        select(sign_off)
        .join(review, review.c.id == sign_off.c.review)
        .where(review.c.decision == decision_id)
        .order_by(sign_off.c.signed_at, sign_off.c.id)
    )
    return [Approval(row.id, row.role, row.answer, row.signed_at, row.until) for row in rows]


def settlement(
    connection: Connection,
    decision_id: str,
    *,
    entry: str,
    status: str,
    at: datetime,
    valid_until: datetime | None = None,
    given: Sequence[Approval] = (),
) -> Settlement:
    """The settlement of a recorded decision; `given` are answers that are recorded with it."""
    row = _recorded(connection, decision_id)
    return Settlement(
        decision=json.loads(row.document),
        entry=entry,
        status=status,
        evidence=row.inputs,
        settled_at=at,
        valid_until=valid_until,
        approvals=[*approvals(connection, decision_id), *given],
    )


def _recorded(connection: Connection, decision_id: str) -> Row[*tuple[Any, ...]]:
    return connection.execute(
        select(decision.c.document, evaluation.c.inputs)
        .join(evaluation, evaluation.c.id == decision.c.evaluation)
        .where(decision.c.id == decision_id)
    ).one()
