"""Keys that sign documents for a role, and which key signed a document.

Revision: 0053, after the persons.
"""

import sqlalchemy as sa
from alembic import op

from app.database import UtcDateTime

revision = "0053"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("document", sa.Column("key", sa.String(length=64), nullable=True))
    op.create_table(
        "document_key",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("registered_by", sa.String(length=64), nullable=False),
        sa.Column("registered_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_key")),
    )
    op.create_index(op.f("ix_document_key_role"), "document_key", ["role"])


def downgrade() -> None:
    raise NotImplementedError("the log names what these tables hold; restore a backup instead")
