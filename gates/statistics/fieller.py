"""A ratio of sums, such as cost per success, without a division: Fieller's theorem.

Fieller, J. R. Statist. Soc. B 16 (1954): "ratio <= T" means that the mean of a - T b is at most
0, one test for each T. Hall's correction for skewness (gates.statistics.skewed) is applied to the
residuals at the estimate, and each side counts the example that speaks most against it twice, as
there. It refuses fewer than a hundred examples, and where the denominators may sum to nothing there
is no bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import cbrt, fsum, inf, isfinite, isnan, sqrt

from gates.statistics import power
from gates.statistics.estimate import Side
from gates.statistics.moments import Moments
from gates.statistics.special import t_quantile, t_tail

MIN_EXAMPLES = 100
Example = tuple[float, float]
"""(numerator, denominator)"""


@dataclass(frozen=True, slots=True)
class RatioOfSums:
    """sum(a) / sum(b) over examples, b >= 0; implements Estimate.

    `mean_a`, `mean_b` are means; `aa`, `ab`, `bb` sums of squared deviations and products;
    `skewness` is that of the residuals a - value * b; `ends` are the (a, b) whose residuals are the
    least and the largest. Errors leave nothing to say.

    Raises:
        ValueError: for fewer than 100 examples, denominators that sum to 0, or no spread.
    """

    mean_a: float
    mean_b: float
    aa: float
    ab: float
    bb: float
    skewness: float
    size: int
    n_errored: int = 0
    method: str = "fieller"
    approximate: bool = True
    count: int | None = None
    ends: tuple[Example, Example] | None = None

    def __post_init__(self) -> None:
        if self.size < MIN_EXAMPLES:
            raise ValueError(f"a ratio of sums needs {MIN_EXAMPLES} examples")
        if not self.mean_b > 0.0:
            raise ValueError("the denominators sum to nothing, so there is no ratio")
        if not 0.0 < self._squares(self.value) < inf:
            raise ValueError("a ratio of sums needs examples that differ")

    @property
    def value(self) -> float:
        """The ratio of the sums."""
        return self.mean_a / self.mean_b

    @property
    def n(self) -> int | None:
        """Scored examples."""
        return self.size

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The T at which the test of "ratio <= T" just rejects."""
        if errors and self.n_errored:
            return -inf
        known = self._joined(0)
        return known._at(known._t(t_quantile(alpha, known.size - 1)))  # noqa: SLF001 - of its own kind

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The T at which the test of "ratio >= T" just rejects."""
        if errors and self.n_errored:
            return inf
        known = self._joined(1)
        return known._at(known._t(-t_quantile(alpha, known.size - 1)))  # noqa: SLF001 - of its own kind

    def p_below(self, limit: float) -> float:
        """T test of H0 "ratio >= limit"."""
        known = self._joined(1)
        return t_tail(-known._hall(limit), known.size - 1)  # noqa: SLF001 - of its own kind

    def p_above(self, limit: float) -> float:
        """T test of H0 "ratio <= limit"."""
        known = self._joined(0)
        return t_tail(known._hall(limit), known.size - 1)  # noqa: SLF001 - of its own kind

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """The normal formula on a - limit * b; None with errors."""
        gap = self.value - limit if side == "lower" else limit - self.value
        deviation = sqrt(self._squares(limit) / (self.size - 1)) / self.mean_b
        n = power.mean(gap, deviation, alpha)
        return None if n is None or self.n_errored else max(MIN_EXAMPLES, n)

    def _joined(self, end: int) -> "RatioOfSums":
        """The same with the example of the least (0) or largest (1) residual once more."""
        if self.ends is None:
            return self
        a, b = self.ends[end]
        n, more = self.size, self.size + 1
        x, y = a - self.mean_a, b - self.mean_b
        rest = Moments(n, 0.0, self._squares(self.value), self.skewness).joined(a - self.value * b)
        weight = n / more
        return replace(
            self,
            mean_a=self.mean_a + x / more,
            mean_b=self.mean_b + y / more,
            aa=self.aa + x * x * weight,
            ab=self.ab + x * y * weight,
            bb=self.bb + y * y * weight,
            skewness=rest.skewness,
            size=more,
            ends=None,
        )

    def _squares(self, ratio: float) -> float:
        """The sum of squared deviations of a - ratio * b."""
        return max(0.0, self.aa - 2.0 * self.ab * ratio + self.bb * ratio * ratio)

    def _hall(self, limit: float) -> float:
        """Hall's t of the mean of a - limit b; 0 where no number comes out."""
        error = sqrt(self._squares(limit) / (self.size - 1) / self.size)
        gap = self.mean_a - limit * self.mean_b
        if not (isfinite(gap) and isfinite(error)):
            # Far out the test is that of the denominators alone.
            error, gap = sqrt(self.bb / (self.size - 1) / self.size), -self.mean_b
            gap = gap if limit > 0.0 else -gap
        if error == 0.0:
            return inf if gap > 0.0 else -inf if gap < 0.0 else 0.0
        t, bend = gap / error, self._bend
        found = t + bend * t * t + bend * bend * t * t * t / 3.0 + bend / 2.0
        return 0.0 if isnan(found) else found

    @property
    def _bend(self) -> float:
        return self.skewness / (3.0 * sqrt(self.size))

    def _t(self, hall: float) -> float:
        """The t behind Hall's t."""
        bend = self._bend
        if abs(bend) < 1e-9 or not isfinite(hall):
            return hall
        return (cbrt(1.0 + 3.0 * bend * (hall - bend / 2.0)) - 1.0) / bend

    def _at(self, t: float) -> float:
        """The ratio at which the t statistic is `t`; infinite where the denominators allow it.

        (A - B T)^2 = k (S_aa - 2 S_ab T + S_bb T^2), k = t^2 / (n (n - 1)).
        """
        unknown = -inf if t > 0.0 else inf
        k = t * t / (self.size * (self.size - 1.0))
        lead = self.mean_b * self.mean_b - k * self.bb
        half = self.mean_a * self.mean_b - k * self.ab
        last = self.mean_a * self.mean_a - k * self.aa
        if not (lead > 0.0 and isfinite(half) and isfinite(last)):
            return unknown
        root = sqrt(max(0.0, half * half - lead * last)) / lead
        bound = half / lead - root if t > 0.0 else half / lead + root
        return unknown if isnan(bound) else bound


def of_scores(
    numerators: Sequence[float], denominators: Sequence[float], n_errored: int = 0
) -> RatioOfSums:
    """The ratio of two sums over the same examples.

    Raises:
        ValueError: for lengths that differ, or as for `RatioOfSums`.
    """
    n = len(numerators)
    if n < MIN_EXAMPLES:
        raise ValueError(f"a ratio of sums needs {MIN_EXAMPLES} examples")
    a, b = fsum(numerators) / n, fsum(denominators) / n
    if not b > 0.0:
        raise ValueError("the denominators sum to nothing, so there is no ratio")
    pairs = [(x - a, y - b) for x, y in zip(numerators, denominators, strict=True)]
    rest = [x - a / b * y for x, y in pairs]
    ends = (rest.index(min(rest)), rest.index(max(rest)))
    second, third = fsum(r * r for r in rest) / n, fsum(r * r * r for r in rest) / n
    return RatioOfSums(
        a,
        b,
        fsum(x * x for x, _ in pairs),
        fsum(x * y for x, y in pairs),
        fsum(y * y for _, y in pairs),
        third / second**1.5 if second > 0.0 else 0.0,
        n,
        n_errored,
        ends=(
            (numerators[ends[0]], denominators[ends[0]]),
            (numerators[ends[1]], denominators[ends[1]]),
        ),
    )
