"""Tables of a model registry: what it told, what was decided on it, which aliases it carries.

The registry holds the truth about its versions; these rows hold what was done about it.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from app.database import UtcDateTime, metadata
from app.ledger.tables import CONTENT_ADDRESSED

registry_delivery = Table(
    "registry_delivery",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("event", String(64), nullable=False),
    Column("model", String(256), nullable=True),
    Column("digest", String(71), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index(None, "received_at"),
    info={CONTENT_ADDRESSED: True},
)
"""Webhook deliveries by the sender's id, with the digest of the body. The body itself is not kept:
it says only where to look, and may hold what people wrote into tags."""

registry_version = Table(
    "registry_version",
    metadata,
    Column("model", String(200), primary_key=True),
    Column("version", String(200), primary_key=True),
    Column("stage", String(64), primary_key=True),
    Column("evidence", String(71), nullable=True),
    Column("candidate_digest", String(71), nullable=True),
    Column("evaluation", String(64), nullable=True),
    Column("decision", String(64), nullable=True),
    Column("tags", String(71), nullable=True),
    Column("problem", Text, nullable=True),
    Column("checked_at", UtcDateTime, nullable=False),
    Column("revision", Integer, nullable=False),
)
"""One version at the stage it asks for: the digest of the evidence it was last decided on, and the
decision; or, where its data are measured first, the evaluation that is queued. `tags` is a digest
of its foreign tags. `problem` says why it could not be decided."""

registry_alias = Table(
    "registry_alias",
    metadata,
    Column("model", String(200), primary_key=True),
    Column("alias", String(256), primary_key=True),
    Column("version", String(200), nullable=True),
    Column("given", String(200), nullable=True),
    Column("seen_at", UtcDateTime, nullable=False),
)
"""Where an alias stood when the registry was last asked, and which version we last gave it to."""

registry_move = Table(
    "registry_move",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("model", String(200), nullable=False),
    Column("alias", String(256), nullable=False),
    Column("version", String(200), nullable=True),
    Column("previous", String(200), nullable=True),
    Column("decision", String(64), nullable=True),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "model", "at"),
)
"""Each time we moved an alias, or took it away (`version` null); each has its log entry."""

registry_state = Table(
    "registry_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("since", UtcDateTime, nullable=False),
    Column("next_index", BigInteger, nullable=False),
)
"""One row: versions from `since` on are judged; the log is read up to `next_index`."""
