"""Attestations as recorded: those of a decision's newest settlement, and their public keys.

What is stored is checked against the log before it is handed out; nothing is signed here.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from sqlalchemy import Connection, Row, select

from app.attestations.bundle import TrustedLog
from app.attestations.dsse import Envelope, leaf_body, leaf_signature
from app.attestations.tables import attestation
from app.database import to_text
from app.errors import Problem
from app.ledger.signing_keys import ALGORITHMS, ATTESTATION, LOG, recorded
from app.ledger.tables import audit_entry, evidence_blob
from app.ledger.tiles import LogInconsistent


@dataclass(frozen=True, slots=True)
class Signed:
    """One statement about a decision, as signed, and the leaf that it has in the log."""

    predicate: str
    envelope: Envelope
    index: int
    leaf: bytes


def of_decision(connection: Connection, row: Row[Any], status: str) -> Sequence[Signed]:
    """The statements of a decision's newest settlement; a problem that says why there are none."""
    found = connection.execute(
        select(
            attestation.c.predicate,
            attestation.c.settlement,
            audit_entry.c.index.label("place"),
            audit_entry.c.body.label("leaf"),
            evidence_blob.c.body.label("payload"),
            evidence_blob.c.encoding,
        )
        .join(audit_entry, audit_entry.c.id == attestation.c.entry)
        .join(evidence_blob, evidence_blob.c.digest == attestation.c.payload)
        .where(attestation.c.decision == row.id)
        .order_by(audit_entry.c.index)
    ).all()
    if not found:
        raise _absent(row, status)
    newest = found[-1].settlement
    return [_signed(item) for item in found if item.settlement == newest]


def chosen(signed: Sequence[Signed], predicate: str | None) -> Signed:
    """The statement asked for; else the one that common tools read, if the settlement has it."""
    by_name = {item.predicate: item for item in signed}
    if predicate is None:
        return by_name.get("vsa") or signed[0]
    if predicate not in by_name:
        detail = f"This settlement gives {', '.join(by_name)}, and no {predicate}."
        raise Problem("attestation-not-found", detail)
    return by_name[predicate]


def attestation_keys(connection: Connection) -> list[dict[str, Any]]:
    """Every attestation key with its validity, the current one first."""
    return [
        {
            "keyid": row.id,
            "algorithm": ALGORITHMS[ATTESTATION],
            "public_key": load_der_public_key(row.public_key)
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            .decode(),
            "valid_from": to_text(row.valid_from),
            "valid_until": to_text(row.valid_until) if row.valid_until else None,
        }
        for row in recorded(connection, ATTESTATION)
    ]


def trusted_logs(connection: Connection, origin: str) -> list[TrustedLog]:
    """Every key that checkpoints of the log verify under, the current one first."""
    return [
        TrustedLog(
            origin,
            row.public_key,
            to_text(row.valid_from),
            to_text(row.valid_until) if row.valid_until else None,
        )
        for row in recorded(connection, LOG)
    ]


def _signed(row: Row[*tuple[Any, ...]]) -> Signed:
    payload = zlib.decompress(row.payload) if row.encoding == "zlib" else bytes(row.payload)
    signature, spki = leaf_signature(row.leaf)
    envelope = Envelope(payload, signature, sha256(spki).hexdigest())
    if leaf_body(envelope, spki) != row.leaf:
        raise LogInconsistent(f"The statement of entry {row.place} is not the one in the log.")
    return Signed(row.predicate, envelope, row.place, row.leaf)


def _absent(row: Row[Any], status: str) -> Problem:
    if row.status == "pending":
        return Problem(
            "not-settled",
            f"This decision is {status}; there is an attestation once people have settled it.",
        )
    if row.candidate_digest is None:
        return Problem(
            "attestation-not-found",
            "The candidate was submitted without a digest, so there is nothing to attest to. "
            "Give candidate.digest or candidate.components.",
        )
    return Problem("attestation-not-found", "This decision was settled before there were any.")
