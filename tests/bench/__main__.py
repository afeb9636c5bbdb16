"""`make bench`: one table of medians, ratios and the machine's load. It asserts no time.

python -m tests.bench [PART…] [--rounds N] [--seconds S], where PART is one of `PARTS`
"""

import argparse
import sys
from collections.abc import Sequence

from tests.bench import (
    deciding,
    estimators,
    large,
    measuring,
    memory,
    parsing,
    recording,
    registry,
    serving,
    starting,
    verifying,
)
from tests.bench.machine import load_line
from tests.bench.table import Row, render

PARTS = (
    "decide",
    "estimate",
    "start",
    "log",
    "parse",
    "verify",
    "evidently",
    "serve",
    "memory",
    "mlflow",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="|".join(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    chosen = parser.parse_args()
    parts = chosen.parts or PARTS
    lines = [load_line("before")]
    rows = []
    if "decide" in parts:
        _progress("decide(): about 20 s")
        rows += deciding.rows() + large.rows()
    if "estimate" in parts:
        _progress("estimators: about 20 s")
        rows += estimators.rows()
    if "start" in parts:
        _progress("cold start: about 10 s")
        rows += starting.rows()
    if "log" in parts:
        _progress(f"the log: filling {recording.LONG:,} entries takes a minute or more")
        rows += recording.rows(chosen.rounds)
    if "parse" in parts:
        _progress("result files: about a minute")
        rows += parsing.rows()
    if "verify" in parts:
        _progress("verifier: about 30 s")
        rows += verifying.rows(chosen.rounds)
    if "evidently" in parts:
        _progress("Evidently: about 2 minutes")
        rows += measuring.rows(chosen.rounds)
    if "serve" in parts:
        minutes = (0.5 + chosen.rounds * 18 * (chosen.seconds + 0.8)) / 60
        _progress(f"service: about {minutes:.0f} minutes")
        rows += serving.rows(chosen.rounds, chosen.seconds)
    rows += _with_servers(parts)
    lines.append(load_line("after"))
    sys.stdout.write("\n".join(lines) + "\n\n" + render(rows) + "\n")
    return 1 if any(serving.ERRORS in row.note for row in rows) else 0


def _with_servers(parts: Sequence[str]) -> list[Row]:
    rows = []
    if "memory" in parts:
        _progress("memory for a report of 500 MB: about 3 minutes")
        rows += memory.rows()
    if "mlflow" in parts:
        _progress("registry to alias, with a real MLflow server: about 2 minutes")
        rows += registry.rows()
    return rows


def _progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
