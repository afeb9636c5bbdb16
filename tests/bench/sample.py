"""The one submission that everything is measured on: 40 measurements, 12 rules that all hold."""

import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from gates.evidence import Candidate, Evidence, Exceed, Measurement, Source, Submission

MODEL = "bench-bot"
STAGE = "evaluation"
VERSION_WIDTH = 12
MARK = "v" + "0" * (VERSION_WIDTH - 1)
"""Stands where each request writes a version of its own, as wide as this."""

POLICY = """\
policy: bench-release
owner: bench
applies_to: {model: "bench-*", stage: "*"}
gates:
  quality:
    - {metric: accuracy, min: 0.85}
    - {metric: exact_match, min: 0.80}
    - {metric: task_completion, min: 0.70}
    - {metric: precision, min: 0.80}
    - {metric: recall, min: 0.80}
    - {metric: relevance, min: 3.8, range: [1, 5]}
  safety:
    - {metric: hallucination_rate, max: 0.05}
    - {metric: toxicity_rate, max: 0.02}
    - {metric: attack_success_rate, max: 0.03, confidence: 0.99}
    - {metric: over_refusal_rate, max: 0.10}
  cost:
    - {metric: latency, quantile: 0.95, max: 0.8, unit: s}
    - {metric: cost_per_inference, max: 0.004, unit: USD, mode: exact}
"""

JUDGED: tuple[dict[str, Any], ...] = (
    {"metric": "accuracy", "count": 1826, "n": 2000},
    {"metric": "exact_match", "count": 1740, "n": 2000},
    {"metric": "task_completion", "count": 800, "n": 1000},
    {"metric": "precision", "count": 900, "n": 1000},
    {"metric": "recall", "count": 890, "n": 1000},
    {"metric": "relevance", "value": 4.12, "stderr": 0.05, "n": 300},
    {"metric": "hallucination_rate", "count": 40, "n": 2000},
    {"metric": "toxicity_rate", "count": 8, "n": 2000},
    {"metric": "attack_success_rate", "count": 12, "n": 2000},
    {"metric": "over_refusal_rate", "count": 60, "n": 2000},
    {"metric": "latency", "exceed": {"limit": 0.8, "count": 31}, "n": 2000, "unit": "s"},
    {"metric": "cost_per_inference", "value": 0.0031, "unit": "USD"},
)
# What pipelines send beside it, because their tool reports it: stored, shown, judged by no rule.
BESIDE: tuple[dict[str, Any], ...] = tuple(
    {
        "metric": metric,
        "value": round(0.5 + i / 100, 4),
        "n": 1000,
        "task": f"suite-{i:02d}",
        "source": {"tool": "lm-eval", "tool_version": "0.4.9", "run_id": "nightly-4711"},
    }
    for i, metric in enumerate(
        ("normalized_accuracy", "pass_at_1", "format_validity", "citation_accuracy", "hit_rate",
         "win_rate", "consistency") * 4
    )
)  # fmt: skip
MEASUREMENTS = JUDGED + BESIDE

LIMITS: dict[str, tuple[float, float, bool]] = {
    "accuracy": (0.913, 0.85, True),
    "exact_match": (0.87, 0.80, True),
    "task_completion": (0.80, 0.70, True),
    "precision": (0.90, 0.80, True),
    "recall": (0.89, 0.80, True),
    "relevance": (4.12, 3.8, True),
    "hallucination_rate": (0.02, 0.05, False),
    "toxicity_rate": (0.004, 0.02, False),
    "attack_success_rate": (0.006, 0.03, False),
    "over_refusal_rate": (0.03, 0.10, False),
    "latency_p95": (0.71, 0.8, False),
    "cost_per_inference": (0.0031, 0.004, False),
}
"""The same limits as a point comparison sees them: value, limit, whether higher is better."""


def bodies(number: int = 2000) -> Iterator[bytes]:
    """Requests as pipelines send them, each with sample sizes and counts of its own.

    So many, because a service that keeps the bounds of samples it has seen would else be measured
    on looking them up. The first has the numbers above.
    """
    return map(body, samples(number))


def samples(number: int = 2000) -> Iterator[Sequence[dict[str, Any]]]:
    """The measurements of `bodies`."""
    draw = random.Random(2026)
    yield MEASUREMENTS
    for _ in range(number - 1):
        yield [_redrawn(item, draw.uniform(0.75, 1.25)) for item in MEASUREMENTS]


def _redrawn(item: dict[str, Any], factor: float) -> dict[str, Any]:
    """About the same rate or mean, from a sample of another size."""
    if "n" not in item:
        return item
    n = round(item["n"] * factor)
    changed: dict[str, Any] = {"n": n}
    if "count" in item:
        changed["count"] = round(item["count"] / item["n"] * n)
    if "exceed" in item:
        share = item["exceed"]["count"] / item["n"]
        changed["exceed"] = {**item["exceed"], "count": round(share * n)}
    if "stderr" in item:
        changed["stderr"] = round(item["stderr"] * factor**-0.5, 5)
    return {**item, **changed}


def body(measurements: Sequence[dict[str, Any]] = MEASUREMENTS) -> bytes:
    """The request as a pipeline sends it, with MARK for the version."""
    submission = {
        "candidate": {"model": MODEL, "version": MARK},
        "stage": STAGE,
        "measurements": measurements,
        "measured_at": "2026-11-20T10:00:00Z",
        "context": {"commit": "4f1c2d9", "run_url": "https://ci.example/runs/4711"},
    }
    return json.dumps(submission).encode()


def submission(measurements: Sequence[dict[str, Any]] = MEASUREMENTS) -> Submission:
    """The same as values, for `decide`."""
    return Submission(
        Candidate(MODEL, MARK),
        STAGE,
        Evidence(
            tuple(_measurement(item) for item in measurements),
            measured_at=datetime(2026, 11, 20, 10, tzinfo=UTC),
        ),
    )


def _measurement(item: dict[str, Any]) -> Measurement:
    exceed, source = item.get("exceed"), item.get("source")
    return Measurement(
        **item
        | {
            "exceed": Exceed(**exceed) if exceed else None,
            "source": Source(**source) if source else None,
        }
    )
