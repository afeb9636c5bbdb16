"""The model registry: deliveries, versions and what was decided on them, aliases and their moves.

Revision: 0070.
"""

import sqlalchemy as sa
from alembic import op

from app.database import UtcDateTime

revision = "0070"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "registry_delivery",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=256), nullable=True),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_delivery")),
    )
    op.create_index(op.f("ix_registry_delivery_received_at"), "registry_delivery", ["received_at"])
    op.create_table(
        "registry_version",
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("stage", sa.String(length=64), nullable=False),
        sa.Column("evidence", sa.String(length=71), nullable=True),
        sa.Column("candidate_digest", sa.String(length=71), nullable=True),
        sa.Column("decision", sa.String(length=64), nullable=True),
        sa.Column("tags", sa.String(length=71), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("checked_at", UtcDateTime(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("model", "version", "stage", name=op.f("pk_registry_version")),
    )
    op.create_table(
        "registry_alias",
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("alias", sa.String(length=256), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=True),
        sa.Column("given", sa.String(length=200), nullable=True),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("model", "alias", name=op.f("pk_registry_alias")),
    )
    op.create_table(
        "registry_move",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("alias", sa.String(length=256), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=True),
        sa.Column("previous", sa.String(length=200), nullable=True),
        sa.Column("decision", sa.String(length=64), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_move")),
    )
    op.create_index(op.f("ix_registry_move_model_at"), "registry_move", ["model", "at"])
    op.create_table(
        "registry_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("next_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_state")),
    )


def downgrade() -> None:
    raise NotImplementedError("the record is append-only; restore a backup instead")
