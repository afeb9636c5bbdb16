"""The population stability index of binned counts, with its distribution.

Yurdakul and Naranjo, Journal of Risk Model Validation 14 (2020): without drift PSI is (1/n + 1/m)
times a chi-square with B - 1 degrees of freedom; with drift, nearly a noncentral one. So a bound
is an inverted noncentral chi-square, and a sample of a hundred no longer "drifts" by chance (40%
of such exceed 0.2). The upper bound takes none of that chance off, because fewer examples must
not look better. Half a count is added to every bin. It refuses fewer than two bins.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum, inf, isfinite, log, sqrt

from gates.statistics import power
from gates.statistics.estimate import Side
from gates.statistics.special import noncentral_chi2, z_quantile, z_tail

_STEPS = 80
_LARGE = 2000.0
_ADDED = 0.5


@dataclass(frozen=True, slots=True)
class StabilityIndex:
    """A PSI over `bins` bins of samples of n and m; implements Estimate.

    Errors leave nothing to say: a lost example may lie in any bin.

    Raises:
        ValueError: for fewer than two bins or an empty sample.
    """

    value: float
    bins: int
    sizes: tuple[int, int]
    n_errored: int = 0
    method: str = "psi_noncentral_chi2"
    approximate: bool = True
    count: int | None = None

    def __post_init__(self) -> None:
        if self.bins < 2 or min(self.sizes) < 1:
            raise ValueError("a stability index needs two bins and two samples")

    @property
    def n(self) -> int | None:
        """Examples of the current sample."""
        return self.sizes[1]

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The largest PSI that is refuted from above; 0 without one."""
        if errors and self.n_errored:
            return 0.0
        return self._edge(lambda shift: self._above(shift) > alpha)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The smallest PSI that is refuted from below."""
        if errors and self.n_errored:
            return inf
        return self._edge(lambda shift: self._below(shift) <= alpha)

    def p_below(self, limit: float) -> float:
        """P(PSI this small or smaller) at the limit."""
        return 1.0 if limit <= 0.0 else self._below(limit / self._scale)

    def p_above(self, limit: float) -> float:
        """P(PSI this large or larger) at the limit."""
        return 0.0 if limit < 0.0 else self._above(limit / self._scale)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Examples of the current sample, the reference growing in proportion; None with errors."""
        gap = self.value - limit if side == "lower" else limit - self.value
        if self.n_errored or not gap > 0.0 or not alpha > 0.0:
            return None
        size, df = self.sizes[1], self.bins - 1

        def clears(n: int) -> bool:
            scale = self._scale * size / n
            spread = sqrt(2.0 * scale * (df * scale + 2.0 * max(self.value, limit)))
            reach = (z_quantile(alpha) + power.Z_POWER) * spread
            return gap >= reach + (df * scale if side == "lower" else 0.0)

        return power.first(clears)

    @property
    def _scale(self) -> float:
        return 1.0 / self.sizes[0] + 1.0 / self.sizes[1]

    def _below(self, shift: float) -> float:
        return _tail(self.value / self._scale + self.bins - 1, self.bins - 1, shift)

    def _above(self, shift: float) -> float:
        return _tail(self.value / self._scale, self.bins - 1, shift, above=True)

    def _edge(self, crossed: Callable[[float], bool]) -> float:
        """The PSI at which a condition that stays true starts to hold, by bisection."""
        low, high = 0.0, 4.0 * (self.value / self._scale + self.bins + 100.0)
        if crossed(low):
            return 0.0
        while not crossed(high):
            if high > 1e18:
                return inf
            high *= 4.0
        for _ in range(_STEPS):
            middle = (low + high) / 2.0
            low, high = (low, middle) if crossed(middle) else (middle, high)
        return low * self._scale


def of_counts(
    reference: Sequence[int], current: Sequence[int], n_errored: int = 0
) -> StabilityIndex:
    """The PSI of two rows of counts over the same bins.

    Raises:
        ValueError: for rows of different length, fewer than two bins, or an empty row.
    """
    if len(reference) != len(current):
        raise ValueError("the rows of a stability index have the same bins")
    n, m = sum(reference), sum(current)
    more = _ADDED * len(reference)
    value = fsum(
        (q - p) * log(q / p)
        for p, q in (
            ((a + _ADDED) / (n + more), (b + _ADDED) / (m + more))
            for a, b in zip(reference, current, strict=True)
        )
    )
    return StabilityIndex(max(0.0, value), len(reference), (n, m), n_errored)


def of_value(value: float, bins: int, sizes: tuple[int, int], n_errored: int = 0) -> StabilityIndex:
    """The estimate from a stated PSI. Raises ValueError as `StabilityIndex` does."""
    return StabilityIndex(value, bins, sizes, n_errored)


def _tail(x: float, df: int, shift: float, *, above: bool = False) -> float:
    """P(X <= x), or with `above` P(X >= x), of a noncentral chi-square; normal far out."""
    if x <= 0.0:
        return 1.0 if above else 0.0
    if max(x, shift, float(df)) < _LARGE:
        below = noncentral_chi2(x, df, shift)
        if isfinite(below):
            return min(1.0, max(0.0, 1.0 - below if above else below))
    # Sankaran's cube-root-like power (Biometrika 50, 1963) is nearly exact this far out.
    first, second = df + shift, df + 2.0 * shift
    h = 1.0 - 2.0 / 3.0 * first * (df + 3.0 * shift) / (second * second)
    p = second / (first * first)
    m = (h - 1.0) * (1.0 - 3.0 * h)
    centre = 1.0 + h * p * (h - 1.0 - 0.5 * (2.0 - h) * m * p)
    spread = h * sqrt(2.0 * p) * (1.0 + 0.5 * m * p)
    z = ((x / first) ** h - centre) / spread
    return z_tail(z) if above else z_tail(-z)
