"""Tables of waivers, who approved them, and which decisions rest on them."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from app.database import CanonicalJson, UtcDateTime, metadata
from app.evaluations.tables import decision

waiver = Table(
    "waiver",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("rule", String(300), nullable=False),
    Column("model", String(200), nullable=False),
    Column("versions", CanonicalJson, nullable=False),
    Column("digest", String(71), nullable=True),
    Column("stage", String(64), nullable=True),
    Column("slice", CanonicalJson, nullable=True),
    Column("reason", Text, nullable=False),
    Column("compensating_control", Text, nullable=False),
    Column("owner", String(200), nullable=False),
    Column("status", String(16), nullable=False),
    Column("requested_by", String(64), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("approved_at", UtcDateTime, nullable=True),
    Column("revoked_at", UtcDateTime, nullable=True),
    Column("revision", Integer, nullable=False),
    Index(None, "status", "expires_at"),
    Index(None, "requested_at"),
)
"""`rule` is `gate/rule`; `model` and `versions` are patterns. `status`: requested, approved,
revoked, expired; time alone makes it expired, which reading shows before the entry is written."""

waiver_approval = Table(
    "waiver_approval",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("waiver", ForeignKey(waiver.c.id), nullable=False),
    Column("person", String(64), nullable=False),
    Column("approved_at", UtcDateTime, nullable=False),
    UniqueConstraint("waiver", "person"),
)

decision_waiver = Table(
    "decision_waiver",
    metadata,
    Column("decision", ForeignKey(decision.c.id), primary_key=True),
    Column("waiver", String(64), primary_key=True),
    Index(None, "waiver"),
)
"""A row for each waiver that a decision applied: when it is revoked, their clearances end."""
