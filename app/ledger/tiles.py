"""The tree's nodes as stored: full tiles of 256 hashes, and what stands for partial ones.

A proof reads a handful of rows, never all leaves. Nothing here is updated in place: a partial
tile is read from the entries (level 0) or from the roots of the full tiles below it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from app.ledger.merkle import HASH_SIZE, Growth, parent_hash
from app.ledger.tables import audit_entry, audit_tile

HEIGHT = 8
WIDTH = 1 << HEIGHT


class LogInconsistent(Exception):  # noqa: N818 - named for what it says
    """What is stored contradicts what was signed. Nothing more may be written or proven."""


_leaves = (
    select(audit_entry.c.leaf_hash)
    .where(audit_entry.c.index >= bindparam("begin"), audit_entry.c.index < bindparam("end"))
    .order_by(audit_entry.c.index)
)
_roots = (
    select(audit_tile.c.root)
    .where(
        audit_tile.c.level == bindparam("below"),
        audit_tile.c.number >= bindparam("begin"),
        audit_tile.c.number < bindparam("end"),
    )
    .order_by(audit_tile.c.number)
)
_full = select(audit_tile.c.hashes).where(
    audit_tile.c.level == bindparam("level"), audit_tile.c.number == bindparam("number")
)


class StoredNodes:
    """The nodes of the tree of `size` leaves; each tile is read once and kept."""

    def __init__(self, connection: Connection, size: int) -> None:
        self._connection = connection
        self._size = size
        self._tiles: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, number: int) -> bytes:
        """The root of a perfect subtree (a `merkle.Node`)."""
        row, height = divmod(level, HEIGHT)
        first = number << height
        hashes = self.tile(row, first >> HEIGHT)
        begin = (first % WIDTH) * HASH_SIZE
        return subtree_root(hashes[begin : begin + (HASH_SIZE << height)], 1 << height)

    def tile(self, level: int, number: int) -> bytes:
        """The hashes of a tile, as many as this tree has: full, partial or none."""
        if (level, number) not in self._tiles:
            self._tiles[level, number] = self._read(level, number)
        return self._tiles[level, number]

    def _read(self, level: int, number: int) -> bytes:
        begin = number << HEIGHT
        end = min(begin + WIDTH, self._size >> (HEIGHT * level))
        if end - begin == WIDTH:
            hashes = self._connection.scalar(_full, {"level": level, "number": number}) or b""
        else:
            hashes = read_row(self._connection, level, begin, end)
        if len(hashes) != max(0, end - begin) * HASH_SIZE:
            raise LogInconsistent(f"Tile {level}/{number} of the log is missing or damaged.")
        return hashes


def read_row(connection: Connection, level: int, begin: int, end: int) -> bytes:
    """Hashes [begin, end) of tree level 8 * level, from what lies below."""
    if level == 0:
        found = connection.scalars(_leaves, {"begin": begin, "end": end})
    else:
        found = connection.scalars(_roots, {"below": level - 1, "begin": begin, "end": end})
    return b"".join(found)


def subtree_root(hashes: bytes, count: int) -> bytes:
    """The root over `count` hashes, a power of two."""
    if len(hashes) != count * HASH_SIZE:
        raise LogInconsistent("A tile of the log is shorter than the tree that was signed.")
    if count == 1:
        return hashes
    edges = range(0, len(hashes) + 1, HASH_SIZE)
    row = [hashes[begin:end] for begin, end in pairwise(edges)]
    while len(row) > 1:
        pairs = iter(row)
        row = [parent_hash(left, right) for left, right in zip(pairs, pairs, strict=True)]
    return row[0]


def write_full_tiles(connection: Connection, growth: Growth) -> None:
    """Insert the tiles that a batch filled; its entries must be inserted already."""
    level = 0
    while growth.after.size >> (HEIGHT * (level + 1)):
        shift = HEIGHT * (level + 1)
        numbers = range(growth.before.size >> shift, growth.after.size >> shift)
        if numbers:
            connection.execute(insert(audit_tile), _tiles(connection, growth, level, numbers))
        level += 1


def _tiles(
    connection: Connection, growth: Growth, level: int, numbers: Sequence[int]
) -> list[dict[str, Any]]:
    """Re-hashing each tile once, when it fills, catches stored hashes that were tampered with."""
    rows = []
    for number in numbers:
        hashes = read_row(connection, level, number << HEIGHT, (number + 1) << HEIGHT)
        root = growth.node(HEIGHT * (level + 1), number)
        if subtree_root(hashes, WIDTH) != root:
            raise LogInconsistent(f"Tile {level}/{number} does not match the tree that was signed.")
        rows.append({"level": level, "number": number, "root": root, "hashes": hashes})
    return rows
