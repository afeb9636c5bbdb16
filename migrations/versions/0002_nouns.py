"""Nouns: keys, policies, evaluations, decisions, reviews, models, documents.

Revision: 0002, after the record.
"""

import sqlalchemy as sa
from alembic import op

from app.database import CanonicalJson, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "baseline_use",
        sa.Column("baseline", sa.String(length=71), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("candidate_digest", sa.String(length=71), nullable=False),
        sa.PrimaryKeyConstraint(
            "baseline", "model", "version", "candidate_digest", name=op.f("pk_baseline_use")
        ),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=100), nullable=False),
        sa.Column("uri", sa.Text(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=71), nullable=True),
        sa.Column("issued_at", UtcDateTime(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("signed_by", sa.String(length=64), nullable=False),
        sa.Column("grade", sa.String(length=16), nullable=False),
        sa.Column("registered_by", sa.String(length=64), nullable=False),
        sa.Column("registered_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    op.create_index(
        op.f("ix_document_model_kind_registered_at"),
        "document",
        ["model", "kind", "registered_at"],
        unique=False,
    )
    op.create_table(
        "evaluation",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=True),
        sa.Column("stage", sa.String(length=64), nullable=False),
        sa.Column("inputs", sa.String(length=71), nullable=False),
        sa.Column("raw", sa.String(length=71), nullable=False),
        sa.Column("known_slices", CanonicalJson(), nullable=False),
        sa.Column("context", CanonicalJson(), nullable=False),
        sa.Column("submitted_by", sa.String(length=64), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evaluation")),
    )
    op.create_index(
        op.f("ix_evaluation_model_stage_received_at"),
        "evaluation",
        ["model", "stage", "received_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_evaluation_model_version_received_at"),
        "evaluation",
        ["model", "version", "received_at"],
        unique=False,
    )
    op.create_table(
        "evidence_part",
        sa.Column("part", sa.String(length=71), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("candidate_digest", sa.String(length=71), nullable=False),
        sa.PrimaryKeyConstraint(
            "part", "model", "version", "candidate_digest", name=op.f("pk_evidence_part")
        ),
    )
    op.create_table(
        "idempotent_answer",
        sa.Column("principal", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("decision", sa.String(length=64), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("principal", "path", "key", name=op.f("pk_idempotent_answer")),
    )
    op.create_index(
        op.f("ix_idempotent_answer_created_at"), "idempotent_answer", ["created_at"], unique=False
    )
    op.create_table(
        "judged",
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("stage", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("candidate_digest", sa.String(length=71), nullable=False),
        sa.Column("dataset", sa.String(length=71), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint(
            "model", "stage", "version", "candidate_digest", "dataset", name=op.f("pk_judged")
        ),
    )
    op.create_index(
        op.f("ix_judged_model_stage_first_at"),
        "judged",
        ["model", "stage", "first_at"],
        unique=False,
    )
    op.create_table(
        "model",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=True),
        sa.Column("facts", CanonicalJson(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_model")),
    )
    epoch = op.create_table(
        "policy_epoch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy_epoch")),
    )
    op.create_table(
        "policy_version",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(length=64), nullable=False),
        sa.Column("document", CanonicalJson(), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("warnings", CanonicalJson(), nullable=False),
        sa.Column("loosened", CanonicalJson(), nullable=False),
        sa.Column("is_approved", sa.Boolean(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("published_by", sa.String(length=64), nullable=False),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("approved_by", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_policy_version")),
    )
    op.create_index(op.f("ix_policy_version_digest"), "policy_version", ["digest"], unique=False)
    op.create_table(
        "principal",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_principal")),
        sa.UniqueConstraint("name", name=op.f("uq_principal_name")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("principal", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=16), nullable=False),
        sa.Column("roles", CanonicalJson(), nullable=False),
        sa.Column("models", CanonicalJson(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["principal"], ["principal.id"], name=op.f("fk_api_key_principal_principal")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_key_hash")),
    )
    op.create_index(op.f("ix_api_key_principal"), "api_key", ["principal"], unique=False)
    op.create_table(
        "decision",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("evaluation", sa.String(length=64), nullable=False),
        sa.Column("entry", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("candidate_digest", sa.String(length=71), nullable=True),
        sa.Column("stage", sa.String(length=64), nullable=False),
        sa.Column("policy", sa.String(length=200), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("policy_digest", sa.String(length=71), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=71), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("submitted_by", sa.String(length=64), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("valid_until", UtcDateTime(), nullable=True),
        sa.Column("deadline", UtcDateTime(), nullable=True),
        sa.Column("valid_days", sa.Float(), nullable=False),
        sa.Column("latest_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["evaluation"], ["evaluation.id"], name=op.f("fk_decision_evaluation_evaluation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
    )
    op.create_index(op.f("ix_decision_decided_at"), "decision", ["decided_at"], unique=False)
    op.create_index(op.f("ix_decision_evaluation"), "decision", ["evaluation"], unique=False)
    op.create_index(
        op.f("ix_decision_model_candidate_digest_stage_policy_decided_at"),
        "decision",
        ["model", "candidate_digest", "stage", "policy", "decided_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_decision_model_stage_status_settled_at"),
        "decision",
        ["model", "stage", "status", "settled_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_decision_model_version_stage_policy_decided_at"),
        "decision",
        ["model", "version", "stage", "policy", "decided_at"],
        unique=False,
    )
    op.create_table(
        "look",
        sa.Column("decision", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("stage", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=200), nullable=False),
        sa.Column("candidate_digest", sa.String(length=71), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision"], ["decision.id"], name=op.f("fk_look_decision_decision")
        ),
        sa.PrimaryKeyConstraint("decision", name=op.f("pk_look")),
        sa.UniqueConstraint(
            "model",
            "stage",
            "candidate_digest",
            "sequence",
            name=op.f("uq_look_model_stage_candidate_digest_sequence"),
        ),
        sa.UniqueConstraint(
            "model",
            "stage",
            "version",
            "sequence",
            name=op.f("uq_look_model_stage_version_sequence"),
        ),
    )
    op.create_table(
        "review",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("decision", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("needed", CanonicalJson(), nullable=False),
        sa.Column("due_hours", sa.Float(), nullable=False),
        sa.Column("expires_hours", sa.Float(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("opens_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision"], ["decision.id"], name=op.f("fk_review_decision_decision")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("decision", name=op.f("uq_review_decision")),
    )
    op.create_index(
        op.f("ix_review_status_created_at"), "review", ["status", "created_at"], unique=False
    )
    op.create_table(
        "sign_off",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("review", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.String(length=24), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("decision_digest", sa.String(length=71), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("signed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["review"], ["review.id"], name=op.f("fk_sign_off_review_review")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_off")),
        sa.UniqueConstraint("review", "person", name=op.f("uq_sign_off_review_person")),
    )
    op.bulk_insert(epoch, [{"id": 1, "value": 0}])


def downgrade() -> None:
    raise NotImplementedError("the log names what these tables hold; restore a backup instead")
