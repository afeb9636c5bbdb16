"""Evaluations that bring data: waiting, being measured, decided or failed.

Revision: 0080.
"""

import sqlalchemy as sa
from alembic import op

from app.database import CanonicalJson, UtcDateTime

revision = "0080"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "data_evaluation",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("candidate_digest", sa.String(length=71), nullable=True),
        sa.Column("stage", sa.String(length=64), nullable=False),
        sa.Column("raw", sa.String(length=71), nullable=False),
        sa.Column("reference", sa.String(length=71), nullable=False),
        sa.Column("current", sa.String(length=71), nullable=False),
        sa.Column("submitted_by", sa.String(length=64), nullable=False),
        sa.Column("models", CanonicalJson(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("step", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("problem", CanonicalJson(), nullable=True),
        sa.Column("decision", sa.String(length=64), nullable=True),
        sa.Column("snapshot", sa.String(length=71), nullable=True),
        sa.Column("report", sa.String(length=71), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_evaluation")),
    )
    for column in ("reference", "current"):
        name = op.f(f"ix_data_evaluation_status_{column}")
        op.create_index(name, "data_evaluation", ["status", column])


def downgrade() -> None:
    raise NotImplementedError("the record is append-only; restore a backup instead")
