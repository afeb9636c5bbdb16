"""Everything that a decision was made from, as bytes that replay reads back value for value.

The bytes are named by their digest and never rewritten; a part that was erased cannot be replayed.
"""

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Connection, select

from app.errors import Problem
from app.ledger.tables import evidence_blob
from gates.evidence import Evidence, Submission
from gates.history import History
from gates.record import evidence_name, evidence_pieces
from gates.waivers import Waiver

_SMALL: Final = 16 * 1024
_SMALL_WINDOW: Final = 12
"""For small parts, 4 KiB of look-back: setting up the usual 32 KiB takes longer than packing."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The arguments of `decide`, with the policy by digest, and the engine that was asked."""

    policy: str
    submission: Submission
    history: History
    waivers: tuple[Waiver, ...]
    at: datetime
    engine: str


_GAP: Final = b'"evidence":{}'
"""Where the evidence goes in. Inside a text its quotes would be escaped, and only the candidate,
which is texts, comes before it."""
_ADAPTER: Final = TypeAdapter(Inputs)


def pieces(inputs: Inputs, evidence: bytes | None) -> Iterator[bytes]:
    """JSON with defaults left out; reading it gives equal values.

    `evidence` is the submission's, in the engine's own JSON: most of the whole, and written once.
    Large evidence comes without (None), and is written here a few measurements at a time.
    """
    without = replace(inputs, submission=replace(inputs.submission, evidence=Evidence()))
    before, gap, after = _ADAPTER.dump_json(without, exclude_defaults=True).partition(_GAP)
    yield before + gap[:-2]
    if evidence is None:
        yield from evidence_pieces(inputs.submission.evidence)
    else:
        yield evidence
    yield after


def to_blob(inputs: Inputs, evidence: bytes | None) -> Mapping[str, Any]:
    """The row that keeps them; where they are large, they are never held whole."""
    if evidence is not None:
        content = b"".join(pieces(inputs, evidence))
        return blob(content, digest_of(content))
    pack, found, size = zlib.compressobj(1), hashlib.sha256(), 0
    packed = []
    for piece in pieces(inputs, None):
        found.update(piece)
        packed.append(pack.compress(piece))
        size += len(piece)
    packed.append(pack.flush())
    name = "sha256:" + found.hexdigest()
    return {"digest": name, "encoding": "zlib", "body": b"".join(packed), "size": size}


def from_bytes(content: bytes) -> Inputs:
    """What `pieces` wrote, put together."""
    return _ADAPTER.validate_json(content)


def evidence_digest(evidence: Evidence) -> str:
    """One name for equal evidence."""
    return "sha256:" + evidence_name(evidence)


def digest_of(content: bytes) -> str:
    """SHA-256 of the bytes as they are."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def blob(content: bytes, digest: str) -> Mapping[str, Any]:
    """The row that keeps bytes by their digest."""
    pack = zlib.compressobj(1, wbits=_SMALL_WINDOW if len(content) < _SMALL else zlib.MAX_WBITS)
    packed = pack.compress(content) + pack.flush()
    if len(packed) >= len(content):
        return {"digest": digest, "encoding": "identity", "body": content, "size": len(content)}
    return {"digest": digest, "encoding": "zlib", "body": packed, "size": len(content)}


def stored(connection: Connection, digest: str) -> Inputs:
    """The inputs under a digest; refuses bytes that no longer have it."""
    return from_bytes(content_of(connection, digest))


def content_of(connection: Connection, digest: str) -> bytes:
    """The bytes under a digest; refuses those that no longer have it."""
    row = connection.execute(select(evidence_blob).where(evidence_blob.c.digest == digest)).first()
    if row is None:
        raise Problem("evidence-erased", "The evidence was erased.")
    content = zlib.decompress(row.body) if row.encoding == "zlib" else bytes(row.body)
    if digest_of(content) != digest:
        raise Problem("evidence-erased", "The stored evidence is not what was recorded.")
    return content
