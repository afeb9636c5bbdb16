"""What this engine makes of fixed inputs, in short: `python -m tests.gates.golden` writes it anew.

The names of cases and digests stand in tests/data/golden.json beside the engine's version. A change
of a decision's content under the same version is what its test refuses: records that were made
before would no longer replay.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from gates.decision import Decision
from gates.engine import ENGINE_VERSION
from gates.formats import read
from gates.policy import load
from tests.gates.build import judge, m, no_parents, policy

DATA = Path(__file__).parents[1] / "data"
FILE = DATA / "golden.json"
PACKS = Path(__file__).parents[2] / "gates" / "packs"


def current() -> dict[str, Any]:
    """The version and a digest per case."""
    exact = judge(
        policy("metric: cost, mode: exact, max: 4, unit: USD"), m("cost", value=3.0, unit="USD")
    )
    return {
        "engine": ENGINE_VERSION,
        "digest": exact.digest,  # of whole numbers, so that its form shows and no machine's floats
        "decisions": {name: _digest(d) for name, d in _decided()},
    }


def _digest(decision: Decision) -> str:
    """Over everything in a decision; the last digits of floats differ between machines."""
    assert decision.evidence is not None, "a case is too large to be shown whole"
    shown = {**asdict(decision), "evidence": decision.evidence.decode(), "digest": None}
    content = json.dumps(_rounded(shown), sort_keys=True, default=str)
    return sha256(content.encode()).hexdigest()[:16]


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return f"{value:.9g}"
        case dict():
            return {str(key): _rounded(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_rounded(inner) for inner in value]
        case _:
            return value


def _decided() -> Iterator[tuple[str, Decision]]:
    starter = load((PACKS / "starter@1.yaml").read_text("utf-8"), no_parents)
    for path in sorted((DATA / "formats").iterdir()):
        if path.is_file():
            found = read(path.name, path.read_bytes()).measurements
            yield f"starter/{path.name}", judge(starter, *found)
    dice = Random(20261126)
    yes = tuple(float(dice.random() < 0.9) for _ in range(300))
    before = tuple(float(dice.random() < 0.88) for _ in range(300))
    grades = tuple(dice.choice([0.0, 0.5, 1.0]) for _ in range(300))
    times = tuple(dice.lognormvariate(0, 0.5) for _ in range(300))
    ids = tuple(f"q{i}" for i in range(300))
    groups = tuple(f"g{i % 40}" for i in range(300))
    ask = policy(
        "metric: accuracy, min: 0.85, target: 0.9",
        "metric: toxicity_rate, max: 0.02, confidence: 0.99",
        "metric: relevance, min: 0.4, range: [0, 1]",
        "metric: latency, quantile: 0.95, max: 3, unit: s",
        "metric: attack_success_rate, max_count: 0, rate_below: 0.01",
        "metric: recall, by: [language], min: 0.8",
    )
    yield (
        "counts",
        judge(
            ask,
            m("accuracy", count=1826, n=2000),
            m("toxicity_rate", count=3, n=900),
            m("relevance", value=0.61, stderr=0.02, n=300),
            m("latency", exceed=None, scores=times, n=300, unit="s"),
            m("attack_success_rate", count=0, n=400),
            m("recall", count=90, n=100, slice={"language": "en"}),
            m("recall", count=70, n=100, slice={"language": "de"}),
        ),
    )
    yield (
        "scores",
        judge(
            ask,
            m("accuracy", scores=yes, n=300, ids=ids, clusters=groups),
            m("relevance", scores=grades, n=300, ids=ids),
        ),
    )
    yield (
        "baseline",
        judge(
            policy("metric: accuracy, versus_baseline: {max_drop: 0.03}"),
            m("accuracy", scores=yes, n=300, ids=ids),
            baseline=[m("accuracy", scores=before, n=300, ids=ids)],
        ),
    )


if __name__ == "__main__":
    FILE.write_text(json.dumps(current(), indent=1) + "\n", encoding="utf-8")
