"""The head of the log under lock: check it against what was last signed, append, sign.

It refuses to sign anything that does not extend the last signed checkpoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from app.ledger.entries import SealedEntry
from app.ledger.keys import Signer
from app.ledger.merkle import (
    HASH_SIZE,
    Edge,
    Growth,
    ProofError,
    consistency_proof,
    grow,
    verify_consistency,
)
from app.ledger.note import Checkpoint, NoteError, VerifierKey, open_checkpoint, sign_checkpoint
from app.ledger.private import keep as keep_private
from app.ledger.signing_keys import PublicKey, require_current
from app.ledger.tables import audit_checkpoint, audit_entry, audit_head
from app.ledger.tiles import LogInconsistent, StoredNodes, write_full_tiles
from app.statements import insert_rows

_head = select(audit_head.c.origin, audit_head.c.size, audit_head.c.edge).with_for_update()
_newest = (
    select(audit_checkpoint.c.size, audit_checkpoint.c.note)
    .order_by(audit_checkpoint.c.size.desc())
    .limit(1)
)
_add_entries = insert(audit_entry)
_ENTRY_COLUMNS = tuple(audit_entry.c.keys())
_advance = (
    update(audit_head)
    .where(audit_head.c.size == bindparam("was"))
    .values(size=bindparam("now"), edge=bindparam("hashes"))
)


@dataclass(frozen=True, slots=True)
class Signed:
    """A tree that was signed: its edge, and the signed note."""

    edge: Edge
    note: str


@dataclass(frozen=True, slots=True)
class Log:
    """Whose log, who signs it, and which public keys must still be the current ones."""

    origin: str
    signer: Signer
    successor: Signer | None = None
    """Signs as well while the log's key is being rotated: who trusts either finds a signature."""
    current: tuple[PublicKey, ...] = ()

    @property
    def signers(self) -> tuple[Signer, ...]:
        """Everyone who signs a checkpoint."""
        return (self.signer,) if self.successor is None else (self.signer, self.successor)

    @property
    def key(self) -> VerifierKey:
        """The public side."""
        return VerifierKey(self.origin, self.signer.public_key)


def open_log(connection: Connection, wanted: str | None, default: str) -> str:
    """Name an unnamed log, or make sure that it still has the name that was set."""
    origin = connection.execute(_head).one().origin
    if origin is None:
        origin = wanted or default
        connection.execute(update(audit_head).values(origin=origin))
    elif wanted not in (None, origin):
        raise LogInconsistent(
            f"The log in this database is named {origin}. "
            "Set CLEARANCE_LOG_ORIGIN to that, or leave it unset."
        )
    return str(origin)


def lock_head(connection: Connection, log: Log, last: Signed | None) -> Signed:
    """Lock the head and return it as signed; LogInconsistent if it contradicts `last`.

    `last` is what this process knows to be signed. While nobody else writes it equals the head,
    and one comparison is all there is to prove.
    """
    row = connection.execute(_head).one_or_none()
    if row is None:
        raise LogInconsistent("The head of the log is gone.")
    edge = edge_from_bytes(row.size, row.edge)
    if last is not None and edge == last.edge:
        return last
    if last is not None and edge.size <= last.edge.size:
        raise LogInconsistent(
            f"The log had {last.edge.size} entries when it was last signed here and now shows "
            f"another tree of {edge.size}: it was rolled back or rewritten."
        )
    signed = _newest_signed(connection, log, edge)
    # Only somebody else's write can have retired a key, and that moved the head.
    require_current(connection, log.current)
    if last is not None:
        _prove_growth(connection, last.edge, edge)
    return signed


def _newest_signed(connection: Connection, log: Log, edge: Edge) -> Signed:
    row = connection.execute(_newest).one_or_none()
    if row is None and edge.size == 0:
        return _sign(connection, log, edge)
    if row is None:
        raise LogInconsistent("The log has entries but no signed checkpoint.")
    try:
        checkpoint = open_checkpoint(row.note, [log.key])
    except NoteError as error:
        raise LogInconsistent(
            f"The newest checkpoint was not signed with this log key ({log.key}): {error}. "
            "Restore the key that signed it."
        ) from error
    if checkpoint != Checkpoint(log.origin, edge.size, edge.root) or row.size != edge.size:
        raise LogInconsistent(
            f"The newest signed checkpoint has {checkpoint.size} entries and does not match the "
            f"head of the log, which has {edge.size}."
        )
    return Signed(edge, row.note)


def _prove_growth(connection: Connection, old: Edge, new: Edge) -> None:
    try:
        proof = consistency_proof(old.size, new.size, StoredNodes(connection, new.size))
        verify_consistency(old.size, new.size, old.root, new.root, proof)
    except ProofError as error:
        raise LogInconsistent(
            f"The log of {new.size} entries does not extend the {old.size} entries signed before."
        ) from error


def append(
    connection: Connection, log: Log, head: Signed, entries: Sequence[SealedEntry]
) -> tuple[Growth, Signed]:
    """Insert entries, tiles and a signed checkpoint, and move the head that `lock_head` locked."""
    growth = grow(head.edge, [entry.leaf for entry in entries])
    now = datetime.now(UTC)
    insert_rows(
        connection,
        _add_entries,
        _ENTRY_COLUMNS,
        [
            {
                "index": index,
                "id": entry.id,
                "type": entry.type,
                "subject": entry.subject,
                "leaf_hash": entry.leaf,
                "recorded_at": now,
                "body": entry.body,
            }
            for index, entry in enumerate(entries, start=head.edge.size)
        ],
    )
    private = [row for entry in entries for row in entry.private]
    if private:
        keep_private(connection, private)
    write_full_tiles(connection, growth)
    moved = connection.execute(
        _advance,
        {
            "was": head.edge.size,
            "now": growth.after.size,
            "hashes": b"".join(growth.after.hashes),
        },
    )
    if moved.rowcount != 1:
        raise LogInconsistent("The head of the log moved while it was locked.")
    return growth, _sign(connection, log, growth.after, now)


def _sign(connection: Connection, log: Log, edge: Edge, now: datetime | None = None) -> Signed:
    note = sign_checkpoint(Checkpoint(log.origin, edge.size, edge.root), *log.signers)
    connection.execute(
        insert(audit_checkpoint),
        {"size": edge.size, "note": note, "signed_at": now or datetime.now(UTC)},
    )
    return Signed(edge, note)


def edge_from_bytes(size: int, hashes: bytes) -> Edge:
    """The stored form back as a value."""
    parts = tuple(hashes[begin : begin + HASH_SIZE] for begin in range(0, len(hashes), HASH_SIZE))
    try:
        return Edge(size, parts)
    except ProofError as error:
        raise LogInconsistent(f"The head of the log is damaged: {error}.") from error


def find_ids(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Which of these entry ids are in the log."""
    return set(connection.scalars(select(audit_entry.c.id).where(audit_entry.c.id.in_(ids))))
