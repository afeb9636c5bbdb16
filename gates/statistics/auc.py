"""The area under the ROC curve: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), 837-845.

Placements (the share of negatives below each positive, of positives above each negative) are two
independent samples whose mean is the AUC; a paired difference is the same for differences of
placements. Each sample gets a pseudo-placement at its worst value, so that perfect separation
proves no more than its sample does (at 5%, 50 of each class: false pass at most 5.1% simulated).
It refuses fewer than 50 examples of a class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, isnan

from gates.statistics import moments, power
from gates.statistics.arrays import Array, array, numpy
from gates.statistics.estimate import Side
from gates.statistics.mean import t_p_value
from gates.statistics.moments import Moments
from gates.statistics.special import t_quantile

MIN_OF_CLASS = 50


@dataclass(frozen=True, slots=True)
class PlacementMean:
    """An AUC in [0, 1] or a paired difference of two in [-1, 1]; implements Estimate.

    An error may belong to either class, so it counts in both, at the worst placement.

    Raises:
        ValueError: for fewer than 50 examples of a class.
    """

    positives: Moments
    negatives: Moments
    low: float
    high: float
    n_errored: int = 0
    method: str = "delong"
    approximate: bool = True
    count: int | None = None

    def __post_init__(self) -> None:
        if self._smaller < MIN_OF_CLASS:
            raise ValueError(f"an AUC needs {MIN_OF_CLASS} examples of each class")

    @property
    def value(self) -> float:
        """The AUC, or the difference."""
        return self.positives.mean

    @property
    def n(self) -> int | None:
        """Examples of both classes."""
        return self.positives.n + self.negatives.n

    def lower(self, alpha: float, *, errors: bool) -> float:
        """Centre - t stderr, t with as many degrees as the smaller class has examples."""
        centre, stderr = self._against(self.low, errors=errors)
        bound = centre - t_quantile(alpha, self._smaller) * stderr
        return self.low if isnan(bound) else min(self.high, max(self.low, bound))

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The mirror image."""
        centre, stderr = self._against(self.high, errors=errors)
        bound = centre + t_quantile(alpha, self._smaller) * stderr
        return self.high if isnan(bound) else min(self.high, max(self.low, bound))

    def p_below(self, limit: float) -> float:
        """T test of H0 "theta >= limit"."""
        if limit > self.high:
            return 0.0
        centre, stderr = self._against(self.high, errors=False)
        return t_p_value(limit - centre, stderr, self._smaller)

    def p_above(self, limit: float) -> float:
        """T test of H0 "theta <= limit"."""
        if limit < self.low:
            return 0.0
        centre, stderr = self._against(self.low, errors=False)
        return t_p_value(centre - limit, stderr, self._smaller)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Examples of both classes, mixed as now; None with errors."""
        gap = self.value - limit if side == "lower" else limit - self.value
        worst = self.low if side == "lower" else self.high
        _, stderr = self._against(worst, errors=False)
        size = self.positives.n + self.negatives.n
        return None if self.n_errored else power.mean(gap, stderr * size**0.5, alpha)

    @property
    def variance(self) -> float:
        """DeLong's variance of the value."""
        return self.positives.stderr**2 + self.negatives.stderr**2

    @property
    def _smaller(self) -> int:
        return min(self.positives.n, self.negatives.n)

    def _against(self, worst: float, *, errors: bool) -> tuple[float, float]:
        e = self.n_errored if errors else 0
        one, first = self.positives.with_worst(worst, e)
        two, second = self.negatives.with_worst(worst, e)
        return one + two - self.value, hypot(first, second)


def of_scores(
    scores: Sequence[float], labels: Sequence[float], n_errored: int = 0
) -> PlacementMean:
    """The AUC of scores where labels are 1 and 0; ties count half.

    Raises:
        ValueError: for other labels, or fewer than 50 of a class.
    """
    above, below = placements(scores, labels)
    return PlacementMean(_moments(above), _moments(below), 0.0, 1.0, n_errored)


def paired(
    one: Sequence[float], two: Sequence[float], labels: Sequence[float], n_errored: int = 0
) -> PlacementMean:
    """AUC(one) - AUC(two) on the same examples.

    Raises:
        ValueError: as for `of_scores`.
    """
    first, second = placements(one, labels), placements(two, labels)
    above, below = first[0] - second[0], first[1] - second[1]
    return PlacementMean(
        _moments(above), _moments(below), -1.0, 1.0, n_errored, method="delong_paired"
    )


def placements(scores: Sequence[float], labels: Sequence[float]) -> tuple[Array, Array]:
    """(share of negatives below each positive, share of positives above each negative).

    Raises:
        ValueError: for labels other than 0 and 1, or scores that are not as many.
    """
    np = numpy()
    values, truth = array(scores), array(labels)
    if values.shape != truth.shape or not bool(((truth == 0) | (truth == 1)).all()):
        raise ValueError("an AUC needs one label, 0 or 1, for each score")
    positive, negative = values[truth == 1], values[truth == 0]
    return (
        _share_below(positive, np.sort(negative)),
        1.0 - _share_below(negative, np.sort(positive)),
    )


def _share_below(values: Array, others: Array) -> Array:
    """The share of `others`, which are sorted, below each value; ties count half."""
    left = others.searchsorted(values, side="left")
    right = others.searchsorted(values, side="right")
    found: Array = (left + right) / (2.0 * max(1, len(others)))
    return found


def _moments(values: Array) -> Moments:
    if len(values) == 0:
        return Moments(0, 0.0, 0.0)
    return moments.of_scores(values.tolist())
