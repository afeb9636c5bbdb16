"""Personal values beside the log, each sealed under a key of the person whom it is about.

The log holds commitments only. A value can be read while its person's key exists; erasing that one
row ends all of them, in this database and in whatever copy of the other table is left somewhere.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from sqlalchemy import Connection, insert, select

from app.ledger.tables import audit_person, audit_private
from app.ledger.work import NewEntry

_NONCE: Final = 12
_SALT: Final = 32
_OF_ACTOR: Final = frozenset({"comment", "compensating_control", "example", "reason"})
"""Fields that are personal because of who wrote them; every other names a person itself."""


def person_named(name: str) -> str:
    """The person behind a name, however it is capitalised. Kept only until they are erased."""
    return "nam_" + sha256(b"person\x00" + name.casefold().encode()).hexdigest()[:40]


def whose(entry: NewEntry, field: str) -> str:
    """The person whom a private field of an entry is about."""
    return entry.actor if field in _OF_ACTOR else person_named(entry.private[field])


def keep(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store values and salts; a person's first value makes their key. The head must be locked."""
    keys = _keys(connection, {row["person"] for row in rows})
    missing = sorted({row["person"] for row in rows} - keys.keys())
    if missing:
        now = datetime.now(UTC)
        made = {person: ChaCha20Poly1305.generate_key() for person in missing}
        connection.execute(
            insert(audit_person),
            [{"id": person, "key": key, "created_at": now} for person, key in made.items()],
        )
        keys |= made
    connection.execute(insert(audit_private), [sealed(row, keys[row["person"]]) for row in rows])


def sealed(row: Mapping[str, Any], key: bytes) -> Mapping[str, Any]:
    """A row of `audit_private`: value and salt under the person's key, bound to their place."""
    nonce = os.urandom(_NONCE)
    content = row["salt"] + row["value"].encode()
    where = _place(row["entry_id"], row["field"])
    return {
        "entry_id": row["entry_id"],
        "field": row["field"],
        "person": row["person"],
        "sealed": nonce + ChaCha20Poly1305(key).encrypt(nonce, content, where),
    }


def opened(connection: Connection, entry_id: str) -> Mapping[str, tuple[bytes, str]]:
    """Salt and value of each private field of an entry that can still be read."""
    rows = connection.execute(
        select(audit_private.c.field, audit_private.c.sealed, audit_person.c.key)
        .join(audit_person, audit_person.c.id == audit_private.c.person)
        .where(audit_private.c.entry_id == entry_id)
    )
    found = {}
    for field, content, key in rows:
        try:
            plain = ChaCha20Poly1305(key).decrypt(
                content[:_NONCE], content[_NONCE:], _place(entry_id, field)
            )
        except InvalidTag:
            # Moved from another place, or another person's key: as good as erased.
            continue
        found[field] = (plain[:_SALT], plain[_SALT:].decode())
    return found


def _keys(connection: Connection, persons: set[str]) -> dict[str, bytes]:
    rows = connection.execute(
        select(audit_person.c.id, audit_person.c.key).where(audit_person.c.id.in_(persons))
    )
    return {person: bytes(key) for person, key in rows}


def _place(entry_id: str, field: str) -> bytes:
    return f"{entry_id}\x00{field}".encode()
