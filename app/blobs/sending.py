"""Taking in a large file: part by part, and named only once its bytes have the digest.

It refuses more than the size and the quota allow, and removes what was not finished or never used.
"""

import hashlib
import zlib
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from app.blobs.reading import PART
from app.blobs.tables import evidence_file, evidence_file_part
from app.database import IMMEDIATE
from app.errors import Problem
from app.evaluations.data_tables import awaited_file
from app.ids import new_id
from app.runtime import Runtime

_AT_ONCE: Final = 20
"""Files removed per upload, so that no upload pays for all of them."""


@dataclass
class Sending:
    """One file on its way. `add` is called with the bytes as they come, then `finished`."""

    runtime: Runtime
    digest: str | None
    """What the bytes must have; None: whatever they have names them."""
    sent_by: str
    id: str = field(default_factory=lambda: new_id("blb"))
    size: int = 0
    _allowed: int = 0
    _parts: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    _waiting: bytearray = field(default_factory=bytearray)

    def start(self) -> None:
        """Make room, and see how much may come."""
        settings, now = self.runtime.settings, self.runtime.clock()
        keep = timedelta(hours=settings.blob_keep_hours)
        with self._writing() as connection:
            _remove_old(connection, now - keep)
            waiting = _waiting_bytes(connection, self.sent_by)
            row = {"id": self.id, "digest": None, "size": 0, "sent_by": self.sent_by}
            connection.execute(insert(evidence_file), {**row, "used_at": now})
        left = settings.blob_quota_bytes - waiting
        self._allowed = min(settings.max_blob_bytes, left)
        if left <= 0:
            self.dropped()
            raise _quota(settings.blob_quota_bytes)

    def add(self, data: bytes) -> None:
        """The next bytes; refused as soon as they are too many."""
        self.size += len(data)
        if self.size > self._allowed:
            limit = self.runtime.settings.max_blob_bytes
            if self._allowed < limit:
                raise _quota(self.runtime.settings.blob_quota_bytes)
            detail = f"The file is larger than {limit:,} bytes (CLEARANCE_MAX_BLOB_BYTES)."
            raise Problem("payload-too-large", detail, headers={"Connection": "close"})
        self._hash.update(data)
        self._waiting += data
        while len(self._waiting) >= PART:
            self._store(bytes(self._waiting[:PART]))
            del self._waiting[:PART]

    def finished(self) -> bool:
        """Name the file where its bytes have the digest, and say whether it is new."""
        if self._waiting:
            self._store(bytes(self._waiting))
            self._waiting.clear()
        found = f"sha256:{self._hash.hexdigest()}"
        if self.digest is None:
            self.digest = found
        if found != self.digest:
            detail = f"The bytes have the digest {found}, not {self.digest}."
            raise Problem("digest-mismatch", detail)
        named = update(evidence_file).where(evidence_file.c.id == self.id)
        values = {"digest": self.digest, "size": self.size, "used_at": self.runtime.clock()}
        try:
            with self._writing() as connection:
                connection.execute(named.values(values))
        except IntegrityError:
            # Somebody sent the same file before: one of them is enough.
            self.dropped()
            again = update(evidence_file).where(evidence_file.c.digest == self.digest)
            with self._writing() as connection:
                connection.execute(again.values(used_at=self.runtime.clock()))
            return False
        return True

    def dropped(self) -> None:
        """Leave nothing behind."""
        with self._writing() as connection:
            _remove(connection, [self.id])

    def _writing(self) -> AbstractContextManager[Connection]:
        # SQLite gives up at once where a transaction reads first and wants to write then.
        return self.runtime.engine.execution_options(**{IMMEDIATE: True}).begin()

    def _store(self, part: bytes) -> None:
        packed = zlib.compress(part, 1)
        row = {"file": self.id, "number": self._parts, "body": packed}
        size = update(evidence_file).where(evidence_file.c.id == self.id)
        with self._writing() as connection:
            connection.execute(insert(evidence_file_part), row)
            connection.execute(size.values(size=self.size, used_at=self.runtime.clock()))
        self._parts += 1


def _quota(quota: int) -> Problem:
    detail = (
        f"The files that a key has sent may take {quota:,} bytes until they expire "
        "(CLEARANCE_BLOB_QUOTA_BYTES, CLEARANCE_BLOB_KEEP_HOURS). Wait, or send less."
    )
    return Problem("quota-exceeded", detail, headers={"Connection": "close"})


def _waiting_bytes(connection: Connection, sent_by: str) -> int:
    size = select(func.coalesce(func.sum(evidence_file.c.size), 0))
    return int(connection.execute(size.where(evidence_file.c.sent_by == sent_by)).scalar_one())


def _remove_old(connection: Connection, before: datetime) -> None:
    """Files and torsos that nobody has touched since; evaluations have copies of their own."""
    old = (
        select(evidence_file.c.id)
        .where(evidence_file.c.used_at < before, ~_is_awaited())
        .order_by(evidence_file.c.used_at)
        .limit(_AT_ONCE)
    )
    _remove(connection, list(connection.execute(old).scalars()))


def _is_awaited() -> ColumnElement[bool]:
    """Whether an evaluation still waits for its data to be measured."""
    return exists().where(awaited_file.c.digest == evidence_file.c.digest)


def _remove(connection: Connection, ids: list[str]) -> None:
    if ids:
        parts, files = evidence_file_part.c.file.in_(ids), evidence_file.c.id.in_(ids)
        connection.execute(delete(evidence_file_part).where(parts))
        connection.execute(delete(evidence_file).where(files))
