"""Cosignatures of checkpoints by witnesses.

Revision: 0020, after the notices (0052).
"""

import sqlalchemy as sa
from alembic import op

from app.database import UtcDateTime

revision = "0020"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_cosignature",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("size", "witness", name="pk_audit_cosignature"),
    )
    if op.get_bind().dialect.name == "postgresql":
        for event, each in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER audit_cosignature_refuses_{event.split()[0].lower()} "
                f"BEFORE {event} ON audit_cosignature "
                f"FOR EACH {each} EXECUTE FUNCTION audit_append_only()"
            )
        return
    for event in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_cosignature_refuses_{event.lower()} "
            f"BEFORE {event} ON audit_cosignature "
            "BEGIN SELECT RAISE(ABORT, 'audit_cosignature is append-only'); END"
        )


def downgrade() -> None:
    raise NotImplementedError("the record is append-only; restore a backup instead")
