"""Everything but rates under `anytime`, looked at again and again, and certificates of slices.

The truth stands exactly at the limit; what counts is whether any look passed, or any failed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gates.decision import decide
from gates.evidence import Measurement
from gates.history import History
from gates.policy import Policy
from gates.statistics import moments, paired_rates
from gates.statistics.anytime import sequence
from gates.statistics.binomial import Rate
from gates.statistics.difference import RateDifference
from gates.statistics.estimate import Estimate, Side
from gates.statistics.mean import BoundedMean
from gates.statistics.quantile import OrderStatistic
from gates.statistics.skewed import SkewedMean
from tests.calibrate.model import ALPHA, Errors
from tests.gates.build import AT, policy
from tests.gates.build import submission as submitted

LOOKS, STEP = 20, 100
N_PLAN = 1000

Data = NDArray[np.float64]


@dataclass(frozen=True)
class Polled:
    """A stream of examples and the estimate that any first part of it gives."""

    name: str
    stream: Callable[[Generator, int], Data]
    known: Callable[[Data], Estimate]
    limit: float
    side: Side = "lower"
    ceiling: float = ALPHA


def ever(case: Polled, tries: int) -> Errors:
    """How often any of LOOKS looks, STEP further examples each, passed or failed."""
    dice = np.random.default_rng(crc32(case.name.encode()))
    passed = failed = 0
    approximate, method = False, ""
    for _ in range(tries):
        data = case.stream(dice, LOOKS * STEP)
        above, below = [], []
        for look in range(1, LOOKS + 1):
            known = sequence(case.known(data[: look * STEP]), N_PLAN, look)
            above.append(known.p_above(case.limit))
            below.append(known.p_below(case.limit))
            approximate, method = known.approximate, known.method
        good, bad = (above, below) if case.side == "lower" else (below, above)
        passed += min(good) <= ALPHA
        failed += min(bad) <= ALPHA
    return Errors(passed / tries, failed / tries, tries, method, approximate)


def _pairs(dice: Generator, n: int) -> Data:
    """Columns: candidate right, baseline right; 4% only the one, 6% only the other."""
    kinds = dice.choice(4, size=n, p=[0.04, 0.06, 0.8, 0.1])
    return np.stack([np.isin(kinds, (0, 2)), np.isin(kinds, (1, 2))], axis=1).astype(float)


def _apart(data: Data) -> RateDifference:
    one, two = (int(x) for x in data.sum(axis=0))
    return RateDifference(Rate(one, one, len(data)), Rate(two, two, len(data)))


_STARS = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
_LENIENT = np.array([0.02, 0.02, 0.06, 0.20, 0.70])

CASES = (
    Polled(
        "judge scores",
        lambda dice, n: dice.choice(_STARS, size=n, p=_LENIENT),
        lambda data: BoundedMean(moments.of_scores(data.tolist()), 1.0, 5.0),
        float(_STARS @ _LENIENT),
    ),
    Polled(
        "cost, lognormal, sigma 1",
        lambda dice, n: dice.lognormal(0.0, 1.0, n),
        lambda data: SkewedMean(moments.of_scores(data.tolist())),
        float(np.exp(0.5)),
        "upper",
        ceiling=0.06,
    ),
    Polled(
        "right or wrong, on the same examples",
        _pairs,
        lambda data: paired_rates.of_scores(data[:, 0].tolist(), data[:, 1].tolist(), 0),
        -0.02,
    ),
    Polled(
        "rates of separate samples",
        lambda dice, n: (dice.random((n, 2)) < (0.83, 0.85)).astype(float),
        _apart,
        -0.02,
    ),
    Polled(
        "95% latency from every value",
        lambda dice, n: dice.lognormal(0.0, 1.0, n),
        lambda data: OrderStatistic(tuple(np.sort(data).tolist()), 0.95),
        float(np.exp(1.6448536269514722)),
        "upper",
    ),
)


@dataclass(frozen=True)
class Certified:
    """A rule that certifies slices, of which the first two are exactly at their limit."""

    name: str
    policy: Policy
    rates: tuple[float, ...]
    before: float | None = None
    looks: int = 1
    most: int = 1_000_000
    """Tries that are enough: sequences of differences take milliseconds each."""


def wrongly_certified(case: Certified, tries: int) -> float:
    """How often a slice that is at its limit was certified at any look."""
    dice = np.random.default_rng(crc32(case.name.encode()))
    wrong = 0
    for _ in range(tries):
        history, counts = History(), np.zeros((2, len(case.rates)), dtype=int)
        any_wrong = False
        for look in range(1, case.looks + 1):
            counts += dice.binomial(400, [case.rates, [case.before or 0.5] * len(case.rates)])
            one, two = (_measured(row, 400 * look) for row in counts)
            sent = submitted(*one, baseline=two if case.before is not None else None)
            decision = decide(case.policy, sent, history, (), AT)
            any_wrong = any_wrong or any(f.certified for f in decision.findings[:2])
            history = History(looks=(*history.looks, *decision.looks))
        wrong += any_wrong
    return wrong / tries


def _measured(counts: NDArray[np.int_], n: int) -> list[Measurement]:
    return [
        Measurement("accuracy", count=int(x), n=n, slice=(("language", f"l{i}"),))
        for i, x in enumerate(counts)
    ]


_MIN = "metric: accuracy, by: [language], min: 0.8, certify: true"
_DROP = "metric: accuracy, by: [language], versus_baseline: {max_drop: 0.05}, certify: true"
_ANYTIME = "defaults: {looks: anytime, n_plan: 1000}"
_RATES = (0.8, 0.8, 0.9, 0.9, 0.9)

CERTIFIED = (
    Certified("planned(2), two looks", policy(_MIN), _RATES, looks=2),
    Certified("anytime, ten looks", policy(_MIN, header=_ANYTIME), _RATES, looks=10),
    Certified("against a baseline, planned(2), two looks", policy(_DROP), _RATES, 0.85, looks=2),
    Certified(
        "against a baseline, anytime, two looks, three slices",
        policy(_DROP, header=_ANYTIME),
        _RATES[:3],
        0.85,
        looks=2,
        most=100,
    ),
)
