"""`decide()` beside what others do with the same limits: compare points, or evaluate Rego.

The others answer a smaller question (no interval, no evidence rules, no explanation); the ratio
says what the larger one costs, not which tool is better.
"""

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

from gates.decision import decide
from gates.history import History
from gates.policy import load
from gates.verdict import Verdict
from tests.bench import sample
from tests.bench.table import Row, Spread

ROUNDS = 15
PER_ROUND = 40


def rows() -> list[Row]:
    """Microseconds per call, rounds interleaved, so that a busy moment hits all alike."""
    contenders: dict[str, Callable[[], bool]] = {
        "decide(): exact intervals, findings, sentences": _ours(),
        "mlflow.validate_evaluation_results: points": _mlflow(),
        "Rego (regopy, compiled bundle): points": _rego(),
    }
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for name, call in contenders.items():
        if not call():
            raise AssertionError(f"{name} does not pass the sample, so it does other work")
    for _ in range(ROUNDS):
        for name, call in contenders.items():
            started = time.perf_counter()
            for _ in range(PER_ROUND):
                call()
            taken[name].append((time.perf_counter() - started) / PER_ROUND * 1e6)
    spreads = {name: Spread.of(values) for name, values in taken.items()}
    ours = next(iter(spreads.values()))
    return [
        Row(
            "decide, 40 measurements, 12 rules",
            name,
            {"µs": spread},
            "" if spread is ours else f"decide() takes {ours.median / spread.median:.1f} x that",
        )
        for name, spread in spreads.items()
    ]


def _ours() -> Callable[[], bool]:
    policy = load(sample.POLICY, lambda _: None)
    submission = sample.submission()
    at = datetime(2026, 11, 21, tzinfo=UTC)
    history = History()
    return lambda: decide(policy, submission, history, (), at).verdict is Verdict.PASS


def _mlflow() -> Callable[[], bool]:
    from mlflow import validate_evaluation_results
    from mlflow.models import EvaluationResult, MetricThreshold

    logging.getLogger("mlflow").setLevel(logging.WARNING)  # its time is not for writing lines
    thresholds = {
        name: MetricThreshold(threshold=limit, greater_is_better=higher)
        for name, (_, limit, higher) in sample.LIMITS.items()
    }
    result = EvaluationResult(metrics=_points(), artifacts={})

    def validate() -> bool:
        validate_evaluation_results(thresholds, result)  # raises where a limit is missed
        return True

    return validate


def _rego() -> Callable[[], bool]:
    from regopy import Input, Interpreter

    conditions = "\n".join(
        f"    input.{name} {'>=' if higher else '<='} {limit}"
        for name, (_, limit, higher) in sample.LIMITS.items()
    )
    interpreter = Interpreter()
    interpreter.add_module(
        "gate.rego", f"package gate\n\ndefault allow := false\n\nallow if {{\n{conditions}\n}}\n"
    )
    bundle = interpreter.build("data.gate.allow")
    points = _points()

    def query() -> bool:
        interpreter.set_input(Input(points))
        return bool(json.loads(str(interpreter.query_bundle(bundle)))["expressions"] == [True])

    return query


def _points() -> dict[str, float]:
    """All 40 values, as an evaluation tool would hand them over."""
    beside = {f"{m['task']}_{m['metric']}".replace("-", "_"): m["value"] for m in sample.BESIDE}
    return {name: value for name, (value, _, _) in sample.LIMITS.items()} | beside
