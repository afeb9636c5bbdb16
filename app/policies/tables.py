"""Tables of policies. A version never changes; only its approval is added."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from app.database import CanonicalJson, UtcDateTime, metadata

policy_version = Table(
    "policy_version",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", String(71), nullable=False),
    Column("source", Text, nullable=False),
    Column("media_type", String(64), nullable=False),
    Column("document", CanonicalJson, nullable=False),
    Column("owner", String(200), nullable=False),
    Column("warnings", CanonicalJson, nullable=False),
    Column("loosened", CanonicalJson, nullable=False),
    Column("is_approved", Boolean, nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("published_by", String(64), nullable=False),
    Column("approved_at", UtcDateTime, nullable=True),
    Column("approved_by", String(64), nullable=True),
    Index(None, "digest"),
)
"""`document` is the policy after `extends`, the text that the digest is of."""

policy_epoch = Table(
    "policy_epoch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""One row that rises whenever the set of active policies changes."""
