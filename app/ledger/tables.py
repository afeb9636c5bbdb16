"""The tables of the log. They refuse UPDATE and DELETE by trigger, except the head.

The index on entries is dense from 0; `audit_tile` holds full tiles only (C2SP tlog-tiles layout).
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from app.database import UtcDateTime, metadata

CONTENT_ADDRESSED = "content_addressed"
"""`Table.info` key: rows are named by their content, so a second insert of one is no conflict."""

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "type", "index"),
    Index(None, "subject", "index"),
)

audit_tile = Table(
    "audit_tile",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    # The hash of the whole tile: one hash of the level above, so that partial tiles need no row.
    Column("root", LargeBinary, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
)

audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("origin", Text, nullable=True),
    Column("size", BigInteger, nullable=False),
    # The roots of the perfect subtrees that make up the tree, largest first.
    Column("edge", LargeBinary, nullable=False),
)

audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
)

audit_cosignature = Table(
    "audit_cosignature",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("witness", Text, primary_key=True),
    Column("line", Text, nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
    info={CONTENT_ADDRESSED: True},
)
"""`witness` is its key as a vkey, `line` its signature; of two for one size the first stays."""

audit_private = Table(
    "audit_private",
    metadata,
    Column("entry_id", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("person", String(64), nullable=False),
    # Salt and value under the person's key, in the form that `private` writes.
    Column("sealed", LargeBinary, nullable=False),
    Index(None, "person"),
)

audit_person = Table(
    "audit_person",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("key", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)
"""Who has personal values, and the key that they can be read with. Erasing a person ends a row."""

signing_key = Table(
    "signing_key",
    metadata,
    # SHA-256 of the public key (SubjectPublicKeyInfo, DER) in hex.
    Column("id", String(64), primary_key=True),
    Column("purpose", String(16), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("valid_from", UtcDateTime, nullable=False),
    Column("valid_until", UtcDateTime, nullable=True),
    Index(None, "purpose", "valid_from"),
)
"""Every public key that this deployment has signed with. The one without an end signs now."""

evidence_blob = Table(
    "evidence_blob",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("encoding", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    info={CONTENT_ADDRESSED: True},
)
