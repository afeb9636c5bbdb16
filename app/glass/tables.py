"""The table of broken glass: who let what through, until when, and what others made of it."""

from sqlalchemy import Column, ForeignKey, Index, String, Table, Text

from app.database import UtcDateTime, metadata
from app.evaluations.tables import decision

break_glass = Table(
    "break_glass",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("decision", ForeignKey(decision.c.id), nullable=False),
    Column("model", String(200), nullable=False),
    Column("person", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("used_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("review_due_at", UtcDateTime, nullable=False),
    Column("outcome", String(16), nullable=True),
    Column("reviewed_by", String(64), nullable=True),
    Column("reviewed_at", UtcDateTime, nullable=True),
    Column("comment", Text, nullable=True),
    Column("overdue_at", UtcDateTime, nullable=True),
    Index(None, "decision"),
    Index(None, "used_at"),
)
"""`outcome` is null while the after-the-fact review is open, else justified or unjustified."""
