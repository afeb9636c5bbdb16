"""Log entries as bytes: the RFC 8785 body, its leaf hash, and the personal values split off.

It refuses bodies over 65,535 bytes: larger parts belong in `evidence_blob`, named by digest.
"""

import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.database import to_text
from app.ledger.merkle import leaf_hash
from app.ledger.private import whose
from app.ledger.work import NewEntry
from gates.canonical import canonical

VERSION = 1
MAX_BODY = 65_535
SALT_SIZE = 32


class EntryTooLarge(ValueError):  # noqa: N818 - named for what it says
    """The entry's body is over 65,535 bytes."""


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """An entry whose bytes are final; only its index is still open."""

    id: str
    type: str
    subject: str
    at: datetime
    body: bytes
    leaf: bytes
    private: tuple[Mapping[str, Any], ...]
    """What `private.keep` takes."""


def seal(entry: NewEntry, log: str) -> SealedEntry:
    """Fix an entry's bytes. Salts are fresh, so sealing twice gives two different bodies."""
    salts = {field: os.urandom(SALT_SIZE) for field in sorted(entry.private)}
    if entry.at.tzinfo is None:
        raise ValueError("an entry's time needs a zone")
    if entry.body is not None and (entry.refs or entry.data or entry.private):
        raise ValueError("an entry with a body of its own has no other content")
    body = entry.body if entry.body is not None else _body(entry, log, salts)
    if len(body) > MAX_BODY:
        raise EntryTooLarge(
            f"a log entry has at most {MAX_BODY} bytes, this {entry.type} has {len(body)}"
        )
    return SealedEntry(
        id=entry.id,
        type=entry.type,
        subject=entry.subject,
        at=entry.at,
        body=body,
        leaf=leaf_hash(body),
        private=tuple(
            {
                "entry_id": entry.id,
                "field": field,
                "person": whose(entry, field),
                "salt": salt,
                "value": entry.private[field],
            }
            for field, salt in salts.items()
        ),
    )


def _body(entry: NewEntry, log: str, salts: Mapping[str, bytes]) -> bytes:
    return canonical(
        {
            "v": VERSION,
            "log": log,
            "type": entry.type,
            "id": entry.id,
            "time": to_text(entry.at),
            "actor": entry.actor,
            "subject": entry.subject,
            "refs": entry.refs,
            "data": entry.data,
            "commitments": {
                field: commitment(salt, field, entry.private[field])
                for field, salt in salts.items()
            },
        }
    )


def commitment(salt: bytes, field: str, value: str) -> str:
    """HMAC-SHA-256(salt, field || 0x00 || value) in hex: says nothing once the salt is gone."""
    message = field.encode() + b"\x00" + value.encode()
    return hmac.digest(salt, message, "sha256").hex()
