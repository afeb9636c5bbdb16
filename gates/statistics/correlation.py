"""Correlations: Fisher's z, with the wider error of Bonett and Wright for ranks.

Fisher, Metron 1 (1921); Bonett and Wright, Psychometrika 65 (2000), 23-28, for Spearman. A perfect
correlation of n examples counts as 1 - 1/n, so that it proves no more than its sample does. It
refuses fewer than 20 examples, and series that do not vary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atanh, fsum, inf, sqrt, tanh

from gates.statistics import power
from gates.statistics.estimate import Side
from gates.statistics.special import z_quantile, z_tail

MIN_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation of n pairs; implements Estimate. `ranks` for Spearman's.

    Raises:
        ValueError: for fewer than 20 pairs, or a value outside -1 to 1.
    """

    value: float
    n: int
    ranks: bool
    n_errored: int = 0
    method: str = "fisher_z"
    approximate: bool = True
    count: int | None = None

    def __post_init__(self) -> None:
        if self.n < MIN_EXAMPLES:
            raise ValueError(f"a correlation needs {MIN_EXAMPLES} examples")
        if not -1.0 <= self.value <= 1.0:
            raise ValueError("a correlation lies in -1 to 1")

    def lower(self, alpha: float, *, errors: bool) -> float:
        """tanh(z - z_alpha stderr)."""
        if errors and self.n_errored:
            return -1.0
        return tanh(self._z("lower") - z_quantile(alpha) * self._stderr)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """tanh(z + z_alpha stderr)."""
        if errors and self.n_errored:
            return 1.0
        return tanh(self._z("upper") + z_quantile(alpha) * self._stderr)

    def p_below(self, limit: float) -> float:
        """Normal test of H0 "correlation >= limit" on the scale of z."""
        if limit > 1.0:
            return 0.0
        return z_tail((_atanh(limit) - self._z("upper")) / self._stderr)

    def p_above(self, limit: float) -> float:
        """Normal test of H0 "correlation <= limit" on the scale of z."""
        if limit < -1.0:
            return 0.0
        return z_tail((self._z("lower") - _atanh(limit)) / self._stderr)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """The normal formula on the scale of z; None with errors."""
        if self.n_errored or not -1.0 < limit < 1.0:
            return None
        sign = 1.0 if side == "lower" else -1.0
        gap = sign * (self._z(side) - atanh(limit))
        n = (
            power.mean(gap, self._stderr * sqrt(self.n - 3), alpha)
            if sign * (self.value - limit) > 0.0
            else None
        )
        return None if n is None else max(MIN_EXAMPLES, n + 3)

    def _z(self, side: Side) -> float:
        most = 1.0 - 1.0 / self.n
        return _atanh(min(most, self.value) if side == "lower" else max(-most, self.value))

    @property
    def _stderr(self) -> float:
        wider = 1.0 + (self.value * self.value / 2.0 if self.ranks else 0.0)
        return sqrt(wider / (self.n - 3))


def of_pairs(
    one: Sequence[float], two: Sequence[float], *, ranks: bool, n_errored: int = 0
) -> Correlation:
    """Pearson's correlation of two series, or with `ranks` Spearman's.

    Raises:
        ValueError: as for `Correlation`, or for a series that does not vary.
    """
    if ranks:
        one, two = _ranked(one), _ranked(two)
    n = len(one)
    if n < MIN_EXAMPLES:
        raise ValueError(f"a correlation needs {MIN_EXAMPLES} examples")
    first, second = _centred(one), _centred(two)
    value = fsum(a * b for a, b in zip(first, second, strict=True))
    return Correlation(min(1.0, max(-1.0, value)), n, ranks, n_errored)


def _centred(values: Sequence[float]) -> list[float]:
    """The deviations from the mean, scaled to length 1."""
    mean = fsum(values) / len(values)
    apart = [value - mean for value in values]
    most = max(map(abs, apart))
    if most == 0.0 or len(set(values)) == 1:
        raise ValueError("a series that does not vary correlates with nothing")
    apart = [value / most for value in apart]
    length = sqrt(fsum(value * value for value in apart))
    return [value / length for value in apart]


def _ranked(values: Sequence[float]) -> list[float]:
    """Ranks from 1, ties sharing their mean."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for position in range(start, end + 1):
            ranks[order[position]] = (start + end) / 2.0 + 1.0
        start = end + 1
    return ranks


def _atanh(value: float) -> float:
    if -1.0 < value < 1.0:
        return atanh(value)
    return inf if value > 0.0 else -inf
