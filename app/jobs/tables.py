"""The outbox and the workers that read it. These rows are the truth; the engine only rings.

A job is named by its kind and key: putting the same one twice is one job.
"""

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint

from app.database import CanonicalJson, UtcDateTime, metadata
from app.ledger.tables import CONTENT_ADDRESSED

job = Table(
    "job",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("key", String(200), nullable=False),
    Column("payload", CanonicalJson, nullable=False),
    Column("queue", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("wake", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("error", Text, nullable=True),
    Column("claimed_by", String(128), nullable=True),
    Column("claimed_until", UtcDateTime, nullable=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime, nullable=True),
    UniqueConstraint("kind", "key"),
    Index(None, "status", "due_at"),
    info={CONTENT_ADDRESSED: True},
)
"""`status`: `new` (no alarm set yet), `set`, `done`, `dead` (given up), `cancelled`. `wake` counts
alarms: one that rings for an earlier count finds that it is not meant any more. A claim keeps two
workers from running one job at the same time and ends by itself."""

worker = Table(
    "worker",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("queues", CanonicalJson, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("beat_at", UtcDateTime, nullable=False),
    Column("stopped_at", UtcDateTime, nullable=True),
    Index(None, "beat_at"),
)
"""Who reads the outbox. One that is silent for a minute is taken for dead."""
