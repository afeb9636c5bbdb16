"""What the log costs: appending to a short and to a long one, proofs, and its share of a decision.

The long log is filled by the ledger's own append, in large batches; what is timed afterwards are
commits as a decision makes them, in turns with the short log.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from sqlalchemy import Engine

from app.database import IMMEDIATE, make_engine, migrate
from app.ids import new_id
from app.ledger.entries import SealedEntry
from app.ledger.head import Log, append, lock_head
from app.ledger.keys import Signer, log_signer
from app.ledger.merkle import (
    HASH_SIZE,
    Edge,
    inclusion_proof,
    leaf_hash,
    root_from_inclusion,
)
from app.ledger.merkle import grow as grow_tree
from app.ledger.note import Checkpoint, sign_checkpoint
from app.ledger.tiles import StoredNodes
from app.ledger.work import NewEntry, Work
from app.ledger.writer import Ledger
from app.settings import Settings
from tests.app.http.service import POLICY, evidence, running
from tests.bench.table import Row, Spread

SHORT, LONG = 1_000, 1_000_000
SIZES = (1_000, 10_000, 100_000, 1_000_000)
BATCH = 10_000
BODY = 1_024
COMMITS = 200
PROOFS = 40
DECISIONS = 60


def rows(rounds: int) -> list[Row]:
    """Everything; filling the long log takes most of the time."""
    with tempfile.TemporaryDirectory(prefix="clearance-bench-log-") as directory:
        short, long = (Path(directory) / name for name in ("short", "long"))
        with _log(short, SHORT) as (_, few), _log(long, LONG) as (engine, many):
            found = _appending(few, many, rounds)
            found += _proving(engine)
        found += _share(Path(directory) / "service", rounds)
    return found


@contextmanager
def _log(directory: Path, size: int) -> Iterator[tuple[Engine, Ledger]]:
    directory.mkdir()
    settings = Settings(database_url=f"sqlite:///{directory}/clearance.db")
    engine = make_engine(settings)
    migrate(engine)
    signer = log_signer(settings)
    log = Log("clearance.bench/log", signer)
    given = Settings(database_url=settings.database_url, log_origin=log.origin)
    Ledger(engine, given, signer).start()
    head = None
    for begin in range(0, size, BATCH):
        count = min(BATCH, size - begin)
        with engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
            head = lock_head(connection, log, head)
            _, head = append(connection, log, head, [_sealed() for _ in range(count)])
    ledger = Ledger(engine, given, signer)
    ledger.start()
    try:
        yield engine, ledger
    finally:
        ledger.stop()
        engine.dispose()


def _sealed() -> SealedEntry:
    body = os.urandom(BODY // 2).hex().encode()
    name = new_id("ent")
    return SealedEntry(name, "bench.made", name, datetime.now(UTC), body, leaf_hash(body), ())


def _work() -> Work:
    """As many entries as a decision with its evaluation, of a usual size."""
    name = new_id("dec")
    data = {"filling": "x" * 600}
    now = datetime.now(UTC)
    kinds = ("evaluation.received", "decision.recorded")
    return Work(
        entries=[NewEntry(new_id("ent"), kind, now, "svc", name, data=data) for kind in kinds]
    )


def _appending(few: Ledger, many: Ledger, rounds: int) -> list[Row]:
    """Commit by commit in turns: on a busy machine a slow moment hits both alike."""
    ledgers = {f"{SHORT:,} stored": few, f"{LONG:,} stored": many}
    taken: dict[str, list[float]] = {name: [] for name in ledgers}
    for round_ in range(rounds + 1):
        each: dict[str, list[float]] = {name: [] for name in ledgers}
        for _ in range(COMMITS):
            for name, ledger in ledgers.items():
                work = _work()
                started = time.perf_counter()
                ledger.commit_sync(work)
                each[name].append((time.perf_counter() - started) * 1e6)
        if round_:
            for name, values in each.items():
                taken[name].append(median(values))
    base, ours = (Spread.of(values) for values in taken.values())
    ratios = [b / a for a, b in zip(*taken.values(), strict=True)]
    ratio = f"{median(ratios):.2f} x, target: at most 1.2"
    return [
        Row("append two entries and commit", name, {"µs": spread}, note)
        for name, spread, note in zip(taken, (base, ours), ("", ratio), strict=True)
    ]


def _proving(engine: Engine) -> list[Row]:
    found = []
    for size in SIZES:
        made: list[float] = []
        checked: list[float] = []
        hashes = 0
        with engine.connect() as connection:
            for step in range(PROOFS):
                index = step * (size - 1) // (PROOFS - 1)
                started = time.perf_counter()
                nodes = StoredNodes(connection, size)
                proof = inclusion_proof(index, size, nodes)
                between = time.perf_counter()
                leaf = nodes(0, index)
                begun = time.perf_counter()
                root_from_inclusion(index, size, leaf, proof)
                checked.append((time.perf_counter() - begun) * 1e6)
                made.append((between - started) * 1e6)
                hashes = max(hashes, len(proof))
        figures = {"µs to make": Spread.of(made), "µs to check": Spread.of(checked)}
        note = f"at most {hashes} hashes, {hashes * HASH_SIZE} bytes"
        found.append(Row("inclusion proof", f"{size:,} entries", figures, note))
    return found


def _share(directory: Path, rounds: int) -> list[Row]:
    """Signing and tree work for one decision's entries, beside a whole answered decision."""
    directory.mkdir()
    settings = Settings(
        database_url=f"sqlite:///{directory}/clearance.db", log_origin="clearance.bench/log"
    )
    engine = make_engine(settings)
    migrate(engine)
    engine.dispose()
    whole: list[float] = []
    tree: list[float] = []
    signing: list[float] = []
    signer = log_signer(settings)
    with running(settings) as service:
        service.publish(POLICY)
        key = service.key("bench", "submitter")
        ledger = service.app.state.runtime.ledger
        for round_ in range(rounds + 1):
            each = []
            for number in range(DECISIONS):
                body = evidence(version=f"{round_}.{number}")
                started = time.perf_counter()
                answer = service.call("POST", "/v1/evaluations", key, json=body)
                each.append((time.perf_counter() - started) * 1e6)
                if answer.status_code != 201:
                    raise RuntimeError(answer.text)
            edge = ledger._signed.edge
            parts = [_tree_and_signature(edge, signer) for _ in range(DECISIONS)]
            if round_:
                whole.append(median(each))
                tree.append(median(part[0] for part in parts))
                signing.append(median(part[1] for part in parts))
    spreads = [Spread.of(values) for values in (whole, tree, signing)]
    share = (spreads[1].median + spreads[2].median) / spreads[0].median
    names = ("whole, one client", "its leaves, tree and proofs", "its checkpoint's signature")
    notes = ("", "", f"tree and signature: {share:.1%} of a decision answered alone")
    return [
        Row("a decision", name, {"µs": spread}, note)
        for name, spread, note in zip(names, spreads, notes, strict=True)
    ]


def _tree_and_signature(edge: Edge, signer: Signer) -> tuple[float, float]:
    bodies = [os.urandom(BODY // 2).hex().encode() for _ in range(2)]
    started = time.perf_counter()
    growth = grow_tree(edge, [leaf_hash(body) for body in bodies])
    for index in range(edge.size, growth.after.size):
        growth.inclusion(index)
    root = growth.after.root
    between = time.perf_counter()
    sign_checkpoint(Checkpoint("clearance.bench/log", growth.after.size, root), signer)
    return (between - started) * 1e6, (time.perf_counter() - between) * 1e6
