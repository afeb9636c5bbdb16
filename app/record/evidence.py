"""Evidence that the log names and the database lost, though no entry says it was erased."""

import json
from collections.abc import Iterator

from sqlalchemy import Connection, Text, cast, exists, or_, select

from app.evaluations.tables import evaluation
from app.ledger.tables import audit_entry, evidence_blob
from app.record.contradictions import Contradiction


def missing_evidence(connection: Connection) -> Iterator[Contradiction]:
    """Evaluations whose submitted bytes or inputs are gone for no recorded reason."""
    gone = _erased(connection)
    digests = (evaluation.c.inputs, evaluation.c.raw)
    absent = [~exists().where(evidence_blob.c.digest == cast(column, Text)) for column in digests]
    rows = select(evaluation.c.id, *digests).where(or_(*absent)).order_by(evaluation.c.id)
    for name, inputs, raw in connection.execute(rows).all():
        for digest in sorted({inputs, raw} - gone):
            if connection.scalar(select(exists().where(evidence_blob.c.digest == digest))):
                continue
            index = _received(connection, name)
            detail = f"The evidence {digest} of {name} is gone, and no entry says it was erased."
            yield Contradiction("evidence", name, index, detail)


def _erased(connection: Connection) -> set[str]:
    bodies = connection.scalars(
        select(audit_entry.c.body).where(audit_entry.c.type == "privacy.erased")
    )
    return {digest for body in bodies for digest in json.loads(body)["data"].get("blobs", ())}


def _received(connection: Connection, name: str) -> int:
    found = connection.scalar(
        select(audit_entry.c.index).where(
            audit_entry.c.subject == name, audit_entry.c.type == "evaluation.received"
        )
    )
    return -1 if found is None else int(found)
