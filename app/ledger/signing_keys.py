"""The public keys that this deployment signs and signed with: which is current, and since when.

It refuses to go on under a key that has been retired, and never forgets one: what an old key has
signed must stay checkable.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from sqlalchemy import Connection, Row, func, insert, select, update

from app.ids import new_id
from app.ledger.tables import audit_checkpoint, signing_key
from app.ledger.tiles import LogInconsistent
from app.ledger.work import Conflict, NewEntry, Work

LOG: Final = "log"
ATTESTATION: Final = "attestation"
ALGORITHMS: Final = {LOG: "Ed25519", ATTESTATION: "ECDSA P-256 SHA-256"}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key and what it signs."""

    purpose: str
    spki: bytes
    """SubjectPublicKeyInfo, DER."""

    @property
    def id(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo in hex: the `keyid` of its signatures."""
        return sha256(self.spki).hexdigest()


def log_key(raw: bytes) -> PublicKey:
    """The log's key from its 32 raw bytes."""
    key = Ed25519PublicKey.from_public_bytes(raw)
    return PublicKey(LOG, key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def raw_log_key(spki: bytes) -> bytes:
    """The 32 raw bytes of a log key that is kept as SubjectPublicKeyInfo."""
    key = load_der_public_key(spki)
    if not isinstance(key, Ed25519PublicKey):
        raise LogInconsistent("A recorded log key is not Ed25519.")
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def recorded(connection: Connection, purpose: str) -> Sequence[Row[Any]]:
    """Every key of a purpose, the current one first."""
    return connection.execute(
        select(signing_key)
        .where(signing_key.c.purpose == purpose)
        .order_by(signing_key.c.valid_until.is_(None).desc(), signing_key.c.valid_from.desc())
    ).all()


def current_id(connection: Connection, purpose: str) -> str | None:
    """The id of the key that signs now; None before the first was recorded."""
    found: str | None = connection.execute(
        select(signing_key.c.id).where(
            signing_key.c.purpose == purpose, signing_key.c.valid_until.is_(None)
        )
    ).scalar_one_or_none()
    return found


def require_current(connection: Connection, keys: Sequence[PublicKey]) -> None:
    """LogInconsistent if another key took the place of one of these."""
    if not keys:
        return
    standing = connection.execute(
        select(signing_key.c.purpose, signing_key.c.id).where(signing_key.c.valid_until.is_(None))
    )
    now = {row.purpose: row.id for row in standing}
    for key in keys:
        if now.get(key.purpose, key.id) != key.id:
            raise LogInconsistent(
                f"The {key.purpose} key {key.id[:16]}… is not the current one: {now[key.purpose]} "
                "is. If it was rotated, start every process with the new key."
            )


def register_log_key(connection: Connection, key: PublicKey) -> None:
    """Record the log's first key, valid since the first checkpoint; later ones come by rotation."""
    if current_id(connection, LOG) is not None:
        return
    since = connection.execute(select(func.min(audit_checkpoint.c.signed_at))).scalar_one()
    connection.execute(insert(signing_key), _row(key, since))


def introduction(key: PublicKey, by: str, at: datetime) -> Work:
    """The Work that records the first key of a purpose."""
    entry = NewEntry(
        id=new_id("ent"), type="key.created", at=at, actor=by, subject=key.id, data=_shown(key)
    )
    return Work(entries=[entry], rows=[(signing_key, [_row(key, at)])])


def rotation(old: PublicKey, new: PublicKey, endorsement: bytes, by: str, at: datetime) -> Work:
    """The Work that hands over from one key to the next, endorsed by the old one."""

    def hand_over(connection: Connection) -> None:
        ended = connection.execute(
            update(signing_key)
            .where(signing_key.c.id == old.id, signing_key.c.valid_until.is_(None))
            .values(valid_until=at)
        )
        if ended.rowcount != 1:
            raise Conflict("conflict", "Another key is the current one by now.")
        connection.execute(insert(signing_key), _row(new, at))

    entry = NewEntry(
        id=new_id("ent"),
        type="key.rotated",
        at=at,
        actor=by,
        subject=old.id,
        refs={"key": new.id},
        data={**_shown(new), "endorsement": b64encode(endorsement).decode()},
    )
    return Work(entries=[entry], apply=hand_over)


def hand_over_text(old: PublicKey, new: PublicKey) -> bytes:
    """What the old key signs to name its successor."""
    key = b64encode(new.spki).decode()
    return f"clearance key rotation\n{new.purpose}\n{old.id}\n{new.id}\n{key}\n".encode()


def _row(key: PublicKey, since: datetime) -> dict[str, Any]:
    return {
        "id": key.id,
        "purpose": key.purpose,
        "public_key": key.spki,
        "valid_from": since,
        "valid_until": None,
    }


def _shown(key: PublicKey) -> dict[str, Any]:
    return {
        "purpose": key.purpose,
        "algorithm": ALGORITHMS[key.purpose],
        "public_key": b64encode(key.spki).decode(),
    }
