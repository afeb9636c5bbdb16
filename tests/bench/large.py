"""A million per-example scores decided, from arrays to the decision, in a process of its own.

    python -m tests.bench.large WHAT     # one of `SCORES`; prints seconds and megabytes as JSON

Processor time, because the machine is shared; the peak of memory counts the interpreter, numpy and
scipy with it.
"""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime

import numpy as np

from gates.decision import decide
from gates.evidence import Candidate, Evidence, Measurement, Submission
from gates.history import History
from gates.policy import load
from tests.bench.machine import peak_megabytes
from tests.bench.table import Row, Spread

SIZE = 1_000_000
ROUNDS = 3
TARGET_SECONDS = 1.0
TARGET_MEGABYTES = 500
SCORES = {
    "right or wrong": ("accuracy", "min: 0.85"),
    "continuous": ("relevance", "min: 0.45, range: [0, 1]"),
}


def rows() -> list[Row]:
    """One row for each kind of score."""
    found = []
    for what in SCORES:
        runs = [_measured(what) for _ in range(ROUNDS)]
        seconds, peak = (Spread.of(values) for values in zip(*runs, strict=True))
        met = seconds.median < TARGET_SECONDS and peak.median < TARGET_MEGABYTES
        note = (
            f"target: {TARGET_SECONDS:g} s and {TARGET_MEGABYTES} MB {'met' if met else 'NOT MET'}"
        )
        found.append(Row(f"decide, {SIZE:,} scores", what, {"s CPU": seconds, "MB": peak}, note))
    return found


def _measured(what: str) -> tuple[float, float]:
    command = [sys.executable, "-m", "tests.bench.large", what]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = json.loads(done.stdout)
    return seconds, peak


def main(what: str) -> None:
    metric, limit = SCORES[what]
    policy = load(
        f"policy: large\nowner: bench\napplies_to: {{model: '*', stage: '*'}}\n"
        f"gates:\n  g:\n    - {{metric: {metric}, {limit}}}\n",
        lambda _: None,
    )
    dice, at = np.random.default_rng(3), datetime(2026, 11, 21, tzinfo=UTC)
    drawn = dice.random(SIZE)
    few, many = (
        drawn[:size] < 0.9 if metric == "accuracy" else drawn[:size] for size in (100, SIZE)
    )
    seconds = 0.0
    for array in (few, many):  # the first loads numpy's and scipy's parts
        started = time.process_time()
        scores = tuple(array.astype(float).tolist())
        evidence = Evidence((Measurement(metric, scores=scores),))
        decided = decide(
            policy, Submission(Candidate("m", "1"), "evaluation", evidence), History(), (), at
        )
        seconds = time.process_time() - started
    if decided.verdict != "pass":
        raise AssertionError(f"{what}: {decided.summary}")
    json.dump([seconds, peak_megabytes()], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
