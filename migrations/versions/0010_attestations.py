"""Attestations of settled decisions, and the public keys of this deployment.

Revision: 0010, after the nouns.
"""

import sqlalchemy as sa
from alembic import op

from app.database import UtcDateTime

revision = "0010"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "signing_key",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.Column("valid_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_key")),
    )
    op.create_index(
        op.f("ix_signing_key_purpose_valid_from"), "signing_key", ["purpose", "valid_from"]
    )
    op.create_table(
        "attestation",
        sa.Column("entry", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=64), nullable=False),
        sa.Column("settlement", sa.String(length=64), nullable=False),
        sa.Column("predicate", sa.String(length=24), nullable=False),
        sa.Column("payload", sa.String(length=71), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision"], ["decision.id"], name=op.f("fk_attestation_decision_decision")
        ),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_attestation")),
    )
    op.create_index(op.f("ix_attestation_decision"), "attestation", ["decision"])


def downgrade() -> None:
    raise NotImplementedError("the record is append-only; restore a backup instead")
