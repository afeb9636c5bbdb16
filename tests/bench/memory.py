"""The most memory that the service takes for one very large result file, on both databases.

A garak report of 500 MB is sent by its digest and submitted. The peak is that of the service's
process, with everything that it loaded; the report itself is never written to disk.
"""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.bench import servers
from tests.bench.machine import peak_megabytes
from tests.bench.sample import MODEL, STAGE
from tests.bench.table import Row, Spread

ATTEMPTS = 120_000
TEXT = 4_000
TARGET_MEGABYTES = 200
ROUNDS = 2
_PER_PROBE = 1_000


def rows() -> list[Row]:
    """One row for each database: idle, and the peak after each of two such reports."""
    found = []
    with tempfile.TemporaryDirectory(prefix="clearance-bench-memory-") as directory:
        folder = Path(directory)
        with servers.postgres(folder) as server:
            urls = {
                "SQLite": f"sqlite:///{folder}/clearance.db",
                "PostgreSQL": servers.new_database(server, "memory"),
            }
            for name, url in urls.items():
                own = folder / name
                own.mkdir()
                found.append(_measured(name, url, own))
    return found


def garak_report(attempts: int, text: int = TEXT) -> Iterator[bytes]:
    """It in pieces, a probe each: attempts at prompts of so many characters, one in 50 a hit."""
    turn = {"turns": [{"role": "user", "content": {"text": "x" * text, "lang": "en"}}]}
    yield _line({"entry_type": "start_run setup", "run.generations": 1})
    for first in range(0, attempts, _PER_PROBE):
        probe = f"module{first // (10 * _PER_PROBE)}.Probe{first // _PER_PROBE}"
        of = {"probe": probe, "detector": "module.Detector"}
        numbers = range(first, min(first + _PER_PROBE, attempts))
        hits = sum(number % 50 == 0 for number in numbers)
        counts = {"fails": hits, "passed": len(numbers) - hits, "nones": 0}
        lines = [_line(_attempt(probe, {**turn, "seq": number}, number)) for number in numbers]
        lines.append(_line({"entry_type": "eval", **of, "total_evaluated": len(numbers), **counts}))
        yield b"".join(lines)
    yield _line({"entry_type": "completion"})


def _attempt(probe: str, prompt: object, number: int) -> dict[str, object]:
    return {
        "entry_type": "attempt",
        "uuid": f"{number:036}",
        "status": 2,
        "probe_classname": probe,
        "prompt": prompt,
        "detector_results": {"module.Detector": [float(number % 50 == 0)]},
    }


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _measured(name: str, url: str, directory: Path) -> Row:
    found, size = hashlib.sha256(), 0
    for line in garak_report(ATTEMPTS):
        found.update(line)
        size += len(line)
    digest = f"sha256:{found.hexdigest()}"
    with (
        servers.clearance(name, url, directory) as service,
        httpx.Client(
            base_url=f"http://127.0.0.1:{service.port}",
            headers={"Authorization": f"Bearer {service.token}"},
            timeout=600,
        ) as client,
    ):
        idle = peak_megabytes(service.pid)
        peaks = []
        for version in range(ROUNDS):
            client.put(f"/v1/blobs/{digest}", content=garak_report(ATTEMPTS)).raise_for_status()
            body = {
                "candidate": {"model": MODEL, "version": f"large-{version}"},
                "stage": STAGE,
                "results": [{"name": "garak.report.jsonl", "blob": digest}],
            }
            client.post("/v1/evaluations", json=body).raise_for_status()
            peaks.append(peak_megabytes(service.pid))
    peak = Spread.of(peaks)
    met = "met" if peak.high < TARGET_MEGABYTES else "NOT MET"
    return Row(
        f"service, a garak report of {size / 1e6:.0f} MB",
        name,
        {"MB idle": Spread.of([idle]), "MB peak": peak},
        f"target: {TARGET_MEGABYTES} MB {met}",
    )
