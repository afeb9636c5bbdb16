"""Reading the log: entries, checkpoints, proofs and tiles. It writes nothing and signs nothing.

A proof is checked against the signed checkpoint before it is handed out: a log that contradicts
its signature is reported, never served.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from app.ledger.merkle import (
    EMPTY_ROOT,
    ProofError,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_from_inclusion,
    root_of,
    verify_consistency,
)
from app.ledger.note import Checkpoint, NoteError, VerifierKey, open_checkpoint
from app.ledger.tables import audit_checkpoint, audit_cosignature, audit_entry
from app.ledger.tiles import HEIGHT, WIDTH, LogInconsistent, StoredNodes

MAX_LIMIT = 200


class NotInLog(LookupError):  # noqa: N818 - named for what it says
    """There is no such entry, tile or tree size in the signed log; the message says which."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as stored; `body` holds the very bytes that were hashed."""

    index: int
    id: str
    type: str
    subject: str
    recorded_at: datetime
    leaf: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with the note that carries its signature."""

    checkpoint: Checkpoint
    note: str


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That an entry is in the tree of a signed checkpoint."""

    index: int
    leaf: bytes
    proof: tuple[bytes, ...]
    signed: SignedCheckpoint


def entries(
    connection: Connection,
    *,
    after: int = -1,
    type: str | None = None,  # noqa: A002 - the word of the log and of the API
    subject: str | None = None,
    limit: int = 50,
) -> Sequence[Entry]:
    """Entries with an index above `after`, oldest first."""
    query = (
        _entries()
        .where(audit_entry.c.index > after)
        .order_by(audit_entry.c.index)
        .limit(max(1, min(limit, MAX_LIMIT)))
    )
    if type is not None:
        query = query.where(audit_entry.c.type == type)
    if subject is not None:
        query = query.where(audit_entry.c.subject == subject)
    return [_entry(row) for row in connection.execute(query)]


def newest(connection: Connection, *, before: int | None, limit: int) -> Sequence[Entry]:
    """Entries with an index below `before`, newest first."""
    query = _entries().order_by(audit_entry.c.index.desc()).limit(limit)
    if before is not None:
        query = query.where(audit_entry.c.index < before)
    return [_entry(row) for row in connection.execute(query)]


def entry(connection: Connection, index: int) -> Entry:
    """The entry at an index."""
    row = connection.execute(_entries().where(audit_entry.c.index == index)).one_or_none()
    if row is None:
        raise NotInLog(f"The log has no entry {index}.")
    return _entry(row)


def entry_by_id(connection: Connection, entry_id: str) -> Entry:
    """The entry that a caller named before it had an index."""
    row = connection.execute(_entries().where(audit_entry.c.id == entry_id)).one_or_none()
    if row is None:
        raise NotInLog(f"The log has no entry named {entry_id}.")
    return _entry(row)


def checkpoint(connection: Connection, keys: Sequence[VerifierKey]) -> SignedCheckpoint:
    """The newest signed checkpoint."""
    note = connection.scalar(
        select(audit_checkpoint.c.note).order_by(audit_checkpoint.c.size.desc()).limit(1)
    )
    if note is None:
        raise NotInLog("The log has no signed checkpoint yet.")
    try:
        return SignedCheckpoint(open_checkpoint(note, keys), note)
    except NoteError as error:
        raise LogInconsistent(f"The newest checkpoint does not verify: {error}.") from error


def cosigned(
    connection: Connection, keys: Sequence[VerifierKey], above: int = -1
) -> SignedCheckpoint:
    """The newest checkpoint of more than `above` entries that a witness cosigned, with its lines.

    Falls back to the newest checkpoint where no witness has cosigned one.
    """
    size = connection.scalar(
        select(func.max(audit_cosignature.c.size)).where(audit_cosignature.c.size > above)
    )
    if size is None:
        return checkpoint(connection, keys)
    note = connection.scalar(select(audit_checkpoint.c.note).where(audit_checkpoint.c.size == size))
    lines = connection.scalars(
        select(audit_cosignature.c.line)
        .where(audit_cosignature.c.size == size)
        .order_by(audit_cosignature.c.witness)
    )
    try:
        return SignedCheckpoint(open_checkpoint(note or "", keys), f"{note}{''.join(lines)}")
    except NoteError:
        # Signed by a key that was retired since: the newest one is signed by the key at hand.
        return checkpoint(connection, keys)


def inclusion(
    connection: Connection,
    index: int,
    keys: Sequence[VerifierKey],
    under: SignedCheckpoint | None = None,
) -> Inclusion:
    """The proof of an entry against a checkpoint that was read here, or against the newest."""
    signed = under or checkpoint(connection, keys)
    size, root = signed.checkpoint.size, signed.checkpoint.root
    if not 0 <= index < size:
        raise NotInLog(f"The log has no entry {index}; its newest checkpoint covers {size}.")
    body = connection.scalar(select(audit_entry.c.body).where(audit_entry.c.index == index))
    if body is None:
        raise LogInconsistent(f"Entry {index} is missing from the log.")
    leaf = leaf_hash(body)
    proof = inclusion_proof(index, size, StoredNodes(connection, size))
    if root_from_inclusion(index, size, leaf, proof) != root:
        raise LogInconsistent(f"Entry {index} is not part of the tree that was signed.")
    return Inclusion(index, leaf, proof, signed)


def consistency(
    connection: Connection, first: int, second: int, keys: Sequence[VerifierKey]
) -> tuple[bytes, ...]:
    """That the tree of `second` leaves extends that of `first`; both at most the signed size."""
    newest = checkpoint(connection, keys).checkpoint
    if not 0 <= first <= second <= newest.size:
        raise NotInLog(f"Sizes must rise and be at most {newest.size}.")
    nodes = StoredNodes(connection, newest.size)
    proof = consistency_proof(first, second, nodes)
    roots = [root_of(size, nodes) if size else EMPTY_ROOT for size in (first, second)]
    try:
        verify_consistency(first, second, roots[0], roots[1], proof)
        to_signed = consistency_proof(second, newest.size, nodes)
        verify_consistency(second, newest.size, roots[1], newest.root, to_signed)
    except ProofError as error:
        raise LogInconsistent("The stored tree does not match the one that was signed.") from error
    return proof


def tile(
    connection: Connection, level: int, number: int, width: int, keys: Sequence[VerifierKey]
) -> bytes:
    """The first `width` hashes (1 to 256) of a tile of the signed tree."""
    size = checkpoint(connection, keys).checkpoint.size
    available = (size >> (HEIGHT * level)) - (number << HEIGHT) if 0 <= level < HEIGHT else 0
    if number < 0 or not 1 <= width <= min(WIDTH, available):
        raise NotInLog(
            f"The signed log of {size} entries has no tile {level}/{number} of width {width}."
        )
    return StoredNodes(connection, size).tile(level, number)[: width * 32]


def bundle(connection: Connection, number: int, width: int, keys: Sequence[VerifierKey]) -> bytes:
    """The first `width` (1 to 256) entries of a bundle, each behind its length in two bytes."""
    hashes = tile(connection, 0, number, width, keys)
    begin = number << HEIGHT
    bodies = connection.scalars(
        select(audit_entry.c.body)
        .where(audit_entry.c.index >= begin, audit_entry.c.index < begin + width)
        .order_by(audit_entry.c.index)
    ).all()
    if b"".join(map(leaf_hash, bodies)) != hashes:
        raise LogInconsistent(f"Entries from {begin} on do not match the tree that was signed.")
    return b"".join(len(body).to_bytes(2, "big") + body for body in bodies)


def _entries() -> Select[Any]:
    return select(
        audit_entry.c.index,
        audit_entry.c.id,
        audit_entry.c.type,
        audit_entry.c.subject,
        audit_entry.c.recorded_at,
        audit_entry.c.leaf_hash,
        audit_entry.c.body,
    )


def _entry(row: Sequence[Any]) -> Entry:
    return Entry(*row)
