"""Imagined samples of one quantity, as the estimators of the rules would see them.

Each maker gives a `Draw`: the estimate from n examples whose average lies `luck` standard errors
above the truth. A skewed sample with a high average varies more than others: its variance is taken
at its mean given the average, s^2 (1 + g luck / sqrt n).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import atanh, exp, floor, inf, sqrt, tanh
from statistics import NormalDist
from typing import cast

from gates.planning.solving import Draw
from gates.planning.terms import Seen, sigma_of_skewness
from gates.rules.measured import MIN_CLUSTERS
from gates.statistics import agreement
from gates.statistics.auc import MIN_OF_CLASS, PlacementMean
from gates.statistics.binomial import Rate
from gates.statistics.correlation import MIN_EXAMPLES, Correlation
from gates.statistics.estimate import Estimate
from gates.statistics.f1 import F1
from gates.statistics.mean import BoundedMean, StudentEstimate
from gates.statistics.moments import Moments
from gates.statistics.quantile import OrderStatistic
from gates.statistics.skewed import MIN_SCORES, SkewedMean, needed
from gates.statistics.special import z_quantile

Range = tuple[float, float]
_LEAST_SHARE = 0.25
_LEVEL = 0.05
_STEPS = 30


def rate(n: int, truth: float, luck: float) -> Rate:
    """A rate."""
    count = n * truth + luck * sqrt(n * max(0.0, truth * (1.0 - truth)))
    x = min(n, max(0, round(count)))
    return Rate(x, x, n)


def f1(n: int, truth: float, luck: float) -> F1:
    """F1 from counts; n counts TP + FP + FN."""
    return F1(rate(n, truth / (2.0 - truth), luck))


def within(sd: float, ends: Range, *, assumed: bool) -> Callable[[float], float]:
    """The spread at a mean: an assumed one is no larger than the ends of the range allow."""
    low, high = ends

    def at(truth: float) -> float:
        most = sqrt(max(0.0, (truth - low) * (high - truth)))
        return min(sd, most) if assumed else sd

    return at


def bounded(spread: Callable[[float], float], ends: Range) -> Draw:
    """A mean of scores in a range."""

    def draw(n: int, truth: float, luck: float) -> Estimate:
        sd = spread(truth)
        value = min(ends[1], max(ends[0], truth + luck * sd / sqrt(n)))
        return BoundedMean(Moments(n, value, sd * sd * (n - 1)), *ends)

    return draw


def skewed(sd: Callable[[float], float], skewness: float, method: str = "hall_t") -> Draw:
    """An unbounded mean; the farthest values are those of a log-normal of such skewness."""
    least = needed(skewness)

    def draw(n: int, truth: float, luck: float) -> Estimate | None:
        spread = sd(truth)
        if n < least or not spread > 0.0:
            return None
        share = max(_LEAST_SHARE, 1.0 + skewness * luck / sqrt(n))
        value = truth + luck * spread / sqrt(n)
        low, high = _extremes(skewness, n)
        ends = (value + low * spread, value + high * spread)
        squares = spread * spread * share * (n - 1)
        return SkewedMean(Moments(n, value, squares, skewness, ends), method=method)

    return draw


def _extremes(skewness: float, n: int) -> tuple[float, float]:
    """About the least and the largest of n values, in standard deviations from their mean."""
    z = z_quantile(1.0 / n)
    if abs(skewness) < 0.01:
        return -z, z
    sigma = sigma_of_skewness(abs(skewness))
    wide = sqrt(exp(sigma * sigma) - 1.0)
    ends = [(exp(sigma * at - sigma * sigma / 2.0) - 1.0) / wide for at in (-z, z)]
    return (ends[0], ends[1]) if skewness > 0.0 else (-ends[1], -ends[0])


def student(sd: Callable[[float], float], ends: Range = (-inf, inf)) -> Draw:
    """Any statistic whose standard error shrinks as 1 / sqrt n."""

    def draw(n: int, truth: float, luck: float) -> Estimate | None:
        if n < MIN_SCORES:
            return None
        stderr = sd(truth) / sqrt(n)
        value = min(ends[1], max(ends[0], truth + luck * stderr))
        return StudentEstimate(value, stderr, n, 0, *ends)

    return draw


def as_seen(seen: Seen, ends: Range | None) -> Draw:
    """A mean as earlier data have it: between ends, a worst value is added to the sample.

    Examples in clusters count by clusters, of which a pass needs MIN_CLUSTERS; the worst value is
    then that of a whole cluster.
    """
    each = seen.each or 1.0
    sd = seen.sd / sqrt(each)
    if ends is not None:
        sd = _without_worst(sd, seen.value, max(2, floor(seen.n / each)), ends)
    plain = normal(sd) if ends is None else bounded(lambda _: sd, ends)

    def draw(n: int, truth: float, luck: float) -> Estimate | None:
        units = floor(n / each)
        if seen.clustered and units < MIN_CLUSTERS:
            return None
        return plain(units, truth, luck)

    return draw


def _without_worst(sd: float, value: float, n: int, ends: Range) -> float:
    """The spread with which the bounds of n values reach as far as with `sd` by the normal law.

    What was seen has a worst value added already; by bisection, as both ends may be the farther.
    """
    value = min(ends[1], max(ends[0], value))
    reach = z_quantile(_LEVEL) * sd / sqrt(n)
    low, high = 0.0, sd
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        known = BoundedMean(Moments(n, value, middle * middle * (n - 1)), *ends)
        bounds = (known.lower(_LEVEL, errors=False), known.upper(_LEVEL, errors=False))
        if max(value - bounds[0], bounds[1] - value) < reach:
            low = middle
        else:
            high = middle
    return high


def normal(sd: float) -> Draw:
    """A statistic of which only the spread on earlier data is known."""

    def draw(n: int, truth: float, luck: float) -> Estimate | None:
        return StudentEstimate(truth + luck * sd / sqrt(n), sd / sqrt(n), n) if n > 1 else None

    return draw


def auc(n: int, truth: float, luck: float) -> Estimate | None:
    """An area under the ROC curve, half the examples positive.

    The variance is that of Hanley and McNeil, Radiology 143 (1982), 29-36, for the placements of
    positives, A^2 (1 - A) / (1 + A), and of negatives, A / (2 - A) - A^2.
    """
    half = n // 2
    if half < MIN_OF_CLASS:
        return None
    above, below = placements(truth)
    value = min(1.0, max(0.0, truth + luck * sqrt((above + below) / half)))
    one, two = (Moments(half, value, v * (half - 1)) for v in (above, below))
    return PlacementMean(one, two, 0.0, 1.0)


def placements(area: float) -> tuple[float, float]:
    """Variances of the placements of positives and negatives."""
    square = area * area
    return max(0.0, 2.0 * square / (1.0 + area) - square), max(0.0, area / (2.0 - area) - square)


def kappa(n: int, truth: float, luck: float) -> Estimate | None:
    """Cohen's kappa of two equally common classes."""
    if n < 4:
        return None
    agreed = (1.0 + truth) / 2.0
    count = n * agreed + luck * sqrt(n * max(0.0, agreed * (1.0 - agreed)))
    same = min(n, max(0, floor(count)))
    apart = n - same
    table = ((same // 2, apart // 2), (apart - apart // 2, same - same // 2))
    try:
        return agreement.of_table(table)
    except ValueError:
        return None


def correlation(*, ranks: bool) -> Draw:
    """Pearson's or Spearman's correlation."""

    def draw(n: int, truth: float, luck: float) -> Estimate | None:
        if n < MIN_EXAMPLES or not -1.0 < truth < 1.0:
            return None
        stderr = sqrt((1.0 + (truth * truth / 2.0 if ranks else 0.0)) / (n - 3))
        return Correlation(tanh(atanh(truth) + luck * stderr), n, ranks)

    return draw


@dataclass(frozen=True, slots=True)
class _LogNormal(Sequence[float]):
    """The n values that a log-normal leads one to expect, smallest first, made as they are read."""

    n: int
    middle: float
    sigma: float

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, at: int) -> float:  # type: ignore[override]  # slices are never asked for
        at = at % self.n
        return self.middle * exp(-self.sigma * z_quantile((at + 0.5) / self.n))

    def __iter__(self) -> Iterator[float]:
        return (self[at] for at in range(self.n))


def quantile(q: float, sigma: float) -> Draw:
    """A quantile of log-normal values, `sigma` being the spread of their logarithms."""
    z = -z_quantile(q)

    def draw(n: int, truth: float, luck: float) -> Estimate:
        stderr = sigma * quantile_error(q) / sqrt(n)
        middle = truth * exp(luck * stderr - sigma * z)
        values = cast("tuple[float, ...]", _LogNormal(n, middle, sigma))
        return OrderStatistic(values, q)

    return draw


def quantile_error(q: float) -> float:
    """Standard error of a standard normal's quantile, times the root of n."""
    return sqrt(q * (1.0 - q)) / NormalDist().pdf(z_quantile(q))
