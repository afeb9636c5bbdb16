"""Tables of subscriptions, what was sent to them, every try, and how far the log was read."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from app.database import CanonicalJson, UtcDateTime, metadata

subscription = Table(
    "subscription",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("format", String(16), nullable=True),
    Column("target", LargeBinary, nullable=False),
    Column("hint", String(200), nullable=False),
    Column("secret", LargeBinary, nullable=True),
    Column("old_secret", LargeBinary, nullable=True),
    Column("old_secret_until", UtcDateTime, nullable=True),
    Column("types", CanonicalJson, nullable=False),
    Column("models", CanonicalJson, nullable=False),
    Column("status", String(16), nullable=False),
    Column("why", Text, nullable=True),
    Column("since", BigInteger, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revision", Integer, nullable=False),
    Index(None, "status"),
)
"""`target` (URL or address) and secrets are encrypted; `hint` is what may be shown of the target.
`format` of a webhook: null is our own, else cdevents.
`status`: active, paused, disabled (the receiver said so), deleted. `since`: the first entry."""

delivery = Table(
    "delivery",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("subscription", ForeignKey(subscription.c.id), nullable=False),
    Column("type", String(64), nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime, nullable=True),
    Column("delivered_at", UtcDateTime, nullable=True),
    Index(None, "subscription", "created_at"),
    Index(None, "created_at"),
)
"""`status`: pending, delivered, failed (the schedule is over), dropped (nobody listens)."""

delivery_attempt = Table(
    "delivery_attempt",
    metadata,
    Column("delivery", ForeignKey(delivery.c.id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("status", Integer, nullable=True),
    Column("detail", Text, nullable=False),
)
"""`status` is what the receiver answered, null where it did not."""

notice_cursor = Table(
    "notice_cursor",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("next_index", BigInteger, nullable=False),
)
