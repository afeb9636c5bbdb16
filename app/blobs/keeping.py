"""A sent file becomes evidence: its parts by their digests, and a list that makes the file of them.

Evidence is never removed, is exported with the record and checks itself: each part has its digest,
the list has one too, and the parts in its order have the file's. Copying twice does no harm.
"""

import hashlib
import zlib

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import IntegrityError

from app.blobs.tables import evidence_file, evidence_file_part
from app.database import IMMEDIATE
from app.errors import Problem
from app.ledger.tables import evidence_blob
from gates.canonical import canonical


def keep(engine: Engine, digest: str) -> str:
    """Copy a file part by part; the digest of the list of its parts."""
    with engine.connect() as connection:
        row = connection.execute(
            select(evidence_file.c.id, evidence_file.c.size).where(evidence_file.c.digest == digest)
        ).first()
        numbers = [] if row is None else _numbers(connection, row.id)
    if row is None or not numbers:
        raise Problem("blob-not-found", f"The file {digest} is not here any more. Send it again.")
    parts = [_keep_part(engine, row.id, number) for number in numbers]
    listed = canonical({"file": digest, "size": row.size, "parts": parts})
    return _keep_bytes(engine, listed, zlib.compress(listed, 1))


def _numbers(connection: Connection, file: str) -> list[int]:
    numbers = select(evidence_file_part.c.number).where(evidence_file_part.c.file == file)
    return list(connection.execute(numbers.order_by(evidence_file_part.c.number)).scalars())


def _keep_part(engine: Engine, file: str, number: int) -> str:
    wanted = select(evidence_file_part.c.body).where(
        evidence_file_part.c.file == file, evidence_file_part.c.number == number
    )
    with engine.connect() as connection:
        packed = bytes(connection.execute(wanted).scalar_one())
    return _keep_bytes(engine, zlib.decompress(packed), packed)


def _keep_bytes(engine: Engine, content: bytes, packed: bytes) -> str:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    known = select(evidence_blob.c.digest).where(evidence_blob.c.digest == digest)
    row = {"digest": digest, "encoding": "zlib", "body": packed, "size": len(content)}
    try:
        with engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
            if connection.execute(known).first() is None:
                connection.execute(insert(evidence_blob), row)
    except IntegrityError:
        # Another request kept the same bytes at the same time.
        pass
    return digest
