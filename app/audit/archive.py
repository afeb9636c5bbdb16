"""The record as an archive: the log, its public keys and all evidence, member after member.

One consistent snapshot, read in order, never more than one bundle or one piece of evidence at a
time. What is stored is exported as it is stored: nothing is repaired and nothing is skipped.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Engine,
    Text,
    bindparam,
    func,
    select,
    text,
    type_coerce,
)

from app.attestations.reading import attestation_keys
from app.evaluations.tables import decision
from app.ledger import signing_keys, tile_paths
from app.ledger.note import VerifierKey
from app.ledger.tables import (
    audit_checkpoint,
    audit_cosignature,
    audit_entry,
    audit_head,
    audit_tile,
    evidence_blob,
)
from app.ledger.tiles import read_row
from app.policies.tables import policy_version
from app.verifier import (
    CHUNK,
    FORMAT,
    MAX_BODY,
    WIDTH,
    Broken,
    Member,
    NoRecord,
    layout,
    tar_header,
)

_PAGE: Final = 500
_entries = (
    select(audit_entry.c.index, audit_entry.c.leaf_hash, audit_entry.c.body)
    .where(audit_entry.c.index >= bindparam("begin"), audit_entry.c.index < bindparam("end"))
    .order_by(audit_entry.c.index)
)
_tile = select(audit_tile.c.hashes).where(
    audit_tile.c.level == bindparam("level"), audit_tile.c.number == bindparam("number")
)
_checkpoints = (
    select(audit_checkpoint.c.size, audit_checkpoint.c.note)
    .where(audit_checkpoint.c.size > bindparam("after"), audit_checkpoint.c.size <= bindparam("to"))
    .order_by(audit_checkpoint.c.size)
)
_cosignatures = (
    select(audit_cosignature.c.size, audit_cosignature.c.line)
    .where(
        audit_cosignature.c.size > bindparam("after"), audit_cosignature.c.size <= bindparam("to")
    )
    .order_by(audit_cosignature.c.size, audit_cosignature.c.witness)
)
_blob_names = (
    select(evidence_blob.c.digest)
    .where(evidence_blob.c.digest > bindparam("after"))
    .order_by(evidence_blob.c.digest)
    .limit(_PAGE)
)
_blob = select(evidence_blob.c.encoding, evidence_blob.c.body).where(
    evidence_blob.c.digest == bindparam("digest")
)
_documents = (
    select(audit_entry.c.index, audit_entry.c.body, decision.c.document)
    .join(decision, decision.c.entry == audit_entry.c.id)
    .where(audit_entry.c.index > bindparam("after"), audit_entry.c.type == "decision.recorded")
    .order_by(audit_entry.c.index)
    .limit(_PAGE)
)
_policies = (
    select(policy_version.c.digest, func.min(type_coerce(policy_version.c.document, Text)))
    .group_by(policy_version.c.digest)
    .order_by(policy_version.c.digest)
)


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the database, however long the reading takes."""
    options = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.execution_options(**options).connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET TRANSACTION READ ONLY"))
            # Whoever downloads may be slow, and this transaction holds no lock that others need.
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '30min'"))
        yield connection


def members(connection: Connection) -> Iterator[Member]:
    """Every member in its order; `Broken` names the first entry that is not there."""
    size = connection.scalar(select(func.max(audit_checkpoint.c.size)))
    origin = connection.scalar(select(audit_head.c.origin))
    if size is None or origin is None:
        raise NoRecord("there is no signed checkpoint in this database yet")
    yield _json("archive.json", _head(origin, size))
    attesting = attestation_keys(connection)[::-1]
    yield _json("keys.json", {"log": _log_keys(connection, origin), "attestation": attesting})
    yield Member("checkpoint", [_signed(connection, size - 1, size)[size].encode()])
    bodies: list[bytes] = []
    leaves = b""
    for name in layout(size):
        folder, _, place = name.partition("/")
        if folder == "checkpoints":
            number = int(place.removesuffix(".json"))
            yield _json(name, _notes(connection, number * WIDTH))
            bodies, leaves = _bundle(connection, number * WIDTH, size)
        elif place.startswith("entries/"):
            yield Member(name, bodies)
        else:
            yield Member(name, [_hashes(connection, place, leaves)])
    _require_nothing_beyond(connection, size)
    count = 0
    for member in _evidence(connection):
        count += 1
        yield member
    yield _json("end.json", {"entries": size, "evidence": count})


def _head(origin: str, size: int) -> dict[str, Any]:
    return {"format": FORMAT, "origin": origin, "size": size, "evidence": True}


def _log_keys(connection: Connection, origin: str) -> list[str]:
    """The log's keys, the oldest first."""
    rows = reversed(signing_keys.recorded(connection, signing_keys.LOG))
    return [str(VerifierKey(origin, signing_keys.raw_log_key(row.public_key))) for row in rows]


def _notes(connection: Connection, first: int) -> list[str]:
    """The checkpoints that end in a bundle."""
    after = first or -1
    return list(_signed(connection, after, first + WIDTH).values())


def _signed(connection: Connection, after: int, to: int) -> dict[int, str]:
    """Checkpoints by size, each with the lines of the witnesses that cosigned it."""
    span = {"after": after, "to": to}
    found = {row.size: row.note for row in connection.execute(_checkpoints, span)}
    for size, line in connection.execute(_cosignatures, span):
        if size in found:
            found[size] += line
    return found


def _bundle(connection: Connection, first: int, size: int) -> tuple[list[bytes], bytes]:
    """A bundle's bytes, each body behind its length, and the stored leaf hashes."""
    end = min(first + WIDTH, size)
    parts, leaves, expected = [], [], first
    for index, leaf, body in connection.execute(_entries, {"begin": first, "end": end}):
        if index != expected:
            break
        if not 0 < len(body) <= MAX_BODY:
            raise Broken(f"entry {index} has {len(body)} bytes, which no entry has", index)
        parts.append(len(body).to_bytes(2) + body)
        leaves.append(leaf)
        expected += 1
    if expected < end:
        raise Broken(f"entry {expected} is missing; {size} entries were signed", expected)
    return parts, b"".join(leaves)


def _hashes(connection: Connection, place: str, leaves: bytes) -> bytes:
    """A tile as stored; the leaf hashes of one that is not full were read with the entries."""
    where = tile_paths.parse(place)
    assert where is not None
    assert where.level is not None
    if where.level == 0 and not where.is_full:
        return leaves
    return stored_tile(connection, where.level, where.number, where.width)


def stored_tile(connection: Connection, level: int, number: int, width: int) -> bytes:
    """The hashes of a tile as stored; one that is not full yet is what lies below it."""
    begin = number * WIDTH
    if width < WIDTH:
        return read_row(connection, level, begin, begin + width)
    found = connection.scalar(_tile, {"level": level, "number": number})
    if found is None:
        raise Broken(f"the tile {level}/{number} is missing", begin << (8 * level))
    return bytes(found)


def _require_nothing_beyond(connection: Connection, size: int) -> None:
    beyond = connection.scalar(
        select(func.count()).select_from(audit_entry).where(audit_entry.c.index >= size)
    )
    if beyond:
        raise Broken(f"{beyond} entries lie beyond the newest checkpoint, which has {size}", size)


def _evidence(connection: Connection) -> Iterator[Member]:
    """Decisions as answered, then what they were made from, then policies."""
    after: Any = -1
    while rows := connection.execute(_documents, {"after": after}).all():
        for index, body, document in rows:
            digest = _document_digest(index, body)
            yield Member(f"documents/{digest.removeprefix('sha256:')}", [bytes(document)])
            after = index
    after = ""
    while names := connection.scalars(_blob_names, {"after": after}).all():
        for digest in names:
            row = connection.execute(_blob, {"digest": digest}).one()
            suffix = ".zlib" if row.encoding == "zlib" else ""
            yield Member(f"evidence/{digest.removeprefix('sha256:')}{suffix}", [bytes(row.body)])
        after = names[-1]
    for digest, document in connection.execute(_policies):
        yield Member(f"policies/{digest.removeprefix('sha256:')}", [document.encode()])


def _document_digest(index: int, body: bytes) -> str:
    try:
        return str(json.loads(body)["refs"]["document"])
    except (ValueError, KeyError, TypeError):
        raise Broken(f"entry {index} records a decision without its document", index) from None


def _json(name: str, value: object) -> Member:
    content = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Member(name, [content.encode() + b"\n"])


def tar(found: Iterable[Member]) -> Iterator[bytes]:
    """The archive's bytes: the same members give the same bytes."""
    for member in found:
        chunks: Sequence[bytes] = list(member.chunks)
        size = sum(len(chunk) for chunk in chunks)
        yield tar_header(member.name, size)
        for chunk in chunks:
            yield from (chunk[at : at + CHUNK] for at in range(0, len(chunk), CHUNK))
        yield bytes(-size % 512)
    yield bytes(1024)
