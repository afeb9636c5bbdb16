"""Names of a person belong to the person, not to a session; who set a pipeline off.

Sessions end, so that everybody signs in again and is known by the names that the provider tells.

Revision: 0090.
"""

import sqlalchemy as sa
from alembic import op

revision = "0090"
down_revision = "0080"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_as",
        sa.Column("principal", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["principal"], ["principal.id"], name=op.f("fk_known_as_principal_principal")
        ),
        sa.PrimaryKeyConstraint("principal", "name", name=op.f("pk_known_as")),
    )
    op.execute("DELETE FROM session")
    op.drop_column("session", "aliases")
    op.add_column("data_evaluation", sa.Column("actor", sa.String(length=200), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("the record is append-only; restore a backup instead")
