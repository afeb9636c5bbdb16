"""The mean of scores in a declared range, with a guarantee for every n: the betting test.

Waudby-Smith and Ramdas, J. R. Statist. Soc. B 86 (2024), section 4: against "mean <= T" a gambler
stakes a share of the wealth on each score; wealth above 1 / alpha at any time has chance alpha at
most. Stakes follow the scores seen before, so their order matters: it is that of SHA-256(id), which
nobody chooses, and without ids the test is not available (statistics.md, correction 7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from math import exp, inf, log

from gates.statistics import power
from gates.statistics.arrays import Array, array, numpy
from gates.statistics.estimate import Side

_STEPS = 45
_MOST = 0.75
"""The largest share of the wealth that a score may lose."""
_TUNED = 0.05
"""Stakes are tuned for this alpha, and valid at every other."""


@dataclass(frozen=True)
class BettingMean:
    """A mean of scores in [low, high], in the order in which they are bet on; an Estimate.

    e errors pull a bound b over n scores to (n b + e worst) / (n + e).
    """

    scores: tuple[float, ...]
    low: float
    high: float
    n_errored: int = 0
    method: str = "betting"
    approximate: bool = False
    count: int | None = None

    @property
    def value(self) -> float:
        """The mean of scored examples."""
        return float(array(self.scores).mean())

    @property
    def n(self) -> int | None:
        """Scored examples."""
        return len(self.scores)

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The largest T that the bets refute from above."""
        edge = _edge(*self._up, alpha)
        return self.low + self._pulled(edge, errors=errors) * (self.high - self.low)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The smallest T that the bets refute from below."""
        edge = _edge(*self._down, alpha)
        return self.high - self._pulled(edge, errors=errors) * (self.high - self.low)

    def p_below(self, limit: float) -> float:
        """One over the largest wealth against "mean >= limit"."""
        return _p_value(*self._down, (self.high - limit) / (self.high - self.low))

    def p_above(self, limit: float) -> float:
        """One over the largest wealth against "mean <= limit"."""
        return _p_value(*self._up, (limit - self.low) / (self.high - self.low))

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """The normal formula, a tenth longer: what betting costs on scores like these."""
        gap = self.value - limit if side == "lower" else limit - self.value
        n = power.mean(gap, float(array(self.scores).std()), alpha)
        return None if n is None else min(power.CAP, n + n // 10 + 20)

    @cached_property
    def _up(self) -> tuple[Array, Array]:
        return _bets((array(self.scores) - self.low) / (self.high - self.low))

    @cached_property
    def _down(self) -> tuple[Array, Array]:
        return _bets((self.high - array(self.scores)) / (self.high - self.low))

    def _pulled(self, bound: float, *, errors: bool) -> float:
        n = len(self.scores)
        return bound * (n / (n + (self.n_errored if errors else 0)))


def by_digest(scores: Sequence[float], ids: Sequence[str]) -> tuple[float, ...]:
    """Scores in the order of SHA-256 of their ids."""
    order = sorted(range(len(ids)), key=lambda i: sha256(ids[i].encode()).digest())
    return tuple(scores[i] for i in order)


def _bets(shares: Array) -> tuple[Array, Array]:
    """(scores in [0, 1], stakes): each stake from the scores before it, shrunk towards 1/2 and 1/4.

    The predictable plug-in of the paper: sqrt(2 log(1 / alpha) / (n variance)).
    """
    np = numpy()
    n = len(shares)
    before = np.arange(1, n + 1)
    means = (0.5 + np.cumsum(shares)) / (before + 1)
    spread = (0.25 + np.cumsum((shares - means) ** 2)) / (before + 1)
    past = np.concatenate([[0.25], spread[:-1]])
    stakes = np.sqrt(2.0 * log(1.0 / _TUNED) / (n * np.maximum(past, 1e-9)))
    return shares, stakes


def _log_wealth(shares: Array, stakes: Array, mean: float) -> float:
    """The largest logarithm of wealth on the way against "mean <= mean"; falls in `mean`."""
    np = numpy()
    if mean < 0.0:
        return inf
    if mean == 0.0:
        return inf if bool((shares > 0.0).any()) else 0.0
    kept = np.minimum(stakes, _MOST / mean)
    return float(np.cumsum(np.log1p(kept * (shares - mean))).max(initial=0.0))


def _p_value(shares: Array, stakes: Array, mean: float) -> float:
    found = _log_wealth(shares, stakes, mean)
    return 0.0 if found == inf else exp(-found)


def _edge(shares: Array, stakes: Array, alpha: float) -> float:
    """The largest mean in [0, 1] against which wealth reaches 1 / alpha; 0 without one."""
    if alpha <= 0.0:
        return 0.0
    wanted = -log(alpha)
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if _log_wealth(shares, stakes, middle) >= wanted:
            low = middle
        else:
            high = middle
    return low
