"""POST /v1/evaluations beside a bare route and a hand-written one, on both databases.

All servers run at once and idle; one at a time is loaded, in turn, round after round.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.machine import cpu_seconds, resident_megabytes
from tests.bench.servers import Server, clearance, new_database, postgres, rival
from tests.bench.table import Row, Spread

CLIENTS = (1, 16, 64)
PATH = "/v1/evaluations"
BARE, BY_HAND, OURS = "(a) bare FastAPI JSON", "(b) FastAPI + SQLAlchemy", "clearance"
TARGETS = {16: 1.5, 64: 2.0}
TAIL_TARGET = 0.25
MEMORY_TARGET = 150
COLUMNS = {"req/s": "rate", "ms p50": "p50", "ms p99": "p99", "µs CPU": "cpu"}
GENERATOR_LIMIT = 0.8
ERRORS = "REQUESTS REFUSED"
"""A run in which a server refused requests measured something else."""


@dataclass(frozen=True)
class Sample:
    """One run against one server. Times in milliseconds, CPU in microseconds per request."""

    rate: float
    p50: float
    p99: float
    cpu: float
    errors: int
    generator_busy: float


def rows(rounds: int, seconds: float) -> list[Row]:
    """Everything, database by database."""
    with tempfile.TemporaryDirectory(prefix="clearance-bench-") as scratch, ExitStack() as stack:
        directory = Path(scratch)
        url = stack.enter_context(postgres(directory))
        databases = {
            "SQLite": (f"sqlite:///{directory}/rival.db", f"sqlite:///{directory}/clearance.db"),
            "PostgreSQL": (new_database(url, "rival"), new_database(url, "clearance")),
        }
        found: list[Row] = []
        for database, (theirs, ours) in databases.items():
            # Each service has its own data directory: an anchor file belongs to one log.
            own = directory / database.lower()
            own.mkdir()
            found += _on(database, theirs, ours, own, (rounds, seconds))
        return found


def _on(
    database: str, theirs: str, ours: str, directory: Path, effort: tuple[int, float]
) -> list[Row]:
    rounds, seconds = effort
    with ExitStack() as stack:
        servers = [
            stack.enter_context(rival(BARE, "bare", "sqlite://")),
            stack.enter_context(rival(BY_HAND, "app", theirs)),
            stack.enter_context(clearance(OURS, ours, directory)),
        ]
        memory = resident_megabytes(servers[-1].pid, alone=True)
        with_worker = resident_megabytes(servers[-1].pid)
        for server in servers:
            _load(server, clients=16, seconds=1.0)  # imports, caches and pools fill once
        taken: dict[tuple[int, str], list[Sample]] = {}
        for _ in range(rounds):
            for clients in CLIENTS:
                for server in servers:
                    taken.setdefault((clients, server.name), []).append(
                        _load(server, clients, seconds)
                    )
    found = [row for clients in CLIENTS for row in _compare(database, clients, taken)]
    said = f"target: under {MEMORY_TARGET} {_met(memory < MEMORY_TARGET)}"
    task = f"{database}, idle"
    return [
        *found,
        Row(task, OURS, {"MB": Spread.of([memory])}, said),
        Row(task, f"{OURS} and its worker", {"MB": Spread.of([with_worker])}),
    ]


def _load(server: Server, clients: int, seconds: float) -> Sample:
    before = cpu_seconds(server.pid)
    command = [sys.executable, "-m", "tests.bench.load", str(server.port), PATH, str(clients),
               str(seconds), server.token]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"load generator: {done.stderr.decode()[-2000:]}")
    result = json.loads(done.stdout)
    latencies: list[float] = result["latencies"]
    if not latencies:
        raise RuntimeError(f"{server.name} answered nothing: {result['errors']}")
    return Sample(
        rate=len(latencies) / result["seconds"],
        p50=_quantile(latencies, 0.50) * 1000,
        p99=_quantile(latencies, 0.99) * 1000,
        cpu=(cpu_seconds(server.pid) - before) / result["answered"] * 1e6,
        errors=sum(result["errors"].values()),
        generator_busy=result["busy"],
    )


def _quantile(ordered: Sequence[float], q: float) -> float:
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def _compare(database: str, clients: int, taken: dict[tuple[int, str], list[Sample]]) -> list[Row]:
    task = f"{database}, {clients} clients" if clients > 1 else f"{database}, 1 client"
    return [
        Row(
            task,
            who,
            {unit: _spread(taken[clients, who], field) for unit, field in COLUMNS.items()},
            _note(clients, taken[clients, who], taken[clients, BY_HAND], is_ours=who == OURS),
        )
        for who in (BARE, BY_HAND, OURS)
    ]


def _met(holds: bool) -> str:
    return "met" if holds else "NOT MET"


def _spread(runs: Sequence[Sample], field: str) -> Spread:
    return Spread.of([getattr(run, field) for run in runs])


def _note(clients: int, runs: Sequence[Sample], by_hand: Sequence[Sample], *, is_ours: bool) -> str:
    """Ratios round by round, because both sides of a ratio then met the same machine."""
    said = []
    if runs is not by_hand:
        pairs = list(zip(runs, by_hand, strict=True))
        rate = Spread.of([mine.rate / theirs.rate for mine, theirs in pairs])
        tail = Spread.of([mine.p99 / theirs.p99 for mine, theirs in pairs])
        said.append(f"rate {rate} x (b), p99 {tail} x (b)")
        if clients in TARGETS and is_ours:
            wanted = TARGETS[clients]
            said.append(f"target: rate {wanted} {_met(rate.median >= wanted)}")
            said.append(f"p99 {TAIL_TARGET} {_met(tail.median <= TAIL_TARGET)}")
    if errors := sum(run.errors for run in runs):
        said.append(f"{ERRORS}: {errors}")
    if (busy := median(run.generator_busy for run in runs)) > GENERATOR_LIMIT:
        said.append(f"generator {busy:.0%} busy, so it may be the limit")
    return "; ".join(said)
