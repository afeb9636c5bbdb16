"""When the log was told that a clearance is over, and an index on those it was not told of.

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


def downgrade() -> None:
    raise NotImplementedError("the record is append-only; restore a backup instead")
