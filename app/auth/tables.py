"""Tables of people, services and their keys. A key's secret is never stored, only its SHA-256."""

from sqlalchemy import Column, ForeignKey, Index, String, Table

from app.database import CanonicalJson, UtcDateTime, metadata

principal = Table(
    "principal",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(200), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("principal", ForeignKey(principal.c.id), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),
    Column("roles", CanonicalJson, nullable=False),
    Column("models", CanonicalJson, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("expires_at", UtcDateTime, nullable=True),
    Column("last_used_at", UtcDateTime, nullable=True),
    Column("revoked_at", UtcDateTime, nullable=True),
    Index(None, "principal"),
)
