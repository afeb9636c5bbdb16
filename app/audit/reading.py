"""A record for reading, in an archive or in the database: its entries in order, and its evidence.

It checks that evidence has its digest, and nothing else: the verifier goes first.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO, Protocol

from sqlalchemy import Connection, Text, select, type_coerce

from app.audit import archive
from app.evaluations.inputs import digest_of
from app.evaluations.tables import decision
from app.ledger.merkle import HASH_SIZE
from app.ledger.tables import evidence_blob
from app.ledger.tiles import HEIGHT, WIDTH, subtree_root
from app.policies.tables import policy_version
from app.verifier import MAX_EVIDENCE, Archive, Broken, Member, tile_path, unpacked


@dataclass(frozen=True, slots=True)
class Read:
    """One entry: its index, and the bytes that were hashed."""

    index: int
    bytes: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The bytes as a value."""
        value: dict[str, Any] = json.loads(self.bytes)
        return value

    def is_of(self, *types: str) -> bool:
        """Whether it is of one of these types."""
        return self.bytes.endswith(tuple(f'"type":"{name}","v":1}}'.encode() for name in types))


class Record(Protocol):
    """What replay, population and sample need."""

    def members(self) -> Iterable[Member]:
        """The archive's members, from the start each time."""

    def evidence(self, digest: str) -> bytes | None:
        """What a decision was made from, by its digest; None where it is gone."""

    def document(self, digest: str, name: str) -> bytes | None:
        """A decision's first answer, by digest and by the decision's id."""

    def policy(self, digest: str) -> bytes | None:
        """A policy's document."""

    def tile(self, level: int, number: int, width: int) -> bytes:
        """The stored hashes of a tile."""


def entries(members: Iterable[Member]) -> Iterator[Read]:
    """Every entry in order; stops where the log ends and the evidence begins."""
    index = 0
    for member in members:
        if member.name.startswith(("documents/", "evidence/", "policies/", "end.json")):
            return
        if not member.name.startswith("tile/entries/"):
            continue
        bundle, at = b"".join(member.chunks), 0
        while at < len(bundle):
            begin = at + 2
            at = begin + int.from_bytes(bundle[at:begin])
            yield Read(index, bundle[begin:at])
            index += 1


class ArchiveRecord:
    """An archive file; where its parts lie is noted on disk, at the first question."""

    def __init__(self, in_order: BinaryIO, by_place: BinaryIO) -> None:
        """The file opened twice: reading it in order must not be moved by looking something up."""
        self._in_order = in_order
        self._file = by_place

    def members(self) -> Iterable[Member]:
        """The archive's members, from the start each time."""
        return Archive(self._in_order)

    def evidence(self, digest: str) -> bytes | None:
        """What a decision was made from."""
        return self._blob("evidence", digest)

    def document(self, digest: str, name: str) -> bytes | None:
        """A decision's first answer; the archive names it by its digest alone."""
        del name
        return self._blob("documents", digest)

    def policy(self, digest: str) -> bytes | None:
        """A policy's document."""
        return self._blob("policies", digest)

    def tile(self, level: int, number: int, width: int) -> bytes:
        """The stored hashes of a tile."""
        found = self._content(tile_path(str(level), number, width))
        if found is None:
            raise Broken(f"the archive has no tile {level}/{number}")
        return found

    @cached_property
    def _places(self) -> sqlite3.Connection:
        places = sqlite3.connect("", isolation_level=None)
        places.execute("BEGIN")
        places.execute("CREATE TABLE place (name TEXT PRIMARY KEY, at INTEGER, size INTEGER)")
        for member in Archive(self._file):
            row = (member.name, member.offset, member.size)
            places.execute("INSERT OR IGNORE INTO place VALUES (?, ?, ?)", row)
        return places

    def _content(self, name: str) -> bytes | None:
        row = self._places.execute("SELECT at, size FROM place WHERE name = ?", (name,)).fetchone()
        if row is None:
            return None
        if row[1] > MAX_EVIDENCE:
            raise Broken(f"{name} is larger than {MAX_EVIDENCE} bytes")
        self._file.seek(row[0])
        return self._file.read(row[1])

    def _blob(self, folder: str, digest: str) -> bytes | None:
        name = f"{folder}/{digest.removeprefix('sha256:')}"
        found = self._content(name)
        if found is None:
            packed = self._content(f"{name}.zlib")
            found = None if packed is None else b"".join(unpacked([packed], name))
        return _checked(found, digest)


class DatabaseRecord:
    """The database, through one connection that sees one state of it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def members(self) -> Iterable[Member]:
        """The members that an export would write."""
        return archive.members(self._connection)

    def evidence(self, digest: str) -> bytes | None:
        """What a decision was made from."""
        query = select(evidence_blob).where(evidence_blob.c.digest == digest)
        row = self._connection.execute(query).first()
        if row is None:
            return None
        content = bytes(row.body)
        if row.encoding == "zlib":
            content = b"".join(unpacked([content], f"the evidence {digest}"))
        return _checked(content, digest)

    def document(self, digest: str, name: str) -> bytes | None:
        """A decision's first answer."""
        query = select(decision.c.document).where(decision.c.id == name)
        found = self._connection.scalar(query)
        return _checked(None if found is None else bytes(found), digest)

    def policy(self, digest: str) -> bytes | None:
        """A policy's document."""
        query = select(type_coerce(policy_version.c.document, Text))
        found = self._connection.scalar(query.where(policy_version.c.digest == digest).limit(1))
        return _checked(None if found is None else str(found).encode(), digest)

    def tile(self, level: int, number: int, width: int) -> bytes:
        """The stored hashes of a tile."""
        return archive.stored_tile(self._connection, level, number, width)


def _checked(content: bytes | None, digest: str) -> bytes | None:
    if content is not None and digest_of(content) != digest:
        raise Broken(f"the stored bytes of {digest} have another digest")
    return content


class Nodes:
    """The tree's nodes from stored tiles (a `merkle.Node`); the tiles in use are few."""

    def __init__(self, record: Record, size: int) -> None:
        self._record = record
        self._size = size
        self._tiles: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, number: int) -> bytes:
        """The root of a perfect subtree."""
        row, height = divmod(level, HEIGHT)
        first = number << height
        hashes = self._tile(row, first >> HEIGHT)
        begin = (first % WIDTH) * HASH_SIZE
        return subtree_root(hashes[begin : begin + (HASH_SIZE << height)], 1 << height)

    def _tile(self, level: int, number: int) -> bytes:
        if (level, number) not in self._tiles:
            width = min(WIDTH, (self._size >> (HEIGHT * level)) - number * WIDTH)
            self._tiles[level, number] = self._record.tile(level, number, width)
        return self._tiles[level, number]
