"""Personal values under a key for each person.

Revision: 0021, after the cosignatures.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from app.database import UtcDateTime
from app.ledger.private import person_named, sealed

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    old = op.get_bind().execute(sa.text(OLD)).mappings().all()
    op.drop_table("audit_private")
    persons = op.create_table(
        "audit_person",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_person"),
    )
    private = op.create_table(
        "audit_private",
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "field", name="pk_audit_private"),
    )
    op.create_index("ix_audit_private_person", "audit_private", ["person"])
    if old:
        move(old, persons, private)


OLD = (
    "SELECT p.entry_id, p.field, p.salt, p.value, e.body FROM audit_private p "
    "JOIN audit_entry e ON e.id = p.entry_id"
)


def move(rows: Sequence[Mapping[Any, Any]], persons: sa.Table, private: sa.Table) -> None:
    """Seal what was stored in the clear."""
    keys: dict[str, bytes] = {}
    moved = []
    for row in rows:
        is_actors = row["field"] in {"comment", "reason"}
        who = json.loads(row["body"])["actor"] if is_actors else person_named(row["value"])
        key = keys.setdefault(who, ChaCha20Poly1305.generate_key())
        moved.append(sealed({**row, "person": who, "salt": bytes(row["salt"])}, key))
    now = datetime.now(UTC)
    op.bulk_insert(
        persons, [{"id": who, "key": key, "created_at": now} for who, key in keys.items()]
    )
    op.bulk_insert(private, [dict(row) for row in moved])


def downgrade() -> None:
    raise NotImplementedError("the record is append-only; restore a backup instead")
