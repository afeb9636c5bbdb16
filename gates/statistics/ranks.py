"""Mann-Whitney: whether one sample lies above another, by ranks; exact for small ones without ties.

Mann and Whitney, Ann. Math. Statist. 18 (1947); ties as in Lehmann, Nonparametrics (1975), section
1.4, with continuity correction. It sees order only: neither outliers nor units change it.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import inf, sqrt

from gates.statistics.special import z_tail

EXACT = 400
"""Up to this many pairs the null distribution is counted, where nothing ties."""


def wins(x: Sequence[float], y: Sequence[float], shift: float = 0.0) -> float:
    """Pairs with x_i > y_j + shift, ties counting half; y is sorted."""
    total = 0.0
    for value in x:
        moved = value - shift
        total += (bisect_left(y, moved) + bisect_right(y, moved)) / 2.0
    return total


def p_above(x: Sequence[float], y: Sequence[float], shift: float = 0.0) -> float:
    """p-value of "x does not lie above y + shift", both sorted; 1 where a sample is empty.

    Infinite values are allowed: they lie beyond all others.
    """
    n, m = len(x), len(y)
    if not n or not m:
        return 1.0
    u = wins(x, y, shift)
    counts = Counter(value - shift for value in x)
    counts.update(y)
    tied = sum(count**3 - count for count in counts.values() if count > 1)
    if not tied and n * m <= EXACT:
        return _exact(n, m, round(u))
    size = n + m
    variance = n * m / 12.0 * (size + 1 - tied / (size * (size - 1)))
    if variance <= 0.0:
        return 1.0
    return z_tail((u - n * m / 2.0 - 0.5) / sqrt(variance))


@lru_cache(maxsize=512)
def _exact(n: int, m: int, u: int) -> float:
    """P(U >= u) when all orders are equally likely, by counting partitions in an n x m box."""
    ways = [1] + [0] * (n * m)
    for j in range(1, n + 1):
        # Gaussian binomial: multiply by (1 - q^(m + j)), divide by (1 - q^j).
        for k in range(n * m, m + j - 1, -1):
            ways[k] -= ways[k - m - j]
        for k in range(j, n * m + 1):
            ways[k] += ways[k - j]
    return sum(ways[max(0, u) :]) / sum(ways)


def hodges_lehmann(x: Sequence[float], y: Sequence[float]) -> float:
    """The shift at which x and y + shift lie alike: the median of all differences."""
    half = len(x) * len(y) / 2.0
    return turning(x, y, lambda shift: wins(x, y, shift) <= half)


def turning(x: Sequence[float], y: Sequence[float], holds: Callable[[float], bool]) -> float:
    """The least shift for which a condition that stays true once it is holds, to a rounding.

    It is looked for between the quartiles first: one absurd value must not blur all the others.
    """
    finite_x = [value for value in x if abs(value) < inf]
    finite_y = [value for value in y if abs(value) < inf]
    if not finite_x or not finite_y:
        return inf
    low = finite_x[0] - finite_y[-1]
    high = finite_x[-1] - finite_y[0]
    step = max(abs(low), abs(high), 1e-300) * 1e-12
    low, high = low - step, high + step
    if not holds(high):
        return inf
    if holds(low):
        return -inf
    n, m = len(finite_x), len(finite_y)
    near = finite_x[n // 4] - finite_y[m - 1 - m // 4]
    far = finite_x[n - 1 - n // 4] - finite_y[m // 4]
    if near < far and holds(far) and not holds(near):
        low, high = near, far
        step = max(abs(low), abs(high), 1e-300) * 1e-12
    while high - low > step:
        middle = (low + high) / 2.0
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
