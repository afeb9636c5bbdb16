"""Waivers, broken glass, and what reviews need: ladder, delegation, deferral, comments.

Revision: 0051, after the identities.
"""

import sqlalchemy as sa
from alembic import op

from app.database import CanonicalJson, UtcDateTime

revision = "0051"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decision", sa.Column("glass_until", UtcDateTime(), nullable=True))
    for column in (
        sa.Column("ladder", CanonicalJson(), nullable=True),
        sa.Column("climbed", sa.Integer(), nullable=True),
        sa.Column("reminded_at", UtcDateTime(), nullable=True),
        sa.Column("deferred_until", UtcDateTime(), nullable=True),
        sa.Column("one_answer_per", sa.String(length=16), nullable=True),
    ):
        op.add_column("review", column)
    with op.batch_alter_table("sign_off") as batch:
        batch.add_column(sa.Column("on_behalf_of", sa.String(length=64), nullable=True))
        batch.drop_constraint(op.f("uq_sign_off_review_person"), type_="unique")
        batch.create_unique_constraint(
            op.f("uq_sign_off_review_person_role"), ["review", "person", "role"]
        )
    op.create_table(
        "delegation",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("review", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("delegator", sa.String(length=64), nullable=False),
        sa.Column("delegate", sa.String(length=64), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["review"], ["review.id"], name=op.f("fk_delegation_review_review")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegation")),
        sa.UniqueConstraint(
            "review", "role", "delegator", name=op.f("uq_delegation_review_role_delegator")
        ),
    )
    op.create_table(
        "review_comment",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("review", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["review"], ["review.id"], name=op.f("fk_review_comment_review_review")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_comment")),
    )
    op.create_index(
        op.f("ix_review_comment_review_created_at"), "review_comment", ["review", "created_at"]
    )
    _waivers()
    _glass()


def _waivers() -> None:
    op.create_table(
        "waiver",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=300), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("versions", CanonicalJson(), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=True),
        sa.Column("stage", sa.String(length=64), nullable=True),
        sa.Column("slice", CanonicalJson(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("compensating_control", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("requested_by", sa.String(length=64), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiver")),
    )
    op.create_index(op.f("ix_waiver_status_expires_at"), "waiver", ["status", "expires_at"])
    op.create_index(op.f("ix_waiver_requested_at"), "waiver", ["requested_at"])
    op.create_table(
        "waiver_approval",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("waiver", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("approved_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["waiver"], ["waiver.id"], name=op.f("fk_waiver_approval_waiver_waiver")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiver_approval")),
        sa.UniqueConstraint("waiver", "person", name=op.f("uq_waiver_approval_waiver_person")),
    )
    op.create_table(
        "decision_waiver",
        sa.Column("decision", sa.String(length=64), nullable=False),
        sa.Column("waiver", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision"], ["decision.id"], name=op.f("fk_decision_waiver_decision_decision")
        ),
        sa.PrimaryKeyConstraint("decision", "waiver", name=op.f("pk_decision_waiver")),
    )
    op.create_index(op.f("ix_decision_waiver_waiver"), "decision_waiver", ["waiver"])


def _glass() -> None:
    op.create_table(
        "break_glass",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.Column("review_due_at", UtcDateTime(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("reviewed_by", sa.String(length=64), nullable=True),
        sa.Column("reviewed_at", UtcDateTime(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("overdue_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["decision"], ["decision.id"], name=op.f("fk_break_glass_decision_decision")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_break_glass")),
    )
    op.create_index(op.f("ix_break_glass_decision"), "break_glass", ["decision"])
    op.create_index(op.f("ix_break_glass_used_at"), "break_glass", ["used_at"])


def downgrade() -> None:
    raise NotImplementedError("the log names what these tables hold; restore a backup instead")
