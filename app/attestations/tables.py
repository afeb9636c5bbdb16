"""The table of attestations: which statement about which decision stands in which log entry."""

from sqlalchemy import Column, ForeignKey, Index, String, Table

from app.database import metadata
from app.evaluations.tables import decision

attestation = Table(
    "attestation",
    metadata,
    Column("entry", String(64), primary_key=True),
    Column("decision", ForeignKey(decision.c.id), nullable=False),
    Column("settlement", String(64), nullable=False),
    Column("predicate", String(24), nullable=False),
    Column("payload", String(71), nullable=False),
    Index(None, "decision"),
)
"""`entry` is the log entry whose body is the leaf (and holds signature and key), `settlement` the
one that settled the decision, `payload` the digest of the statement in `evidence_blob`."""
