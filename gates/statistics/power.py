"""How many examples would settle a question, if the truth is what was seen.

Sizes are for an 80% chance that the bound clears its limit. Above a million examples the answer
is None: no realistic sample. It refuses to promise a size where the estimate misses the limit.
"""

from collections.abc import Callable
from functools import lru_cache
from math import ceil, floor, log, sqrt
from statistics import NormalDist

from gates.statistics.estimate import Side
from gates.statistics.special import betaincc, z_quantile

CAP = 1_000_000
POWER = 0.80
Z_POWER = NormalDist().inv_cdf(POWER)
_LOOK_AHEAD = 8
_TIE = 1e-12


def clean_samples(events: int, rate: float, alpha: float) -> int | None:
    """Examples in all, `events` of them bad, that show the rate to lie below `rate`.

    The least n with P(X <= events | n, rate) < alpha; for no events the closed form
    n > log alpha / log(1 - rate): 299 for 1% at alpha .05. None above a million.

    Raises:
        ValueError: unless events >= 0, 0 < rate < 1 and 0 < alpha < 1.
    """
    if events < 0 or not 0.0 < rate < 1.0 or not 0.0 < alpha < 1.0:
        raise ValueError("clean_samples needs events >= 0, and rate and alpha inside 0 to 1")
    n = _tooth(events, rate, alpha * (1.0 - _TIE))
    return n if n <= CAP else None


def rate(seen: float, limit: float, side: Side, alpha: float, power: float = POWER) -> int | None:
    """Examples in all for which an exact bound of a rate clears `limit`, and stays clear.

    Exact power is saw-toothed in n. Each tooth allows one more failure; the answer is the first
    n from which power stays at 80%, judged on the next eight teeth. T = .85, seen = .90,
    alpha = .05 gives 304.

    Args:
        seen: The rate taken for true.
        limit: What the bound must clear.
        side: Which bound.
        alpha: Its error.
        power: The chance with which it shall clear, inside 0 to 1.
    """
    if side == "upper":
        seen, limit = 1.0 - seen, 1.0 - limit
    if not seen > limit or not alpha > 0.0:
        return None
    if limit <= 0.0:
        return 1
    seen = min(seen, 1.0)
    bad, allowed_bad = 1.0 - seen, 1.0 - limit
    if bad == allowed_bad:
        return None  # they differ by less than a double near 1 can say
    if bad == 0.0:
        n = _tooth(0, allowed_bad, alpha)
        return n if n <= CAP else None
    rough = _rough(bad, allowed_bad, alpha, power)
    if rough > 2 * CAP:
        return None

    def starts(failures: int) -> int:
        return _tooth(failures, allowed_bad, alpha)

    def holds(failures: int) -> bool:
        """Whether power suffices at the end of the tooth with so many failures allowed."""
        last = starts(failures + 1) - 1
        return betaincc(failures + 1, last - failures, bad) >= power

    guess = floor(rough * allowed_bad - z_quantile(alpha) * sqrt(rough * bad * seen))
    n = starts(_first_stable(holds, max(0, guess)))
    return n if n <= CAP else None


def _rough(bad: float, allowed_bad: float, alpha: float, power: float) -> float:
    """The normal approximation (statistics.md section 7)."""
    spread = z_quantile(alpha) * sqrt(allowed_bad * (1.0 - allowed_bad))
    return ((spread + z_quantile(1.0 - power) * sqrt(bad * (1.0 - bad))) / (allowed_bad - bad)) ** 2


def _first_stable(holds: Callable[[int], bool], guess: int) -> int:
    """The first k from which `holds` stays true; it wavers only around its switch."""
    low, high, step = guess, guess, 1
    while low > 0 and holds(low):
        low, high, step = max(0, low - step), low, 2 * step
    step = 1
    while not holds(high):
        low, high, step = high, high + step, 2 * step
    if low == 0 and holds(0):
        return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    ahead = 1
    while ahead <= _LOOK_AHEAD:
        if holds(high + ahead):
            ahead += 1
        else:
            high, ahead = high + ahead + 1, 1
    return high


@lru_cache(maxsize=16384)  # the slices of a rule share limit and alpha, and so their teeth
def _tooth(failures: int, bad: float, alpha: float) -> int:
    """The least n with P(X <= failures | n, bad) <= alpha; past twice the cap, just past it."""
    if failures == 0:
        n = max(1, ceil(log(alpha) / log(1.0 - bad) - 1e-9)) if bad < 1.0 else 1
        return n if (1.0 - bad) ** n <= alpha or n > CAP else n + 1
    past = 4 * CAP
    z = z_quantile(alpha)
    tail = z * z * (1.0 - bad) / 2.0
    mean = failures + 0.5 + tail + sqrt(max(0.0, tail * (tail + 2.0 * failures + 1.0)))
    high = max(failures + 1, min(past, ceil(mean / bad)))

    def clears(n: int) -> bool:
        return betaincc(failures + 1, n - failures, bad) <= alpha

    step, low = 1, failures
    if clears(high):
        while (below := high - step) > failures and clears(below):
            high, step = below, 2 * step
        low = max(failures, below)
    else:
        while not clears(high):
            if high > past:
                return high
            low, high, step = high, high + step, 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if clears(middle) else (middle, high)
    return high


def mean(gap: float, deviation: float, alpha: float, power: float = POWER) -> int | None:
    """Examples for a mean that lies `gap` on the right side of its limit.

    ((z_alpha + z_power) deviation / gap)^2, `deviation` being one example's standard deviation.
    For a difference of two means or rates, deviation^2 is the sum of both arms' and the answer
    counts each arm. None unless gap > 0.
    """
    if not gap > 0.0:
        return None
    root = (max(0.0, z_quantile(alpha)) + z_quantile(1.0 - power)) * deviation / gap
    return max(1, ceil(root * root)) if root < CAP else None


def first(holds: Callable[[int], bool]) -> int | None:
    """The least n, up to a million, for which a condition that stays true once it is holds."""
    if not holds(CAP):
        return None
    high = 1
    while not holds(high):
        high = min(CAP, 2 * high)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
