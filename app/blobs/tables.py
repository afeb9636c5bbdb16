"""Tables of large result files on their way: who sent one, and its bytes in parts.

A file without a digest is still being sent. Nothing rests on these rows: what an evaluation uses
is copied to the evidence, and these are removed some time after they were last touched.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from app.database import UtcDateTime, metadata

evidence_file = Table(
    "evidence_file",
    metadata,
    Column("id", String(64), primary_key=True),
    # Set when all bytes are there and have it.
    Column("digest", String(71), nullable=True, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("sent_by", String(64), nullable=False),
    # When it was last sent or read: what nobody needs is removed some time after that.
    Column("used_at", UtcDateTime, nullable=False),
    Index(None, "used_at"),
)

evidence_file_part = Table(
    "evidence_file_part",
    metadata,
    Column("file", ForeignKey(evidence_file.c.id), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # zlib; every part but the last has the same number of bytes before that.
    Column("body", LargeBinary, nullable=False),
)
