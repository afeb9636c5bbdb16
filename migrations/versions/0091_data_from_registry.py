"""Data of a registry's runs, files that a queued evaluation waits for, and whose data are measured.

Revision: 0091, after the names of persons.
"""

import sqlalchemy as sa
from alembic import op

revision = "0091"
down_revision = "0090"
branch_labels = None
depends_on = None

_AWAITED = (
    "INSERT INTO awaited_file (evaluation, digest) SELECT id, reference FROM data_evaluation "
    "WHERE status IN ('queued', 'running') UNION SELECT id, current FROM data_evaluation "
    "WHERE status IN ('queued', 'running')"
)


def upgrade() -> None:
    op.create_table(
        "awaited_file",
        sa.Column("evaluation", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.PrimaryKeyConstraint("evaluation", "digest", name=op.f("pk_awaited_file")),
    )
    op.create_index(op.f("ix_awaited_file_digest"), "awaited_file", ["digest"])
    op.execute(_AWAITED)
    for column in ("reference", "current"):
        op.drop_index(op.f(f"ix_data_evaluation_status_{column}"), "data_evaluation")
    with op.batch_alter_table("data_evaluation") as batch:
        for column in ("reference", "current"):
            batch.alter_column(
                column, existing_type=sa.String(length=71), type_=sa.String(length=1000)
            )
    op.add_column(
        "registry_version", sa.Column("evaluation", sa.String(length=64), nullable=True)
    )


def downgrade() -> None:
    raise NotImplementedError("the record is append-only; restore a backup instead")
