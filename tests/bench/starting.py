"""How long a shell waits for `clearance check`, beside importing what half of Python imports."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.servers import BIN
from tests.bench.table import Row, Spread

ROUNDS = 15
TARGET = 2.5


def rows() -> list[Row]:
    """Wall-clock milliseconds of whole processes, interleaved; the first of each does not count."""
    with tempfile.TemporaryDirectory() as directory:
        results = Path(directory) / "results.json"
        results.write_text(
            json.dumps([{"metric": "accuracy", "count": 1826, "n": 2000, "task": "faq"}])
        )
        check = [str(BIN / "clearance"), "check", str(results), "--require", "faq.accuracy>=0.85"]
        contenders = {
            "python -c 'import pydantic, numpy'": [sys.executable, "-c", "import pydantic, numpy"],
            "clearance check FILE --require ...": check,
        }
        taken: dict[str, list[float]] = {name: [] for name in contenders}
        for round_ in range(ROUNDS + 1):
            for name, command in contenders.items():
                milliseconds = _run(command)
                if round_:
                    taken[name].append(milliseconds)
    base, ours = (Spread.of(values) for values in taken.values())
    ratio = ours.median / base.median
    met = "met" if ratio <= TARGET else "NOT MET"
    said = f"{ratio:.2f} x, target: at most {TARGET} {met}"
    return [
        Row("cold start", name, {"ms": spread}, "" if spread is base else said)
        for name, spread in zip(taken, (base, ours), strict=True)
    ]


def _run(command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.returncode} {done.stderr.decode()[-1000:]}")
    return (time.perf_counter() - started) * 1000
