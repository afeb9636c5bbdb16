"""Tables of reviews and sign-offs. A person answers a review once."""

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.database import CanonicalJson, UtcDateTime, metadata
from app.evaluations.tables import decision

review = Table(
    "review",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("decision", ForeignKey(decision.c.id), nullable=False, unique=True),
    Column("model", String(200), nullable=False),
    Column("status", String(24), nullable=False),
    Column("needed", CanonicalJson, nullable=False),
    Column("due_hours", Float, nullable=False),
    Column("expires_hours", Float, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("opens_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime, nullable=True),
    Column("revision", Integer, nullable=False),
    Column("ladder", CanonicalJson, nullable=True),
    Column("climbed", Integer, nullable=True),
    Column("reminded_at", UtcDateTime, nullable=True),
    Column("deferred_until", UtcDateTime, nullable=True),
    Column("one_answer_per", String(16), nullable=True),
    Index(None, "status", "created_at"),
)
"""`ladder` is [[hours after opening, role], …], of which the first `climbed` are asked as well.
`needed` is [[role, minimum], …]. `revision` rises with every answer: two answers at one time
must not both believe that they were the first."""

sign_off = Table(
    "sign_off",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("review", ForeignKey(review.c.id), nullable=False),
    Column("person", String(64), nullable=False),
    Column("role", String(64), nullable=False),
    Column("answer", String(24), nullable=False),
    Column("comment", Text, nullable=True),
    Column("decision_digest", String(71), nullable=False),
    Column("until", UtcDateTime, nullable=True),
    Column("signed_at", UtcDateTime, nullable=False),
    Column("on_behalf_of", String(64), nullable=True),
    UniqueConstraint("review", "person", "role"),
)
"""`on_behalf_of` is who delegated the answer; that person stays on record."""

delegation = Table(
    "delegation",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("review", ForeignKey(review.c.id), nullable=False),
    Column("role", String(64), nullable=False),
    Column("delegator", String(64), nullable=False),
    Column("delegate", String(64), nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("review", "role", "delegator"),
)

review_comment = Table(
    "review_comment",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("review", ForeignKey(review.c.id), nullable=False),
    Column("person", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "review", "created_at"),
)
