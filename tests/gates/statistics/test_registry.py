"""The list of estimators builds what it says, claims what the estimate claims, and misses none."""

import ast
from pathlib import Path

import pytest

import gates.statistics
from gates.statistics.binomial import Rate
from gates.statistics.registry import ESTIMATORS

SERIES = tuple((i * 37 % 101) / 101 for i in range(200))
OTHER = tuple((i * 53 % 97) / 97 for i in range(200))
TRUTH = tuple(float(s > 0.45) for s in SERIES)
ROUGH = tuple(float(s > 0.55) if i % 9 else 1.0 - float(s > 0.55) for i, s in enumerate(SERIES))
GROUPS = tuple(f"d{i % 40}" for i in range(200))
MADE = {
    "successes": 90, "n": 100, "value": 0.9, "over": 3, "TP": 90, "TP + FP + FN": 100,
    "events": 3, "exposure": 100.0, "values": SERIES, "q": 0.9, "scores": SERIES, "low": -1.0,
    "high": 1.0, "stderr": 0.01, "clusters": GROUPS, "numerators": SERIES, "denominators": OTHER,
    "labels": TRUTH, "table": ((40, 5), (8, 47)), "series 1": SERIES, "series 0": OTHER,
    "reference": (20, 30, 50), "current": (25, 30, 45), "metric": "balanced_accuracy",
    "successes 1": 90, "n 1": 100, "successes 0": 85, "n 0": 100, "factor": 1.0,
    "estimate 1": Rate(90, 90, 100), "estimate 0": Rate(85, 85, 100), "scores 1": SERIES,
    "scores 0": OTHER, "differences": tuple(a - b for a, b in zip(SERIES, OTHER, strict=True)),
}  # fmt: skip
INSTEAD = {"of_labels": {"scores": ROUGH}, "paired_rates": {"scores 1": TRUTH, "scores 0": ROUGH}}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_each_builds_an_estimate_that_claims_as_much(name: str) -> None:
    entry = ESTIMATORS[name]
    known = entry.build(*({**MADE, **INSTEAD.get(name, {})}[what] for what in entry.takes))
    low, high = known.lower(0.05, errors=False), known.upper(0.05, errors=False)
    assert low <= known.value <= high
    assert entry.claim == "approximate" or not known.approximate
    assert 0.0 <= known.p_above(known.value) <= 1.0


def test_none_is_missing() -> None:
    """Every module that offers bounds is in the list, a sequence, or a combination of others."""
    folder = Path(gates.statistics.__file__ or "").parent
    tree = ast.walk(ast.parse((folder / "registry.py").read_text("utf-8")))
    imports = [node for node in tree if isinstance(node, ast.ImportFrom)]
    listed = {str(node.module) for node in imports}
    for node in imports:
        if node.module == "gates.statistics":
            listed |= {f"gates.statistics.{alias.name}" for alias in node.names}
    combinations = {"estimate", "interval", "separate", "disparity", "anytime", "pivot"}
    combinations.add("rank_shift")  # of the rule kind `distribution`, which asks it another thing
    for path in folder.glob("*.py"):
        offers = "def samples_to_settle" in path.read_text("utf-8")
        if offers and path.stem not in combinations and not path.stem.startswith("sequence"):
            assert f"gates.statistics.{path.stem}" in listed, path.stem
