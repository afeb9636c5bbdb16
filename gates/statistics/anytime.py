"""Which sequence stands for which estimate, so that any number of looks keeps one error.

Where no sequence is known (clusters, supplied intervals, Chernoff), look j has alpha / (j (j + 1)):
those shares sum to one, so the union over all looks errs with alpha at most. It refuses nothing.
"""

from dataclasses import dataclass, replace
from math import inf

from gates.statistics.binomial import Rate
from gates.statistics.difference import RateDifference
from gates.statistics.estimate import Estimate, Side
from gates.statistics.f1 import F1
from gates.statistics.hybrid import HybridDifference
from gates.statistics.interval import Widest
from gates.statistics.mean import BoundedMean, StudentEstimate
from gates.statistics.paired_rates import PairedRates
from gates.statistics.quantile import OrderStatistic
from gates.statistics.separate import ScaledDifference
from gates.statistics.sequence_difference import SequentialRateDifference
from gates.statistics.sequence_mean import SequentialMean
from gates.statistics.sequence_order import SequentialOrder
from gates.statistics.sequence_pairs import SequentialPairs
from gates.statistics.sequence_rate import SequentialRate
from gates.statistics.skewed import SkewedMean
from gates.statistics.welch import MeanDifference

Cumulative = tuple[tuple[float, float], ...]


def sequence(known: Estimate, n_plan: float, number: int) -> Estimate:
    """The same quantity with bounds that hold at every look.

    Args:
        known: The estimate from all examples so far.
        n_plan: Examples for which the sequences are tuned; a guess costs sharpness, not validity.
        number: Which look this is, from 1; used where error is handed out look by look.
    """
    match known:
        case Rate():
            return SequentialRate(known, n_plan)
        case F1(jaccard=Rate() as jaccard):
            inner = SequentialRate(jaccard, n_plan)
            return replace(known, jaccard=inner, method="beta_mixture_f1")
        case OrderStatistic():
            return SequentialOrder(known, n_plan)
        case PairedRates():
            return SequentialPairs(known.for_it, known.against, known.n, known.n_errored)
        case RateDifference():
            return SequentialRateDifference(known.candidate, known.baseline, n_plan)
        case BoundedMean() | SkewedMean() | StudentEstimate() | MeanDifference():
            return _mean(known, n_plan)
        case ScaledDifference() | HybridDifference() | Widest():
            return _composed(known, n_plan, number)
        case _:
            return Spent(known, 1.0 / (number * (number + 1.0)))


def _composed(
    known: ScaledDifference | HybridDifference | Widest, n_plan: float, number: int
) -> Estimate:
    """Estimates made of others, from the sequences of those."""
    if isinstance(known, Widest):
        others = tuple(sequence(part, n_plan, number) for part in known.others)
        return Widest(sequence(known.first, n_plan, number), others)
    one = sequence(known.candidate, n_plan, number)
    two = sequence(known.baseline, n_plan, number)
    if isinstance(known, ScaledDifference):
        return replace(known, candidate=one, baseline=two)
    # MOVER has no guarantee at every look; both bounds at half the error have.
    share = known.factor - 1.0 if known.baseline.value > 0.0 else 1.0 - known.factor
    return ScaledDifference(one, two, share, relative=known.factor != 1.0)


def cumulative(known: Estimate) -> Cumulative:
    """(certain, possible) of the counts that may not shrink from look to look, examples first."""
    found: Cumulative | None = getattr(known, "cumulative", None)
    if found is not None:
        return found
    n = float(known.n or 0)
    return ((n, n),)


def _mean(
    known: BoundedMean | SkewedMean | StudentEstimate | MeanDifference, n_plan: float
) -> SequentialMean:
    def spread(side: Side, *, errors: bool) -> tuple[float, float]:
        match known:
            case BoundedMean():
                worst = known.low if side == "lower" else known.high
                return known.moments.with_worst(worst, known.n_errored if errors else 0)
            case MeanDifference():
                value, stderr, _ = known.against(side, errors=errors)
                return value, stderr
            case SkewedMean():
                value, stderr = known.against(side)
                return value, inf if errors and known.n_errored else stderr
            case StudentEstimate():
                stderr = known.stderr
        return known.value, inf if errors and known.n_errored else stderr

    size = known.n or 0
    ends = (-inf, inf)
    match known:
        case BoundedMean() | StudentEstimate():
            ends = (known.low, known.high)
        case MeanDifference():
            size = min(known.candidate.n, known.baseline.n)
    return SequentialMean(known, spread, size, n_plan, ends)


@dataclass(frozen=True, slots=True)
class Spent:
    """An estimate at one of many looks, with its `share` of the error; implements Estimate."""

    known: Estimate
    share: float

    @property
    def value(self) -> float:
        """That of the estimate."""
        return self.known.value

    @property
    def n(self) -> int | None:
        """That of the estimate."""
        return self.known.n

    @property
    def count(self) -> int | None:
        """That of the estimate."""
        return self.known.count

    @property
    def method(self) -> str:
        """That of the estimate."""
        return self.known.method

    @property
    def approximate(self) -> bool:
        """That of the estimate."""
        return self.known.approximate

    @property
    def scale(self) -> str:
        """That of the estimate."""
        return getattr(self.known, "scale", "metric")

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The bound at this look's share of alpha."""
        return self.known.lower(alpha * self.share, errors=errors)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The bound at this look's share of alpha."""
        return self.known.upper(alpha * self.share, errors=errors)

    def p_below(self, limit: float) -> float:
        """The p-value, dearer by the share."""
        return min(1.0, self.known.p_below(limit) / self.share)

    def p_above(self, limit: float) -> float:
        """The p-value, dearer by the share."""
        return min(1.0, self.known.p_above(limit) / self.share)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """At this look's share."""
        return self.known.samples_to_settle(limit, side, alpha * self.share)
