"""Large result files, sent apart from the evaluations that name them.

Revision: 0060, after the documents' keys.
"""

import sqlalchemy as sa
from alembic import op

from app.database import UtcDateTime

revision = "0060"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evidence_file",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sent_by", sa.String(length=64), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_file")),
        sa.UniqueConstraint("digest", name=op.f("uq_evidence_file_digest")),
    )
    op.create_index(op.f("ix_evidence_file_used_at"), "evidence_file", ["used_at"])
    op.create_table(
        "evidence_file_part",
        sa.Column("file", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file"], ["evidence_file.id"], name=op.f("fk_evidence_file_part_file_evidence_file")
        ),
        sa.PrimaryKeyConstraint("file", "number", name=op.f("pk_evidence_file_part")),
    )


def downgrade() -> None:
    raise NotImplementedError("the record is append-only; restore a backup instead")
