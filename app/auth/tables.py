"""Tables of people, services, their keys, outside identities and sessions.

No secret is stored: of a key, a session and a token's id only the SHA-256.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from app.database import CanonicalJson, UtcDateTime, metadata

principal = Table(
    "principal",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(200), nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
)

known_as = Table(
    "known_as",
    metadata,
    Column("principal", ForeignKey(principal.c.id), primary_key=True),
    Column("name", String(300), primary_key=True),
)
"""Other names by which a commit may call somebody, in one case. They bar authors, no more."""

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

identity = Table(
    "identity",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("principal", ForeignKey(principal.c.id), nullable=False),
    Column("grants", CanonicalJson, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index(None, "principal"),
)
"""Who a token's issuer and subject are here; `id` is the digest of the two. `grants` are those of
the last sign-in; a workload's come from its rule each time and are empty here."""

session = Table(
    "session",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("principal", ForeignKey(principal.c.id), nullable=False),
    Column("key", ForeignKey(api_key.c.id), nullable=True),
    Column("grants", CanonicalJson, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("idle_seconds", Integer, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index(None, "expires_at"),
)
"""A browser that is signed in. `id` is the SHA-256 of its cookie; a row that is gone is over."""

used_token = Table(
    "used_token",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("request", String(64), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "expires_at"),
)
"""Tokens of one-use issuers that have written something, and which request that was."""

failed_attempt = Table(
    "failed_attempt",
    metadata,
    Column("address", String(64), primary_key=True),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    Column("count", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "at"),
)
"""Wrong keys and tokens of an address (its SHA-256), over all processes; `slot` numbers
the windows of the limit since 1970."""
