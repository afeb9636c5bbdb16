"""Bounds that hold at every look: the root of an e-process, and what all of them share.

An e-process E(T) starts at 1 and, while theta stands on the wrong side of T, exceeds 1 / alpha
with probability alpha at most, ever (Ville's inequality). So p = 1 / E, and the bound is the T at
which E falls to 1 / alpha. It knows no data; each kind of data has its own module.
"""

from collections.abc import Callable
from math import exp, isfinite, log

_STEPS = 200
_NEAR = 1e-13
_CLOSE = 1e-10


def p_value(log_e: float) -> float:
    """1 / E, at most 1; 0 where E is beyond all numbers."""
    return 1.0 if not log_e > 0.0 else exp(-log_e)


def lower_root(log_e: Callable[[float], float], alpha: float, low: float, high: float) -> float:
    """The largest T in [low, high] up to which E(T) >= 1 / alpha; `low` where there is none.

    `log_e` falls from `low` to `high`; the answer never lies on the side that claims more.
    """
    if alpha <= 0.0:
        return low
    wanted = log(1.0 / min(1.0, alpha))
    at_low, at_high = log_e(low) - wanted, log_e(high) - wanted
    if not at_low >= 0.0:
        return low
    if at_high >= 0.0:
        return high
    far, at_far, t = high, at_high, 0.5
    near, at_near = low, at_low
    for _ in range(_STEPS):
        middle = near + t * (far - near)
        found = log_e(middle) - wanted
        if (found >= 0.0) == (at_near >= 0.0):
            last, at_last = near, at_near
        else:
            last, at_last = far, at_far
            far, at_far = near, at_near
        near, at_near = middle, found
        if found >= 0.0:
            low = max(low, middle)
            if found < _CLOSE:
                break
        if abs(far - near) <= _NEAR * max(abs(near), _NEAR):
            break
        t = _step(near, at_near, far, at_far, last, at_last)
    return low


def _step(
    near: float, at_near: float, far: float, at_far: float, last: float, at_last: float
) -> float:
    """Where to look next between `near` and `far`, as a share of the way.

    Inverse quadratic interpolation where it can be trusted, else half way (Chandrupatla, Advances
    in Engineering Software 28, 1997).
    """
    if not (isfinite(at_far) and isfinite(at_last)) or at_last in {at_near, at_far}:
        return 0.5
    xi = (near - far) / (last - far)
    phi = (at_near - at_far) / (at_last - at_far)
    if not (phi * phi < xi and (1.0 - phi) ** 2 < 1.0 - xi):
        return 0.5
    share = at_near / (at_far - at_near) * (at_last / (at_far - at_last))
    share += (
        (last - near) / (far - near) * at_near / (at_last - at_near) * (at_far / (at_last - at_far))
    )
    return min(0.99, max(0.01, share))
