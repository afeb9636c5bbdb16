"""Moments of a sample of scores, and what they become when worst values join it.

It keeps sums of squared deviations instead of scores, so that scores and (mean, stderr, n) lead to
the same estimator. It refuses nothing: a sample of none is for its callers to refuse.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum, sqrt

from gates.statistics.arrays import LARGE, Array, array


@dataclass(frozen=True, slots=True)
class Moments:
    """n values with their mean, sum of squared deviations from it, and skewness.

    `skewness` is m3 / m2^1.5; 0 where only a standard error is known. `ends` are the least and the
    largest value, where the values are known.
    """

    n: int
    mean: float
    squares: float
    skewness: float = 0.0
    ends: tuple[float, float] | None = None

    @property
    def variance(self) -> float:
        """The sample variance, n - 1 in the denominator; 0 for a single value."""
        return self.squares / (self.n - 1) if self.n > 1 else 0.0

    @property
    def stderr(self) -> float:
        """The standard error of the mean."""
        return sqrt(self.variance / self.n)

    def resized(self, n: int) -> "Moments":
        """The same mean and spread in a sample of n."""
        return replace(self, n=n, squares=self.squares * (n / self.n))

    def joined(self, value: float) -> "Moments":
        """The moments once more `value` has joined, in units of the spread so that none overflows.

        Updated as in Pebay, Sandia report SAND2008-6212 (2008), equations 1.1, 1.4 and 1.5.
        """
        spread = sqrt(self.squares / self.n)
        if not spread > 0.0:
            return self
        n, more = self.n, self.n + 1
        d = (value - self.mean) / spread
        second = n + d * d * n / more
        third = self.skewness * n + d * d * d * n * (n - 1) / more**2 - 3.0 * d * n / more
        skewness = (third / more) / (second / more) ** 1.5
        squares = second * (self.squares / n)
        return Moments(more, self.mean + d * spread / more, squares, skewness, self.ends)

    def with_worst(self, worst: float, errors: int) -> tuple[float, float]:
        """(mean, standard error) after one pseudo-score and `errors` scores at `worst` joined.

        With d = |mean - worst| and N values in all, the variance of the mean is
        v(N) = (S + d^2 n (N - n) / N) / (N (N - 1)), S being `squares`. Enough errors make v
        shrink again, and one more error must never narrow a bound: so the largest v on the way
        from n + 1 to n + 1 + errors counts. v peaks at
        N = (3r + 1 + sqrt((3r + 1)^2 - 16r)) / 4 with r = (n d)^2 / (S + n d^2).
        """
        n, d = self.n, self.mean - worst
        d2 = d * d
        first, last = n + 1, n + 1 + errors
        mean = worst + d * (n / last)
        total = self.squares + n * d2
        at = float(first)
        if errors and total > 0.0:
            r = n * (n * d2 / total)
            root = (3 * r + 1) * (3 * r + 1) - 16 * r
            at = min(max((3 * r + 1 + sqrt(max(0.0, root))) / 4, first), last)
        variance = (self.squares + d2 * n * ((at - n) / at)) / at / (at - 1)
        return mean, sqrt(variance)


def of_scores(scores: Sequence[float]) -> Moments:
    """Moments of at least one finite score, summed exactly and safe from overflow to 1e300."""
    n = len(scores)
    if scores.count(scores[0]) == n:
        return Moments(n, scores[0], 0.0, ends=(scores[0], scores[0]))
    mean = fsum(scores) / n
    ends = (min(scores), max(scores))
    if n >= LARGE:
        return _of_array(array(scores) - mean, mean, ends)
    deviations = [score - mean for score in scores]
    scale = max(map(abs, deviations))
    shares = [deviation / scale for deviation in deviations]
    second = fsum(share * share for share in shares)
    third = fsum(share * share * share for share in shares)
    skewness = (third / n) / (second / n) ** 1.5
    return Moments(n, mean, second * scale * scale, skewness, ends)


def _of_array(deviations: Array, mean: float, ends: tuple[float, float]) -> Moments:
    """The same from deviations as an array: a million of them in milliseconds."""
    n = len(deviations)
    scale = float(abs(deviations).max())
    shares = deviations / scale
    squares = shares * shares
    second, third = float(squares.sum()), float((squares * shares).sum())
    return Moments(n, mean, second * scale * scale, (third / n) / (second / n) ** 1.5, ends)


def of_stderr(mean: float, stderr: float, n: int) -> Moments:
    """Moments behind a mean of n with its standard error: S = n (n - 1) stderr^2."""
    return Moments(n, mean, n * (n - 1) * stderr * stderr)
