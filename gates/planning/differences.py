"""Imagined samples of candidate and baseline: separate, or the same examples pair by pair.

Separate arms are unlucky together, each by its part of the variance of their difference.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

from gates.planning import draws
from gates.planning.solving import Draw
from gates.planning.terms import CORRELATION, DISAGREEMENT
from gates.statistics.auc import MIN_OF_CLASS, PlacementMean
from gates.statistics.binomial import Rate
from gates.statistics.difference import RateDifference
from gates.statistics.estimate import Estimate
from gates.statistics.hybrid import HybridDifference
from gates.statistics.mean import BoundedMean
from gates.statistics.moments import Moments
from gates.statistics.paired_rates import PairedRates
from gates.statistics.skewed import MIN_SCORES, SkewedMean
from gates.statistics.welch import MIN_BOUNDED, MeanDifference


@dataclass(frozen=True, slots=True)
class Arms:
    """What is compared: the baseline's level, its factor, and its size for one of the candidate."""

    level: float
    factor: float = 1.0
    size: float = 1.0

    def of_baseline(self, n: int) -> int:
        """The baseline's examples beside n of the candidate."""
        return max(1, round(n * self.size))


def unlucky(
    arms: Arms, change: float, luck: float, spread: Callable[[float], float], n: int
) -> tuple[float, float]:
    """Candidate and baseline of a sample whose difference lies `luck` errors off, by variance."""
    above = arms.level + change
    first = spread(above) ** 2 / n
    second = (arms.factor * spread(arms.level)) ** 2 / arms.of_baseline(n)
    total = sqrt(first + second)
    if total == 0.0:
        return above, arms.level
    return above + luck * first / total, arms.level - luck * second / total / arms.factor


def rate_spread(p: float) -> float:
    """Of one answer that is right with chance p."""
    return sqrt(max(0.0, p * (1.0 - p)))


def f1_spread(f1: float) -> float:
    """By the delta method on F1 = 2J / (1 + J)."""
    j = f1 / (2.0 - f1)
    return 2.0 / (1.0 + j) ** 2 * rate_spread(j)


SPREADS: dict[str, Callable[[float], float]] = {
    "roc_auc": lambda a: sqrt(2.0 * sum(draws.placements(min(1.0, max(0.0, a))))),
    "kappa": lambda k: 2.0 * rate_spread((1.0 + k) / 2.0),
    "pearson": lambda r: 1.0 - r * r,
    "spearman": lambda r: (1.0 - r * r) * sqrt(1.0 + r * r / 2.0),
}


def rates(arms: Arms) -> Draw:
    """Two counted rates."""

    def draw(n: int, change: float, luck: float) -> Estimate | None:
        if not 0.0 <= arms.level + change <= 1.0:
            return None
        one, two = unlucky(arms, change, luck, rate_spread, n)
        m = arms.of_baseline(n)
        first, second = _counted(one, n), _counted(two, m)
        if arms.factor == 1.0:
            return RateDifference(first, second)
        return HybridDifference(first, second, arms.factor)

    return draw


def _counted(share: float, n: int) -> Rate:
    x = min(n, max(0, round(n * share)))
    return Rate(x, x, n)


def paired_rates(level: float) -> Draw:
    """Two rates on the same examples, of which one in ten answers differs."""

    def draw(n: int, change: float, luck: float) -> Estimate | None:
        if not 0.0 <= level + change <= 1.0:
            return None
        only, lost = disagreeing(n, change, luck)
        both = round((n - only - lost) * level)
        return PairedRates(only, lost, only + both, n)

    return draw


def disagreeing(n: int, change: float, luck: float) -> tuple[int, int]:
    """Pairs that only the candidate, and that only the baseline answers right."""
    apart = max(DISAGREEMENT, abs(change))
    gap = change + luck * sqrt(max(0.0, apart - change * change) / n)
    only, lost = (max(0, round(n * (apart + sign * gap) / 2.0)) for sign in (1.0, -1.0))
    return min(only, n), min(lost, n - min(only, n))


def means(arms: Arms, sd: float, ends: tuple[float, float] | None, skewness: float = 0.0) -> Draw:
    """Two means of separate samples; skewness matters only without a range."""
    if arms.factor != 1.0:
        plain = draws.skewed(lambda _: sd, skewness)
        one = plain if ends is None else draws.bounded(lambda _: sd, ends)
        return hybrid(one, arms, lambda _: sd)
    least = MIN_SCORES if ends is None else MIN_BOUNDED

    def draw(n: int, change: float, luck: float) -> Estimate | None:
        m = arms.of_baseline(n)
        if min(n, m) < least:
            return None
        one, two = unlucky(arms, change, luck, lambda _: sd, n)
        sides = (Moments(n, one, sd * sd * (n - 1)), Moments(m, two, sd * sd * (m - 1)))
        return MeanDifference(*sides, ends)

    return draw


def paired_mean(arms: Arms, sd: float, ends: tuple[float, float] | None) -> Draw:
    """Two means on the same examples, whose scores correlate by a half."""
    f = arms.factor
    apart = sd * sqrt(1.0 + f * f - 2.0 * f * CORRELATION)

    def draw(n: int, change: float, luck: float) -> Estimate | None:
        value = arms.level + change - f * arms.level + luck * apart / sqrt(n)
        moments = Moments(n, value, apart * apart * (n - 1))
        if ends is not None:
            low, high = ends[0] - f * ends[1], ends[1] - f * ends[0]
            return BoundedMean(moments, low, high, method="paired_t")
        return SkewedMean(moments) if n >= MIN_SCORES else None

    return draw


def paired_auc(arms: Arms) -> Draw:
    """Differences of placements, which correlate as scores do."""
    above, below = (2.0 * (1.0 - CORRELATION) * v for v in draws.placements(arms.level))

    def draw(n: int, change: float, luck: float) -> Estimate | None:
        half = n // 2
        if half < MIN_OF_CLASS:
            return None
        value = change + luck * sqrt((above + below) / half)
        one, two = (Moments(half, value, v * (half - 1)) for v in (above, below))
        return PlacementMean(one, two, -1.0, 1.0)

    return draw


def hybrid(one: Draw, arms: Arms, spread: Callable[[float], float]) -> Draw:
    """A difference by the bounds of either arm (MOVER)."""

    def draw(n: int, change: float, luck: float) -> Estimate | None:
        first, second = unlucky(arms, change, luck, spread, n)
        sides = one(n, first, 0.0), one(arms.of_baseline(n), second, 0.0)
        if sides[0] is None or sides[1] is None:
            return None
        return HybridDifference(sides[0], sides[1], arms.factor)

    return draw
