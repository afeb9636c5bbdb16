"""Everything but rates under `anytime`, looked at again and again, and certificates of slices.

The truth stands exactly at the limit; what counts is whether any look passed, or any failed.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import log
from zlib import crc32

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gates.decision import decide
from gates.evidence import Measurement
from gates.history import History
from gates.policy import Policy
from gates.statistics import moments
from gates.statistics.anytime import sequence
from gates.statistics.binomial import Rate
from gates.statistics.difference import RateDifference
from gates.statistics.estimate import Estimate, Side
from gates.statistics.mean import BoundedMean
from gates.statistics.paired_rates import PairedRates
from gates.statistics.quantile import OrderStatistic
from gates.statistics.sequence_difference import SequentialRateDifference
from gates.statistics.sequence_rate import log_e_above, log_e_below
from gates.statistics.skewed import SkewedMean
from tests.calibrate.model import ALPHA, Errors
from tests.gates.build import AT, policy
from tests.gates.build import submission as submitted

LOOKS, STEP = 20, 100
N_PLAN = 1000

Data = NDArray[np.float64]


@dataclass(frozen=True)
class Polled:
    """A stream of examples, and the estimates that its first parts give, one a look."""

    name: str
    stream: Callable[[Generator, int], Data]
    known: Callable[[Data], Iterable[Estimate]]
    limit: float
    side: Side = "lower"
    ceiling: float = ALPHA


def ever(case: Polled, tries: int) -> Errors:
    """How often any of LOOKS looks, STEP further examples each, passed or failed."""
    dice = np.random.default_rng(crc32(case.name.encode()))
    passed = failed = 0
    approximate, method = False, ""
    for _ in range(tries):
        above = below = 1.0
        for look, part in enumerate(case.known(case.stream(dice, LOOKS * STEP)), 1):
            known = sequence(part, N_PLAN, look)
            if _may_show(known, case.limit):
                above, below = (
                    min(above, known.p_above(case.limit)),
                    min(below, known.p_below(case.limit)),
                )
            approximate, method = known.approximate, known.method
        good, bad = (above, below) if case.side == "lower" else (below, above)
        passed += good <= ALPHA
        failed += bad <= ALPHA
    return Errors(passed / tries, failed / tries, tries, method, approximate)


def _may_show(known: Estimate, limit: float) -> bool:
    """False only where a difference can be shown on neither side.

    Its evidence is the least over all baseline rates, so what it is at one of them bounds it; the
    search for the least costs fifty times as much.
    """
    if not isinstance(known, SequentialRateDifference):
        return True
    arms = (known.candidate, known.baseline)
    return any(
        _evidence(one, two, d, known.n_plan) >= -log(ALPHA)
        for (one, two), d in ((arms, limit), (arms[::-1], -limit))
    )


def _evidence(one: Rate, two: Rate, d: float, n_plan: float) -> float:
    """The logarithm of the evidence against "one - two <= d" at the pooled rate."""
    x1, n1, x0, n0 = one.count_low, one.n, two.count_high, two.n
    t = min(1.0, 1.0 - d, max(0.0, -d, (x0 + max(0.0, x1 - n1 * d)) / (n1 + n0)))
    return log_e_above(x1, n1, t + d, n_plan) + log_e_below(x0, n0, t, n_plan)


def _moments(data: Data) -> Iterator[moments.Moments]:
    """Moments at each look, from running sums."""
    centre = float(data.mean())
    apart = data - centre
    one, two, three = (np.cumsum(apart**k)[STEP - 1 :: STEP] for k in (1, 2, 3))
    least, most = np.minimum.accumulate(data), np.maximum.accumulate(data)
    for look in range(len(one)):
        n = (look + 1) * STEP
        shift = one[look] / n
        squares = float(two[look] - n * shift * shift)
        third = float(three[look] - 3.0 * shift * two[look] + 2.0 * n * shift**3)
        ends = (float(least[n - 1]), float(most[n - 1]))
        skewness = (third / n) / (squares / n) ** 1.5
        yield moments.Moments(n, centre + float(shift), squares, skewness, ends)


def _counts(data: Data) -> Iterator[tuple[int, list[int]]]:
    """(examples, ones in each column) at each look."""
    for look, row in enumerate(np.cumsum(data, axis=0)[STEP - 1 :: STEP], 1):
        yield look * STEP, [int(x) for x in row]


def _pairs(dice: Generator, n: int) -> Data:
    """Columns: only the candidate right (4%), only the baseline (6%), both (80%)."""
    kinds = dice.choice(4, size=n, p=[0.04, 0.06, 0.8, 0.1])
    return np.stack([kinds == kind for kind in range(3)], axis=1).astype(float)


_STARS = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
_LENIENT = np.array([0.02, 0.02, 0.06, 0.20, 0.70])

CASES = (
    Polled(
        "judge scores",
        lambda dice, n: dice.choice(_STARS, size=n, p=_LENIENT),
        lambda data: (BoundedMean(known, 1.0, 5.0) for known in _moments(data)),
        float(_STARS @ _LENIENT),
    ),
    Polled(
        "cost, lognormal, sigma 1",
        lambda dice, n: dice.lognormal(0.0, 1.0, n),
        lambda data: map(SkewedMean, _moments(data)),
        float(np.exp(0.5)),
        "upper",
    ),
    Polled(
        "right or wrong, on the same examples",
        _pairs,
        lambda data: (
            PairedRates(won, lost, won + both, n) for n, (won, lost, both) in _counts(data)
        ),
        -0.02,
    ),
    Polled(
        "rates of separate samples",
        lambda dice, n: (dice.random((n, 2)) < (0.83, 0.85)).astype(float),
        lambda data: (RateDifference(Rate(x, x, n), Rate(y, y, n)) for n, (x, y) in _counts(data)),
        -0.02,
    ),
    Polled(
        "95% latency from every value",
        lambda dice, n: dice.lognormal(0.0, 1.0, n),
        lambda data: (
            OrderStatistic(tuple(np.sort(data[:n]).tolist()), 0.95)
            for n in range(STEP, len(data) + 1, STEP)
        ),
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


def wrongly_certified(case: Certified, tries: int, *, all_decided: bool = False) -> float:
    """How often a slice that is at its limit was certified at any look.

    A certificate takes a slice that clears its limit with the whole error of its look, so only
    such tries are decided, unless `all_decided`.
    """
    dice = np.random.default_rng(crc32(case.name.encode()))
    rates = [case.rates, [case.before or 0.5] * len(case.rates)]
    wrong = 0
    for _ in range(tries):
        drawn = np.cumsum([dice.binomial(400, rates) for _ in range(case.looks)], axis=0)
        if all_decided or any(_may_certify(case, counts, k) for k, counts in enumerate(drawn, 1)):
            wrong += _is_certified(case, drawn)
    return wrong / tries


def _is_certified(case: Certified, drawn: NDArray[np.int_]) -> bool:
    history = History()
    for look, counts in enumerate(drawn, 1):
        one, two = (_measured(row, 400 * look) for row in counts)
        sent = submitted(*one, baseline=two if case.before is not None else None)
        decision = decide(case.policy, sent, history, (), AT)
        if any(f.certified for f in decision.findings[:2]):
            return True
        history = History(looks=(*history.looks, *decision.looks))
    return False


def _may_certify(case: Certified, counts: NDArray[np.int_], look: int) -> bool:
    """Whether one of the first two slices is shown above its limit at the whole error."""
    n = 400 * look
    for x, y in counts[:, :2].T.tolist():
        one, two = Rate(x, x, n), Rate(y, y, n)
        known: Estimate = one if case.before is None else RateDifference(one, two)
        limit = _LIMIT if case.before is None else -_MARGIN
        if case.policy.defaults.n_plan is not None:
            known = sequence(known, case.policy.defaults.n_plan, look)
        if _may_show(known, limit) and known.p_above(limit) <= ALPHA + 1e-9:
            return True
    return False


def _measured(counts: NDArray[np.int_], n: int) -> list[Measurement]:
    return [
        Measurement("accuracy", count=int(x), n=n, slice=(("language", f"l{i}"),))
        for i, x in enumerate(counts)
    ]


_LIMIT, _MARGIN = 0.8, 0.05
_CERTIFY = "metric: accuracy, by: [language], certify: true"
_MIN = f"{_CERTIFY}, min: {_LIMIT}"
_DROP = f"{_CERTIFY}, versus_baseline: {{max_drop: {_MARGIN}}}"
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
    ),
)
