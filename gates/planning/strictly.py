"""Imagined samples under `strict`: bets on pairs, and the guaranteed bounds of separate samples.

The bets see their scores in an order that nobody chose; imagined ones are spread evenly over it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

from gates.planning import draws
from gates.planning.differences import Arms, disagreeing, unlucky
from gates.planning.solving import Draw
from gates.planning.terms import CORRELATION
from gates.statistics.betting import BettingMean
from gates.statistics.estimate import Estimate, Side
from gates.statistics.separate import ScaledDifference

MOST = 4000
"""Scores that are imagined at most; of more, the bounds draw in as 1 / sqrt n."""


def mean(spread: Callable[[float], float], ends: draws.Range) -> Draw:
    """A mean of scores of two values: the nearer end where it cuts them."""

    def draw(n: int, truth: float, luck: float) -> Estimate:
        sd = spread(truth)
        value = min(ends[1], max(ends[0], truth + luck * sd / sqrt(n)))
        room = min(ends[1] - value, value - ends[0])
        sign = 1.0 if ends[1] - value == room else -1.0
        step = sign * min(sd, room)
        every = 2 if room >= sd else max(2, round(1.0 + (sd / room) ** 2)) if room else 1
        near, far = value + step, value - step * (every - 1)
        scores = (far if i % every == every - 1 else near for i in range(min(n, MOST)))
        return _bets(tuple(scores), n, ends)

    return draw


def _bets(scores: tuple[float, ...], n: int, ends: draws.Range) -> Estimate:
    few = BettingMean(scores, *ends)
    return few if len(scores) == n else Grown(few, n)


@dataclass(frozen=True, slots=True)
class Grown:
    """What `few` scores lead one to expect of n; implements Estimate, and refuses errors."""

    few: BettingMean
    n: int
    method: str = "betting"
    approximate: bool = False
    count: int | None = None

    @property
    def value(self) -> float:
        """The mean."""
        return self.few.value

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The reach of the few, drawn in."""
        return self.value - self._share * (self.value - self.few.lower(alpha, errors=errors))

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The mirror image."""
        return self.value + self._share * (self.few.upper(alpha, errors=errors) - self.value)

    def p_below(self, limit: float) -> float:
        """That of a limit which lies farther off by as much."""
        return self.few.p_below(self._farther(limit))

    def p_above(self, limit: float) -> float:
        """The mirror image."""
        return self.few.p_above(self._farther(limit))

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """That of the few."""
        return self.few.samples_to_settle(limit, side, alpha)

    @property
    def _share(self) -> float:
        return sqrt(len(self.few.scores) / self.n)

    def _farther(self, limit: float) -> float:
        return self.value + (limit - self.value) / self._share


def apart(one: Draw, arms: Arms, spread: Callable[[float], float]) -> Draw:
    """A difference by the bounds of either arm, each at half the error."""
    share = arms.factor - 1.0 if arms.level > 0.0 else 1.0 - arms.factor

    def draw(n: int, change: float, luck: float) -> Estimate | None:
        first, second = unlucky(arms, change, luck, spread, n)
        candidate, baseline = one(n, first, 0.0), one(arms.of_baseline(n), second, 0.0)
        if candidate is None or baseline is None:
            return None
        return ScaledDifference(candidate, baseline, share, relative=arms.factor != 1.0)

    return draw


def paired_rates(level: float) -> Draw:
    """Two rates on the same examples, of which one in ten answers differs: +1, -1 or 0 each."""

    def draw(n: int, change: float, luck: float) -> Estimate | None:
        if not 0.0 <= level + change <= 1.0:
            return None
        few = min(n, MOST)
        won, lost = (round(count * few / n) for count in disagreeing(n, change, luck))
        return _bets(_evenly(won, min(lost, few - won), few), n, (-1.0, 1.0))

    return draw


def _evenly(won: int, lost: int, n: int) -> tuple[float, ...]:
    """+1 and -1 so many times among n places, both spread evenly."""
    scores = [0.0] * n
    differ = won + lost
    for i in range(differ):
        is_won = (i + 1) * won // differ > i * won // differ
        scores[i * n // differ] = 1.0 if is_won else -1.0
    return tuple(scores)


def paired_means(arms: Arms, sd: float, ends: tuple[float, float]) -> Draw:
    """Two means on the same examples, whose scores correlate by a half."""
    f = arms.factor
    spread = sd * sqrt(1.0 + f * f - 2.0 * f * CORRELATION)
    one = mean(lambda _: spread, (ends[0] - f * ends[1], ends[1] - f * ends[0]))

    def draw(n: int, change: float, luck: float) -> Estimate | None:
        return one(n, arms.level + change - f * arms.level, luck)

    return draw
