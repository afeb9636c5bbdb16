"""The table of documents that people registered here under their role."""

from sqlalchemy import Column, Index, LargeBinary, String, Table, Text

from app.database import UtcDateTime, metadata

document = Table(
    "document",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("model", String(200), nullable=False),
    Column("kind", String(100), nullable=False),
    Column("uri", Text, nullable=True),
    Column("sha256", String(64), nullable=False),
    Column("subject", String(71), nullable=True),
    Column("issued_at", UtcDateTime, nullable=True),
    Column("expires_at", UtcDateTime, nullable=True),
    Column("signed_by", String(64), nullable=False),
    Column("grade", String(16), nullable=False),
    Column("registered_by", String(64), nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("key", String(64), nullable=True),
    Index(None, "model", "kind", "registered_at"),
)
"""A document is for one model, named exactly. `sha256` is lower-case hex; `key` names the document
key that signed it, where one did."""

document_key = Table(
    "document_key",
    metadata,
    # The start of the SHA-256 of the key, so that one key is registered once.
    Column("id", String(64), primary_key=True),
    Column("role", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("registered_by", String(64), nullable=False),
    Column("registered_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime, nullable=True),
    Index(None, "role"),
)
"""Public keys whose signature on a document counts as a role's."""
