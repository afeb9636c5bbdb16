"""Ends that the log was told of, the words of a subscription, and wrong keys that all count.

Revision: 0062.
"""

import sqlalchemy as sa
from alembic import op

from app.database import UtcDateTime

revision = "0062"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", sa.Column("end_noted_at", UtcDateTime(), nullable=True))
    unnoted = sa.text("status = 'passed' AND end_noted_at IS NULL")
    op.create_index(
        op.f("ix_decision_valid_until"),
        "decision",
        ["valid_until"],
        sqlite_where=unnoted,
        postgresql_where=unnoted,
    )
    op.add_column("subscription", sa.Column("format", sa.String(length=16), nullable=True))
    op.create_table(
        "failed_attempt",
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("address", "slot", name=op.f("pk_failed_attempt")),
    )
    op.create_index(op.f("ix_failed_attempt_at"), "failed_attempt", ["at"])


def downgrade() -> None:
    raise NotImplementedError("the record is append-only; restore a backup instead")
