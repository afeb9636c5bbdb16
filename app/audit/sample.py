"""A reproducible sample of decisions, with everything that the record has about each.

Who is in it follows from the seed and the record alone: the decisions are ranked by the SHA-256 of
the seed and their id, so anyone draws the same sample again, with any tool.
"""

import base64
import heapq
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from app.attestations.dsse import LEAF_KIND, PAYLOAD_TYPE, pae
from app.audit.reading import Nodes, Read, Record, entries
from app.audit.replaying import RECORDED
from app.ledger.merkle import inclusion_proof, leaf_hash
from app.verifier import MAX_NOTE, Broken, unpacked

RANKED_BY: Final = "the smallest SHA-256 of seed, newline, decision id"
_LEAF: Final = f'"kind":"{LEAF_KIND}"'.encode()


@dataclass
class _Item:
    """A decision of the sample, while what belongs to it is collected."""

    name: str
    index: int
    body: Mapping[str, Any]
    entries: list[Read] = field(default_factory=list)
    statements: list[dict[str, Any]] = field(default_factory=list)
    signed: set[str] = field(default_factory=set)
    """SHA-256, in hex, of what was signed about it."""


def rank(seed: str, decision: str) -> str:
    """What decides who is in the sample."""
    return sha256(f"{seed}\n{decision}".encode()).hexdigest()


def sample(record: Record, seed: str, size: int) -> dict[str, Any]:
    """`size` decisions (all, where there are fewer), in the order of the log."""
    chosen, population = _chosen(record, seed, size)
    _collect_entries(record, chosen)
    _collect_statements(record, chosen)
    checkpoint = _checkpoint(record)
    total = int(checkpoint.split("\n")[1])
    nodes = Nodes(record, total)
    return {
        "seed": seed,
        "ranked_by": RANKED_BY,
        "population": population,
        "checkpoint": checkpoint,
        "items": [_shown(record, item, total, nodes) for item in chosen],
    }


def _chosen(record: Record, seed: str, size: int) -> tuple[list[_Item], int]:
    """The smallest ranks in one pass, and how many decisions there are."""
    population = 0

    def ranked() -> Iterator[tuple[str, _Item]]:
        nonlocal population
        for item in entries(record.members()):
            if item.is_of(RECORDED):
                population += 1
                body = item.body
                name = str(body["subject"])
                yield rank(seed, name), _Item(name, item.index, body)

    smallest = heapq.nsmallest(size, ranked(), key=lambda pair: pair[0])
    return sorted((item for _, item in smallest), key=lambda item: item.index), population


def _collect_entries(record: Record, chosen: list[_Item]) -> None:
    """Whatever the log says about a decision of the sample, its evaluation and its review."""
    by_name = {item.name: item for item in chosen}
    by_name |= {str(item.body["refs"]["evaluation"]): item for item in chosen}
    by_leaf: dict[str, _Item] = {}
    for read in entries(record.members()):
        body = read.body
        if _LEAF in read.bytes[:60]:
            found = body["spec"]["hashedRekordV002"]["data"]["digest"]
            item = by_leaf.get(base64.b64decode(found).hex())
        else:
            refs = body["refs"]
            item = by_name.get(body["subject"]) or by_name.get(str(refs.get("decision")))
            if item is not None:
                marks = [m.removeprefix("sha256:") for m in refs.get("attestations", {}).values()]
                item.signed.update(marks)
                by_leaf |= dict.fromkeys(marks, item)
        if item is not None:
            item.entries.append(read)


def _collect_statements(record: Record, chosen: list[_Item]) -> None:
    """The attested statements, found among the evidence by what their leaves commit to."""
    wanted = {mark: item for item in chosen for mark in item.signed}
    if not wanted:
        return
    for member in record.members():
        if member.name.startswith("evidence/"):
            content = b"".join(member.chunks)
            if member.name.endswith(".zlib"):
                content = b"".join(unpacked([content], member.name))
            item = wanted.get(sha256(pae(PAYLOAD_TYPE, content)).hexdigest())
            if item is not None:
                item.statements.append(json.loads(content))


def _checkpoint(record: Record) -> str:
    for member in record.members():
        if member.name == "checkpoint":
            return member.whole(MAX_NOTE).decode()
    raise Broken("there is no checkpoint")


def _shown(record: Record, item: _Item, total: int, nodes: Nodes) -> dict[str, Any]:
    refs = item.body["refs"]
    received: Mapping[str, Any] = next(
        (r.body["refs"] for r in item.entries if r.is_of("evaluation.received")), {}
    )
    own = next(read for read in item.entries if read.index == item.index)
    proof = inclusion_proof(item.index, total, nodes)
    return {
        "decision": item.name,
        "index": item.index,
        "leaf": leaf_hash(own.bytes).hex(),
        "proof": [node.hex() for node in proof],
        "entries": [
            {"index": read.index, "body": read.body, "bytes": read.bytes.decode()}
            for read in item.entries
        ],
        "document": _value(record.document(refs["document"], item.name)),
        "policy": _value(record.policy(refs["policy"])),
        "inputs": _value(record.evidence(refs["inputs"])),
        "submitted": _value(record.evidence(str(received.get("raw")))),
        "statements": item.statements,
    }


def _value(content: bytes | None) -> Any:
    """JSON as JSON, other bytes as base64; what is gone says so."""
    if content is None:
        return {"outcome": "evidence_erased"}
    try:
        return json.loads(content)
    except ValueError:
        return {"base64": base64.b64encode(content).decode()}
