"""Rates and bounded means of examples that come in clusters: a t test over clusters.

statistics.md, correction 4: t on y_c = sum over the cluster of (s - T), divided by the size of the
largest cluster, plus one pseudo-cluster of worst values, df = number of clusters. Treating
repeats as new examples would pass 10 to 36% of bad candidates. It refuses unbounded scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, isnan, sqrt

from gates.statistics.estimate import Side
from gates.statistics.mean import t_p_value
from gates.statistics.special import t_quantile


@dataclass(frozen=True, slots=True)
class ClusteredMean:
    """The mean of scores in [low, high] that come in clusters; implements Estimate.

    `totals` are (sum of scores, size) per cluster. Errors belong to no known cluster: e of them
    pull a bound b over n scores to (n b + e worst) / (n + e).
    """

    totals: tuple[tuple[float, int], ...]
    low: float
    high: float
    n_errored: int = 0
    method: str = "clustered_t"
    approximate: bool = True
    count: int | None = None
    spread: float = 0.0
    """The sum of squared deviations of scores from their mean; only `worth` needs it."""

    @property
    def worth(self) -> tuple[int, int] | None:
        """Clusters, and how many separate examples would tell as much; None where none differ.

        n over the design effect: squared sums of clusters' deviations to those of examples.
        """
        mean = self.value
        together = fsum((total - mean * size) ** 2 for total, size in self.totals)
        if not (self.spread > 0.0 and together > 0.0):
            return None
        separate = round(self._size * self.spread / together)
        return len(self.totals), max(1, min(self._size, separate))

    @property
    def value(self) -> float:
        """The mean over examples."""
        return fsum(total for total, _ in self.totals) / self._size

    @property
    def n(self) -> int | None:
        """Scored examples, not clusters."""
        return self._size

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The largest T that is refuted from above."""
        return self.low + self._refuted(self._from(self.low, 1.0), alpha, errors=errors)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The smallest T that is refuted from below."""
        return self.high - self._refuted(self._from(self.high, -1.0), alpha, errors=errors)

    def p_below(self, limit: float) -> float:
        """T test of H0 "mean >= limit"."""
        return self._p(self._from(self.high, -1.0), self.high - limit)

    def p_above(self, limit: float) -> float:
        """T test of H0 "mean <= limit"."""
        return self._p(self._from(self.low, 1.0), limit - self.low)

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """None: the number of clusters is what counts, and nobody asks for those by number."""
        del limit, side, alpha
        return None

    @property
    def _size(self) -> int:
        return sum(size for _, size in self.totals)

    def _from(self, worst: float, sign: float) -> list[tuple[float, float]]:
        """(a, b) per cluster with y = a - b T', T' = |T - worst|; the pseudo-cluster is (0, 1)."""
        largest = max(size for _, size in self.totals)
        pairs = [
            (max(0.0, sign * (total - worst * size)) / largest, size / largest)
            for total, size in self.totals
        ]
        return [*pairs, (0.0, 1.0)]

    def _refuted(
        self, pairs: Sequence[tuple[float, float]], alpha: float, *, errors: bool
    ) -> float:
        """The T' at which the t statistic falls to its quantile, as by Fieller; 0 without one.

        (A - B T')^2 = k (S_aa - 2 S_ab T' + S_bb T'^2), k = t^2 / (N df), df = N - 1.
        """
        n = len(pairs)
        t = t_quantile(alpha, n - 1)
        a, b, aa, ab, bb = _summed(pairs)
        k = t * t / (n * (n - 1.0))
        lead, half, last = b * b - k * bb, a * b - k * ab, a * a - k * aa
        if t <= 0.0 or not lead > 0.0 or not last > 0.0:
            root = a / b if t <= 0.0 else 0.0
        else:
            root = last / (half + sqrt(max(0.0, half * half - lead * last)))
        if isnan(root):
            return 0.0
        size = self._size
        return root * (size / (size + (self.n_errored if errors else 0)))

    def _p(self, pairs: Sequence[tuple[float, float]], limit: float) -> float:
        if limit < 0.0:
            return 0.0
        n = len(pairs)
        a, b, aa, ab, bb = _summed(pairs)
        variance = max(aa - 2.0 * ab * limit + bb * limit * limit, 0.0) / (n - 1.0)
        return t_p_value(a - b * limit, sqrt(variance / n), n - 1)


def _summed(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float, float, float]:
    """Means of a and b, and their sums of squared deviations and of products."""
    n = len(pairs)
    a, b = fsum(x for x, _ in pairs) / n, fsum(y for _, y in pairs) / n
    aa = fsum((x - a) * (x - a) for x, _ in pairs)
    ab = fsum((x - a) * (y - b) for x, y in pairs)
    bb = fsum((y - b) * (y - b) for _, y in pairs)
    return a, b, aa, ab, bb


def of_scores(
    scores: Sequence[float], clusters: Sequence[str], low: float, high: float, n_errored: int = 0
) -> ClusteredMean:
    """The estimate from scores in [low, high] and the cluster of each.

    Raises:
        ValueError: for a cluster missing or too many.
    """
    grouped: dict[str, list[float]] = {}
    for score, cluster in zip(scores, clusters, strict=True):
        grouped.setdefault(cluster, []).append(score)
    totals = tuple((fsum(group), len(group)) for group in grouped.values())
    mean = fsum(scores) / len(scores) if scores else 0.0
    spread = fsum((score - mean) ** 2 for score in scores)
    return ClusteredMean(totals, low, high, n_errored, spread=spread)
