"""The table of answers that a repeated Idempotency-Key gets again."""

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table

from app.database import UtcDateTime, metadata

answer = Table(
    "idempotent_answer",
    metadata,
    Column("principal", String(64), primary_key=True),
    Column("path", String(500), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("body_hash", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("answer", LargeBinary, nullable=True),
    Column("decision", String(64), nullable=True),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "created_at"),
)
"""An evaluation's answer is its decision's; others are kept as bytes."""
