"""What is calibrated: sampled quantities whose truth is known, and the errors made at the limit.

Every case puts the truth exactly at the limit, where a gate errs most: a pass there is a false
pass, a fail a false fail.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from zlib import crc32

import numpy as np
from numpy.random import Generator

from gates.statistics.estimate import Estimate, Side

ALPHA = 0.05
"""One-sided, a single look: what a rule with confidence 0.95 spends."""
MOST = 0.08
"""The highest ceiling of any approximate method, as the page promises."""


@dataclass(frozen=True)
class Sampled:
    """A way to draw evidence about a quantity that is exactly `limit`.

    `side` is the bound that a pass rests on: lower for "at least the limit". `ceiling` is what an
    estimator marked approximate may err at most, beyond Monte-Carlo error; exact ones get ALPHA.
    """

    name: str
    data: str
    sizes: tuple[int, ...]
    draw: Callable[[Generator, int], Estimate]
    limit: float
    side: Side = "lower"
    ceiling: float = ALPHA

    def dice(self, n: int) -> Generator:
        """Seeded by the case and the size, so that every run draws the same."""
        return np.random.default_rng([crc32(self.name.encode()), n])


@dataclass(frozen=True)
class Errors:
    """How often the truth at the limit was passed or failed, of `tries`; 0 tries: enumerated."""

    false_pass: float
    false_fail: float
    tries: int = 0
    method: str = ""
    approximate: bool = False

    def slack(self, level: float) -> float:
        """Three standard errors of a simulated share that is really `level`; 0 by enumeration."""
        return 3.0 * sqrt(level * (1.0 - level) / self.tries) if self.tries else 1e-9


def passes(estimate: Estimate, limit: float, side: Side, alpha: float) -> bool:
    """The pass side of a rule in mode prove."""
    if side == "lower":
        return estimate.lower(alpha, errors=True) >= limit
    return estimate.upper(alpha, errors=True) <= limit


def fails(estimate: Estimate, limit: float, side: Side, alpha: float) -> bool:
    """The fail side of a rule that stands alone."""
    p = estimate.p_below(limit) if side == "lower" else estimate.p_above(limit)
    return p <= alpha


def simulated(case: Sampled, n: int, tries: int, alpha: float = ALPHA) -> Errors:
    """Shares of passes and fails over `tries` samples of n."""
    dice = case.dice(n)
    passed = failed = 0
    methods: Counter[str] = Counter()
    approximate = False
    for _ in range(tries):
        estimate = case.draw(dice, n)
        passed += passes(estimate, case.limit, case.side, alpha)
        failed += fails(estimate, case.limit, case.side, alpha)
        methods[estimate.method] += 1
        approximate |= estimate.approximate
    method = methods.most_common(1)[0][0] if methods else ""
    return Errors(passed / tries, failed / tries, tries, method, approximate)
