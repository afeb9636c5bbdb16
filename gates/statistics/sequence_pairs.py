"""The difference of two rates on the same examples, at every look: bets on each pair.

b pairs that only the candidate got right, c that only the baseline did, n pairs in all. Against
"difference <= d" the mean over 24 stakes from .004 to .6 of

(1 + s (1 - d))^b (1 - s (1 + d))^c (1 - s d)^(n - b - c)

is an e-process (statistics.md section 6; Waudby-Smith and Ramdas, JRSS B 86, 2024). The order of
pairs changes nothing. Pairs that arrive must be formed blindly; that is for the sender to hold.
"""

from dataclasses import dataclass
from math import exp, floor, inf, log, log1p, sqrt

from gates.statistics import power
from gates.statistics.estimate import Side
from gates.statistics.sequence import lower_root, p_value

STAKES = tuple(0.004 * (0.6 / 0.004) ** (i / 23) for i in range(24))
_MOST_STAKED = 0.95
"""Of a bet that a loss of size 1 + d would take all of; nobody bets what ends the game."""


def log_e_above(b: float, c: float, n: float, d: float) -> float:
    """The logarithm of the evidence against "difference <= d" in b wins and c losses of n pairs."""
    if d < -1.0 or (d == -1.0 and (n > c)):
        return inf
    if d >= 1.0 or d == -1.0:
        return 0.0
    logs = []
    for stake in STAKES:
        s = min(stake, _MOST_STAKED / (1.0 + d))
        logs.append(
            b * log1p(s * (1.0 - d)) + c * log1p(-s * (1.0 + d)) + (n - b - c) * log1p(-s * d)
        )
    largest = max(logs)
    return largest + log(sum(exp(value - largest) for value in logs) / len(logs))


@dataclass(frozen=True, slots=True)
class SequentialPairs:
    """Candidate - baseline over n pairs of right and wrong; implements Estimate.

    `wins` are pairs that only the candidate got right, `losses` those that only the baseline did.
    An errored pair is a loss for the lower bound and a win for the upper.
    """

    wins: int
    losses: int
    pairs: int
    n_errored: int = 0
    method: str = "paired_bets"
    approximate: bool = False
    count: int | None = None

    @property
    def value(self) -> float:
        """Difference of the observed rates; 0 of nothing."""
        return (self.wins - self.losses) / self.pairs if self.pairs else 0.0

    @property
    def n(self) -> int | None:
        """Pairs so far."""
        return self.pairs

    @property
    def cumulative(self) -> tuple[tuple[float, float], ...]:
        """(certain, possible) of what may not shrink: pairs, wins, losses."""
        e = self.n_errored
        return (
            (self.pairs, self.pairs + e),
            (self.wins, self.wins + e),
            (self.losses, self.losses + e),
        )

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The largest difference up to which the evidence against it is 1 / alpha."""
        e = self.n_errored if errors else 0
        return _lower(self.wins, self.losses + e, self.pairs + e, alpha)

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The mirror of `lower`: losses take the place of wins."""
        e = self.n_errored if errors else 0
        return -_lower(self.losses, self.wins + e, self.pairs + e, alpha)

    def p_below(self, limit: float) -> float:
        """1 / E of H0 "difference >= limit"."""
        return p_value(log_e_above(self.losses, self.wins, self.pairs, -limit))

    def p_above(self, limit: float) -> float:
        """1 / E of H0 "difference <= limit"."""
        return p_value(log_e_above(self.wins, self.losses, self.pairs, limit))

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Pairs in all for an 80% chance, if pairs go on to differ as often as they did."""
        total = self.pairs + self.n_errored
        if not total or alpha <= 0.0:
            return None
        wins, losses = (self.wins, self.losses) if side == "lower" else (self.losses, self.wins)
        losses, delta = losses + self.n_errored, limit if side == "lower" else -limit
        won, lost = wins / total, losses / total
        if not won - lost > delta:
            return None
        spread = won + lost - (won - lost) ** 2

        def clears(n: int) -> bool:
            away = power.Z_POWER * sqrt(n * spread)
            b = max(0.0, floor(n * won - away / 2.0)) if won else 0.0
            c = n * lost + (away / 2.0 if won else away)
            return b + c <= n and log_e_above(b, c, n, delta) >= log(1.0 / alpha)

        return power.first(clears)


def _lower(wins: int, losses: int, pairs: int, alpha: float) -> float:
    if not pairs:
        return -1.0
    seen = (wins - losses) / pairs
    return lower_root(lambda d: log_e_above(wins, losses, pairs, d), alpha, -1.0, seen)
