"""What a database administrator can do to the log with SQL, with and without the log's key.

Everything happens in one transaction, which the caller rolls back: DDL is transactional on both
databases, so dropping the triggers is part of the attack.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, text, update

from app.attestations.tables import attestation
from app.evaluations.tables import decision, evaluation, look
from app.ids import new_id
from app.ledger.entries import seal
from app.ledger.head import Log, Signed, append
from app.ledger.keys import PemSigner, Signer, new_key_pem
from app.ledger.merkle import Edge, grow, leaf_hash
from app.ledger.note import Checkpoint, sign_checkpoint
from app.ledger.signing_keys import log_key
from app.ledger.tables import (
    audit_checkpoint,
    audit_entry,
    audit_head,
    audit_tile,
    signing_key,
)
from app.ledger.tiles import write_full_tiles
from app.ledger.work import NewEntry
from app.reviews.tables import review, sign_off

INDEX = audit_entry.c.index
Row = dict[str, Any]


@dataclass(frozen=True)
class Site:
    """A record under attack, and the places in it that attacks aim at."""

    connection: Connection
    origin: str
    key: Signer
    early: int
    """An entry that the older checkpoint covers."""
    late: int
    """An entry that only the newer copies cover."""
    early_cut: int
    """A size with a checkpoint, below the older one that was kept."""
    late_cut: int
    """A size with a checkpoint, above it."""
    last_cut: int
    """The size before the last decision."""


def disarm(connection: Connection) -> None:
    """Drop whatever guards the log, as its owner can."""
    if connection.dialect.name == "sqlite":
        found = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for (name,) in found.all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        return
    found = connection.execute(
        text("SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal")
    )
    for name, table in found.all():
        connection.execute(text(f"DROP TRIGGER {name} ON {table}"))


def rows(connection: Connection) -> list[Row]:
    """All entries in order."""
    found = connection.execute(select(audit_entry).order_by(INDEX))
    return [dict(row._mapping) for row in found]


def checkpoint_sizes(connection: Connection) -> list[int]:
    """Where there are checkpoints."""
    query = select(audit_checkpoint.c.size).order_by(audit_checkpoint.c.size)
    return list(connection.scalars(query))


def altered(body: bytes) -> bytes:
    """An entry that says that somebody else did it."""
    at = body.index(b'"actor":"') + 12
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


def write(connection: Connection, entries: Sequence[Row], *, head: bool = True) -> None:
    """Put these entries in place of all, hashes and tiles recomputed, as if it had been so."""
    connection.execute(delete(audit_tile))
    connection.execute(delete(audit_entry))
    leaves = [leaf_hash(row["body"]) for row in entries]
    connection.execute(
        insert(audit_entry),
        [{**row, "index": i, "leaf_hash": leaves[i]} for i, row in enumerate(entries)],
    )
    growth = grow(Edge(), leaves)
    write_full_tiles(connection, growth)
    if head:
        values = {"size": growth.after.size, "edge": b"".join(growth.after.hashes)}
        connection.execute(update(audit_head).values(values))


def sign_anew(connection: Connection, origin: str, key: Signer, sizes: Sequence[int]) -> None:
    """Sign the log as it now stands at every size that had a checkpoint."""
    connection.execute(delete(audit_checkpoint))
    leaves = [leaf_hash(row["body"]) for row in rows(connection)]
    edge, now = Edge(), datetime.now(UTC)
    for size in [size for size in sizes if size <= len(leaves)]:
        if size > edge.size:
            edge = grow(edge, leaves[edge.size : size]).after
        note = sign_checkpoint(Checkpoint(origin, edge.size, edge.root), key)
        values = {"size": edge.size, "note": note, "signed_at": now}
        connection.execute(insert(audit_checkpoint), values)


def cut(connection: Connection, size: int, *, checkpoints: bool) -> None:
    """Remove the tail, what it was about, and perhaps the checkpoints that tell of it."""
    kept = rows(connection)[:size]
    _forget(connection, [row["id"] for row in rows(connection)[size:]])
    write(connection, kept)
    if checkpoints:
        connection.execute(delete(audit_checkpoint).where(audit_checkpoint.c.size > size))


def _forget(connection: Connection, entries: Sequence[str]) -> None:
    """The business rows of decisions whose entries go."""
    found = connection.execute(
        select(decision.c.id, decision.c.evaluation).where(decision.c.entry.in_(entries))
    ).all()
    names, evaluations = [row.id for row in found], [row.evaluation for row in found]
    reviews = select(review.c.id).where(review.c.decision.in_(names))
    connection.execute(delete(sign_off).where(sign_off.c.review.in_(reviews)))
    connection.execute(delete(attestation).where(attestation.c.decision.in_(names)))
    connection.execute(delete(look).where(look.c.decision.in_(names)))
    connection.execute(delete(review).where(review.c.decision.in_(names)))
    connection.execute(delete(decision).where(decision.c.id.in_(names)))
    connection.execute(delete(evaluation).where(evaluation.c.id.in_(evaluations)))


def appended(site: Site, count: int, at: datetime) -> None:
    """Entries appended by the real writer's code, with the real key."""
    row = site.connection.execute(select(audit_head)).one()
    hashes = tuple(row.edge[i : i + 32] for i in range(0, len(row.edge), 32))
    note = site.connection.scalars(
        select(audit_checkpoint.c.note).order_by(audit_checkpoint.c.size.desc())
    ).first()
    assert note is not None
    head = Signed(Edge(row.size, hashes), note)
    entries = [
        seal(NewEntry(new_id("ent"), "evidence.opened", at, "per_x", f"m{i}"), site.origin)
        for i in range(count)
    ]
    append(site.connection, Log(site.origin, site.key), head, entries)


def own_key(connection: Connection) -> Signer:
    """A key of the attacker's own, in place of the log's in the table of keys."""
    key = PemSigner(new_key_pem(), "the attacker's")
    made = log_key(key.public_key)
    values = {"id": made.id, "public_key": made.spki}
    connection.execute(update(signing_key).where(signing_key.c.purpose == "log").values(values))
    return key
