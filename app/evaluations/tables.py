"""Tables of evaluations and decisions, and of what later decisions must know about them."""

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
)

from app.database import CanonicalJson, UtcDateTime, metadata
from app.ledger.tables import CONTENT_ADDRESSED

evaluation = Table(
    "evaluation",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("model", String(200), nullable=False),
    Column("version", String(200), nullable=False),
    Column("digest", String(71), nullable=True),
    Column("stage", String(64), nullable=False),
    Column("inputs", String(71), nullable=False),
    Column("raw", String(71), nullable=False),
    Column("known_slices", CanonicalJson, nullable=False),
    Column("context", CanonicalJson, nullable=False),
    Column("submitted_by", String(64), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Index(None, "model", "stage", "received_at"),
    Index(None, "model", "version", "received_at"),
)
"""`inputs` and `raw` name evidence blobs: all that was decided on, and the bytes that came in."""

decision = Table(
    "decision",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("evaluation", ForeignKey(evaluation.c.id), nullable=False),
    Column("entry", String(64), nullable=False),
    Column("model", String(200), nullable=False),
    Column("version", String(200), nullable=False),
    Column("candidate_digest", String(71), nullable=True),
    Column("stage", String(64), nullable=False),
    Column("policy", String(200), nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("policy_digest", String(71), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("status", String(16), nullable=False),
    Column("digest", String(71), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("submitted_by", String(64), nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime, nullable=True),
    Column("valid_until", UtcDateTime, nullable=True),
    Column("deadline", UtcDateTime, nullable=True),
    Column("valid_days", Float, nullable=False),
    Column("latest_until", UtcDateTime, nullable=True),
    Column("glass_until", UtcDateTime, nullable=True),
    Column("end_noted_at", UtcDateTime, nullable=True),
    Index(None, "evaluation"),
    Index(None, "model", "version", "stage", "policy", "decided_at"),
    Index(None, "model", "candidate_digest", "stage", "policy", "decided_at"),
    Index(None, "model", "stage", "status", "settled_at"),
    Index(None, "decided_at"),
)
"""`document` is the first answer, byte for byte, without its place in the log. `status` is what
was last recorded; time alone makes it `expired`, which only reading shows. `valid_days` and
`latest_until` (the end of a waiver or document) bound what an approval can give. Who broke the
glass set `glass_until`; it lets the version through until then and changes nothing else.
`end_noted_at` says when the log was told that a pass is over; nothing is read from it."""

_unnoted = and_(decision.c.status == "passed", decision.c.end_noted_at.is_(None))
Index(None, decision.c.valid_until, sqlite_where=_unnoted, postgresql_where=_unnoted)

look = Table(
    "look",
    metadata,
    Column("decision", ForeignKey(decision.c.id), primary_key=True),
    Column("model", String(200), nullable=False),
    Column("stage", String(64), nullable=False),
    Column("version", String(200), nullable=False),
    Column("candidate_digest", String(71), nullable=True),
    Column("sequence", Integer, nullable=False),
    Column("looks", Text, nullable=False),
    UniqueConstraint("model", "stage", "version", "sequence"),
    UniqueConstraint("model", "stage", "candidate_digest", "sequence"),
)
"""The looks that one decision took. `sequence` makes two decisions about one candidate at the same
time collide, so that both cannot be look 1."""

judged = Table(
    "judged",
    metadata,
    Column("model", String(200), primary_key=True),
    Column("stage", String(64), primary_key=True),
    Column("version", String(200), primary_key=True),
    Column("candidate_digest", String(71), primary_key=True),
    Column("dataset", String(71), primary_key=True),
    Column("first_at", UtcDateTime, nullable=False),
    Index(None, "model", "stage", "first_at"),
    info={CONTENT_ADDRESSED: True},
)
"""Each candidate that was judged, once per data set; empty text where no digest is stated."""

baseline_use = Table(
    "baseline_use",
    metadata,
    Column("baseline", String(71), primary_key=True),
    Column("model", String(200), primary_key=True),
    Column("version", String(200), primary_key=True),
    Column("candidate_digest", String(71), primary_key=True),
    info={CONTENT_ADDRESSED: True},
)
"""Which candidates a baseline sample has judged."""

evidence_part = Table(
    "evidence_part",
    metadata,
    Column("part", String(71), primary_key=True),
    Column("model", String(200), primary_key=True),
    Column("version", String(200), primary_key=True),
    Column("candidate_digest", String(71), primary_key=True),
    info={CONTENT_ADDRESSED: True},
)
"""Whose per-example scores and native files were seen, by digest."""
