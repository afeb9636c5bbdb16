"""Verifying 100,000 entries of about 1 KB against hashing the same bytes with hashlib.

Twice: with a checkpoint for every 128 entries, as under load, and for every 4, as when idle.
Measured in CPU time of this process, so that other work on the machine does not count.
"""

import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path

from app.audit.archive import tar
from app.ledger.keys import PemSigner, new_key_pem
from app.ledger.merkle import Edge, grow, leaf_hash
from app.ledger.note import Checkpoint, VerifierKey, sign_checkpoint
from app.verifier import FORMAT, UNANCHORED, WIDTH, Archive, Member, Tree, Trust, layout, verify
from gates.canonical import canonical
from tests.bench.table import Row, Spread

ENTRIES = 100_000
ORIGIN = "bench.test/log"
TASK = f"verify {ENTRIES:,} entries of 1 KB"


def rows(rounds: int = 5) -> list[Row]:
    """CPU seconds of both, in turns, and the ratio of each round."""
    bodies = [_body(i) for i in range(ENTRIES)]
    found = []
    with tempfile.TemporaryDirectory(prefix="clearance-bench-") as directory:
        for batch in (128, 4):
            path = Path(directory) / "record.tar"
            path.write_bytes(_archive(bodies, batch))
            ours, plain = [], []
            for _ in range(rounds):
                plain.append(_seconds(lambda: [sha256(body).digest() for body in bodies]))
                ours.append(_seconds(partial(_verified, path)))
            ratio = Spread.of([a / b for a, b in zip(ours, plain, strict=True)])
            note = f"{ratio}x hashlib; at most 5"
            found.append(Row(TASK, "hashlib.sha256, each", {"CPU s": Spread.of(plain)}))
            who = f"verifier, checkpoint per {batch}"
            found.append(Row(TASK, who, {"CPU s": Spread.of(ours)}, note))
    return found


def _seconds(do: Callable[[], object]) -> float:
    start = time.process_time()
    do()
    return time.process_time() - start


def _verified(path: Path) -> None:
    with path.open("rb") as file:
        report = verify(Archive(file), Trust())
    assert report.verdict == UNANCHORED, report


def _body(index: int) -> bytes:
    digest = sha256(str(index).encode()).hexdigest()
    return canonical(
        {
            "v": 1,
            "log": ORIGIN,
            "type": "evaluation.received",
            "id": f"ent_{index:032x}",
            "time": "2026-11-24T09:30:00.000000Z",
            "actor": "key_1",
            "subject": f"ev_{index:032x}",
            "refs": {"inputs": f"sha256:{digest}", "raw": f"sha256:{digest}"},
            "data": {"candidate": "x" * 600},
            "commitments": {},
        }
    )


def _archive(bodies: list[bytes], batch: int) -> bytes:
    """The archive of a log with these entries, signed after each batch."""
    signer = PemSigner(new_key_pem(), "bench")
    leaves = [leaf_hash(body) for body in bodies]
    notes: dict[int, list[str]] = {}
    edge = Edge()
    for begin in range(0, len(leaves), batch):
        edge = grow(edge, leaves[begin : begin + batch]).after
        note = sign_checkpoint(Checkpoint(ORIGIN, edge.size, edge.root), signer)
        notes.setdefault((edge.size - 1) // WIDTH, []).append(note)
    head = {"format": FORMAT, "origin": ORIGIN, "size": len(leaves), "evidence": False}
    keys = {"log": [str(VerifierKey(ORIGIN, signer.public_key))]}
    newest = notes[(len(leaves) - 1) // WIDTH][-1]
    found = [_json("archive.json", head), _json("keys.json", keys)]
    found.append(Member("checkpoint", [newest.encode()]))
    tree, number = Tree(), 0
    for name in layout(len(leaves)):
        folder, _, place = name.partition("/")
        if folder == "checkpoints":
            number = int(place.removesuffix(".json"))
            found.append(_json(name, notes.get(number, [])))
            tree.add(leaves[number * WIDTH : (number + 1) * WIDTH])
        elif place.startswith("entries/"):
            here = bodies[number * WIDTH : (number + 1) * WIDTH]
            found.append(Member(name, [len(body).to_bytes(2) + body for body in here]))
        else:
            found.append(Member(name, [tree.tile(int(place.partition("/")[0]))]))
    found.append(_json("end.json", {"entries": len(leaves), "evidence": 0}))
    return b"".join(tar(found))


def _json(name: str, value: object) -> Member:
    return Member(name, [json.dumps(value).encode()])
