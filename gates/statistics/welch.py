"""The difference of two means from separate samples: Welch's t, Biometrika 34 (1947).

With a declared range each arm gets a pseudo-score at its worst value (statistics.md, correction
6). df is that of the smaller arm, which errs on the safe side. It refuses arms that are too small
or without spread to speak of.
"""

from dataclasses import dataclass
from math import ceil, hypot, inf, sqrt

from gates.statistics import power
from gates.statistics.estimate import Side
from gates.statistics.mean import t_p_value
from gates.statistics.moments import Moments
from gates.statistics.skewed import MIN_SCORES
from gates.statistics.special import t_quantile

MIN_BOUNDED = 10


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """Candidate - baseline, means of scores in `value_range` or unbounded; implements Estimate.

    For the lower bound the candidate's pseudo-score and errors lie at the bottom of the range and
    the baseline's at its top, for the upper bound the reverse; errors move the means and leave
    sizes and spread alone. Unbounded, errors of either arm
    leave nothing to say.

    Raises:
        ValueError: for arms below 10 scores (100 unbounded), or unbounded arms without spread.
    """

    candidate: Moments
    baseline: Moments
    value_range: tuple[float, float] | None
    candidate_errors: int = 0
    baseline_errors: int = 0
    method: str = "welch_t"
    approximate: bool = True
    count: int | None = None

    def __post_init__(self) -> None:
        least = MIN_SCORES if self.value_range is None else MIN_BOUNDED
        if self._smaller < least:
            raise ValueError(f"a difference of means needs {least} scores in each arm")
        stderrs = (self.candidate.stderr, self.baseline.stderr)
        if self.value_range is None and not (min(stderrs) > 0.0 and max(stderrs) < inf):
            raise ValueError("a difference of unbounded means needs scores that differ")

    @property
    def value(self) -> float:
        """Difference of the observed means."""
        return self.candidate.mean - self.baseline.mean

    @property
    def n(self) -> int | None:
        """The candidate's scored examples."""
        return self.candidate.n

    def lower(self, alpha: float, *, errors: bool) -> float:
        """Difference - t stderr."""
        gap, stderr, df = self.against("lower", errors=errors)
        return max(-self._width, gap - t_quantile(alpha, df) * stderr)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """Difference + t stderr."""
        gap, stderr, df = self.against("upper", errors=errors)
        return min(self._width, gap + t_quantile(alpha, df) * stderr)

    def p_below(self, limit: float) -> float:
        """T test of H0 "difference >= limit"."""
        if limit > self._width:
            return 0.0
        gap, stderr, df = self.against("upper", errors=False)
        return t_p_value(limit - gap, stderr, df)

    def p_above(self, limit: float) -> float:
        """T test of H0 "difference <= limit"."""
        if limit < -self._width:
            return 0.0
        gap, stderr, df = self.against("lower", errors=False)
        return t_p_value(gap - limit, stderr, df)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Candidate examples, the baseline and all errors growing in proportion."""
        below = side == "lower"
        if not (self.value > limit if below else self.value < limit):
            return None
        least = MIN_SCORES if self.value_range is None else MIN_BOUNDED

        def clears(n: int) -> bool:
            grown = self._grown(max(n, least))
            gap, stderr, df = grown.against(side, errors=True)
            margin = (t_quantile(alpha, df) + power.Z_POWER) * stderr
            return gap - margin >= limit if below else gap + margin <= limit

        n = power.first(clears)
        if n is None:
            return None
        grown = self._grown(max(n, least))
        return grown.candidate.n + grown.candidate_errors

    def _grown(self, n: int) -> "MeanDifference":
        factor = n / self._smaller
        return MeanDifference(
            self.candidate.resized(max(n, ceil(self.candidate.n * factor))),
            self.baseline.resized(max(n, ceil(self.baseline.n * factor))),
            self.value_range,
            ceil(self.candidate_errors * factor),
            ceil(self.baseline_errors * factor),
        )

    @property
    def _smaller(self) -> int:
        return min(self.candidate.n, self.baseline.n)

    @property
    def _width(self) -> float:
        """The largest difference there can be."""
        return inf if self.value_range is None else self.value_range[1] - self.value_range[0]

    def against(self, side: Side, *, errors: bool) -> tuple[float, float, int]:
        """(difference, standard error, df) with everything that speaks against the bound."""
        one, two = self.candidate, self.baseline
        e1, e0 = (self.candidate_errors, self.baseline_errors) if errors else (0, 0)
        if self.value_range is None:
            unknown = inf if e1 or e0 else 0.0
            gap = self.value - unknown if side == "lower" else self.value + unknown
            return gap, hypot(one.stderr, two.stderr), self._smaller - 1
        low, high = self.value_range if side == "lower" else self.value_range[::-1]
        gap = _worsened(one, low, e1) - _worsened(two, high, e0)
        return gap, hypot(self._stderr(one), self._stderr(two)), self._smaller

    def _stderr(self, arm: Moments) -> float:
        """That of the arm with its pseudo-score, placed a whole range away from the mean.

        So the spread hangs neither on the mean nor on errors, and worse evidence never narrows.
        """
        n, width = arm.n, self._width
        return sqrt((arm.squares + width * width * (n / (n + 1))) / n / (n + 1))


def _worsened(arm: Moments, worst: float, errors: int) -> float:
    """The mean after a pseudo-score and the errors joined, all at `worst`."""
    return worst + (arm.mean - worst) * (arm.n / (arm.n + 1 + errors))
