"""A stored file as an open binary file: any place can be read, one part in memory at a time."""

import io
import zlib
from typing import BinaryIO, Final, cast

from sqlalchemy import Engine, select, update
from typing_extensions import Buffer

from app.blobs.tables import evidence_file, evidence_file_part
from app.database import IMMEDIATE
from app.errors import Problem
from app.runtime import Clock

PART: Final = 2**20
"""Bytes of every part but the last."""


def opened(engine: Engine, digest: str, clock: Clock) -> BinaryIO:
    """The file under a digest; reading it postpones its removal."""
    with engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
        row = connection.execute(
            select(evidence_file.c.id, evidence_file.c.size).where(evidence_file.c.digest == digest)
        ).first()
        if row is None:
            detail = (
                f"No file {digest} is here. Send its bytes first: PUT /v1/blobs/{digest}. "
                "Files are removed a while after they were last used."
            )
            raise Problem("blob-not-found", detail)
        used = update(evidence_file).where(evidence_file.c.id == row.id)
        connection.execute(used.values(used_at=clock()))
    return cast("BinaryIO", io.BufferedReader(_Parts(engine, row.id, row.size), PART))


class _Parts(io.RawIOBase):
    def __init__(self, engine: Engine, file: str, size: int) -> None:
        self._engine = engine
        self._file = file
        self._size = size
        self._place = 0
        self._held: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def readinto(self, target: Buffer, /) -> int:
        view = memoryview(target)
        number, inside = divmod(self._place, PART)
        if self._place >= self._size:
            return 0
        found = self._part(number)[inside : inside + len(view)]
        view[: len(found)] = found
        self._place += len(found)
        return len(found)

    def _part(self, number: int) -> bytes:
        if self._held[0] != number:
            wanted = select(evidence_file_part.c.body).where(
                evidence_file_part.c.file == self._file, evidence_file_part.c.number == number
            )
            with self._engine.connect() as connection:
                body = connection.execute(wanted).scalar_one_or_none()
            if body is None:
                raise Problem("evidence-erased", "A part of the file is gone.")
            self._held = (number, zlib.decompress(body))
        return self._held[1]
