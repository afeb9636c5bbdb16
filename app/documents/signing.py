"""Documents that a key signed: DSSE envelopes, checked against keys registered for a role.

A signature counts for one document and one role: the payload must name the document's digest, and
the key must be one that an admin registered for that role and nobody revoked.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)
from sqlalchemy import Connection, Row, select, update

from app.attestations.dsse import Envelope, EnvelopeError, read_envelope
from app.auth.keys import Principal
from app.auth.tables import principal
from app.database import to_text
from app.documents.schemas import DocumentKeyIn
from app.documents.tables import document_key
from app.errors import Problem
from app.idempotency.changing import Change
from app.ids import new_id
from app.ledger.work import Conflict, NewEntry, Work

PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey


def verified(connection: Connection, role: str, sha256: str, envelope: object) -> str:
    """The id of the role's key that signed this very document; a problem says what is wrong."""
    try:
        found = read_envelope(envelope)
    except EnvelopeError as error:
        raise _refused(f"The envelope cannot be read: {error}.") from None
    if sha256 not in _subjects(found.payload):
        raise _refused("The signed statement does not name this document's sha256 as a subject.")
    for row in standing(connection, role):
        if _holds(_loaded(row.public_key), found):
            return str(row.id)
    raise _refused(f"No key registered for {role} made this signature.")


def standing(connection: Connection, role: str) -> Sequence[Row[Any]]:
    """The keys of a role that nobody revoked."""
    query = select(document_key).where(
        document_key.c.role == role, document_key.c.revoked_at.is_(None)
    )
    return connection.execute(query.order_by(document_key.c.id)).all()


def _subjects(payload: bytes) -> set[str]:
    try:
        statement = json.loads(payload)
        return {str(item["digest"]["sha256"]) for item in statement["subject"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _refused("The payload is no in-toto statement with subjects.") from None


def _loaded(spki: bytes) -> PublicKey:
    key = load_der_public_key(spki)
    assert isinstance(key, PublicKey)
    return key


def _holds(key: PublicKey, found: Envelope) -> bool:
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(found.signature, found.signed)
        else:
            key.verify(found.signature, found.signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def registered(
    connection: Connection, given: DocumentKeyIn, who: Principal, now: datetime
) -> Change:
    """A key that may sign documents for a role."""
    spki = _spki(given.public_key)
    key_id = "dkey_" + hashlib.sha256(spki).hexdigest()[:48]
    if connection.execute(select(document_key).where(document_key.c.id == key_id)).first():
        raise Problem("conflict", "This key is registered already.")
    values = {
        "id": key_id,
        "role": given.role,
        "name": given.name,
        "public_key": spki,
        "registered_by": who.id,
        "registered_at": now,
        "revoked_at": None,
    }
    entry = NewEntry(
        id=new_id("ent"),
        type="document_key.registered",
        at=now,
        actor=who.id,
        subject=key_id,
        refs={"sha256": hashlib.sha256(spki).hexdigest()},
        data={"role": given.role, "name": given.name},
    )
    return Change(
        Work(entries=[entry], rows=[(document_key, [values])]),
        key_json({**values, "registrar": who.name}),
    )


def _spki(pem: str) -> bytes:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        raise Problem("invalid-request", "public_key is no PEM public key.") from None
    is_curve = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    if not (isinstance(key, ed25519.Ed25519PublicKey) or is_curve):
        raise Problem("invalid-request", "The key must be Ed25519 or ECDSA P-256.")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def revoked(connection: Connection, key_id: str, who: Principal, now: datetime) -> Change:
    """The end of a key: what it signed before stays; nothing new counts."""
    query = select(document_key, principal.c.name.label("registrar"))
    query = query.join(principal, principal.c.id == document_key.c.registered_by)
    row = connection.execute(query.where(document_key.c.id == key_id)).first()
    if row is None:
        raise Problem("key-not-found", "There is no such key.")
    if row.revoked_at is not None:
        raise Problem("already-revoked", "This key is revoked already.")

    def end(within: Connection) -> None:
        changed = within.execute(
            update(document_key)
            .where(document_key.c.id == key_id, document_key.c.revoked_at.is_(None))
            .values(revoked_at=now)
        ).rowcount
        if changed != 1:
            raise Conflict("already-revoked", "This key was revoked at the same time.")

    entry = NewEntry(
        id=new_id("ent"), type="document_key.revoked", at=now, actor=who.id, subject=key_id
    )
    body = key_json({**row._mapping, "revoked_at": now})  # noqa: SLF001 - SQLAlchemy's public name
    return Change(Work(entries=[entry], apply=end), body)


def key_json(values: Any) -> dict[str, Any]:
    """A key as an answer."""
    revoked_at = values["revoked_at"]
    return {
        **{name: values[name] for name in ("id", "role", "name")},
        "registered_by": values["registrar"],
        "registered_at": to_text(values["registered_at"]),
        "revoked_at": to_text(revoked_at) if revoked_at else None,
    }


def _refused(detail: str) -> Problem:
    return Problem("bad-signature", detail, errors=[{"pointer": "/envelope", "detail": detail}])
