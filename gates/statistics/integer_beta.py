"""The regularised incomplete beta function and its inverse for whole shapes, in pure Python.

For processes that must not import scipy for one binomial bound. It refuses nothing and checks
nothing: callers hand in whole a, b >= 1 with a + b <= LARGEST and probabilities in [0, 1].
Sources: Loader, "Fast and accurate computation of binomial probabilities" (2000), for x^a y^b / B;
DiDonato and Morris, ACM TOMS 708 (1992), for the continued fraction.
"""

from functools import cache
from math import exp, expm1, inf, log, log1p, pi, sqrt
from statistics import NormalDist

LARGEST = 10**6
"""Largest a + b; beyond it the fraction takes too many terms near the mean."""
_EPSILON = 2.0**-53
_TINY = 1e-300
_MAX_TERMS = 100_000
_MAX_STEPS = 60
_NORMAL = NormalDist()


def betainc(a: int, b: int, x: float) -> float:
    """I_x(a, b), the chance of at least a successes in a + b - 1 trials at rate x."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    return exp(_log_tail(a, b, x, 1.0 - x)[0])


def betaincc(a: int, b: int, x: float) -> float:
    """1 - I_x(a, b) without cancellation."""
    if x <= 0.0:
        return 1.0
    if x >= 1.0:
        return 0.0
    return exp(_log_tail(b, a, 1.0 - x, x)[0])


def betaincinv(a: int, b: int, p: float) -> float:
    """The x with I_x(a, b) = p."""
    if p <= 0.0:
        return 0.0
    if p >= 1.0:
        return 1.0
    return _expit(_logit_at(a, b, p) if p <= 0.5 else -_logit_at(b, a, 1.0 - p))


def betainccinv(a: int, b: int, p: float) -> float:
    """The x with 1 - I_x(a, b) = p."""
    if p <= 0.0:
        return 1.0
    if p >= 1.0:
        return 0.0
    return _expit(-_logit_at(b, a, p) if p <= 0.5 else _logit_at(a, b, 1.0 - p))


def _expit(u: float) -> float:
    """1 / (1 + e^-u), precise at both ends."""
    if u >= 0.0:
        return 1.0 / (1.0 + exp(-u))
    e = exp(u)
    return e / (1.0 + e)


def _logit_at(a: int, b: int, p: float) -> float:
    """The logit u of x with I_x(a, b) = p <= 1/2.

    log I is increasing and concave in u, so Newton's steps come from the left and cannot leap;
    Halley's correction cubes the error of a start (Abramowitz and Stegun 26.5.22) that is close.
    """
    if b == 1:
        x = log(p) / a
        return x - log(-expm1(x))
    if a == 1:
        x = -expm1(log1p(-p) / b)
        return log(x) - log1p(-x) if x > _TINY else log(p) - log(b)
    target = log(p)
    u = _start(a, b, p)
    for _ in range(_MAX_STEPS):
        x, y = _expit(u), _expit(-u)
        value, slope = _log_tail(a, b, x, y)
        miss = value - target
        newton = miss / slope
        bend = 1.0 - newton * (a - (a + b) * x - slope) / 2.0
        step = newton / bend if bend > 0.5 else newton
        u -= step
        if abs(step) <= 1e-6 * _EPSILON ** (1 / 3) * (1.0 + abs(u)):
            break
    return u


def _start(a: int, b: int, p: float) -> float:
    """A first logit, good to about a hundredth of a standard error for a, b > 3."""
    z = -_NORMAL.inv_cdf(max(p, _TINY))
    third = (z * z - 3.0) / 6.0
    h = 2.0 / (1.0 / (2 * a - 1) + 1.0 / (2 * b - 1))
    skew = 1.0 / (2 * b - 1) - 1.0 / (2 * a - 1)
    w = z * sqrt(max(h + third, 0.0)) / h - skew * (third + 5.0 / 6.0 - 2.0 / (3.0 * h))
    return log(a / b) - 2.0 * w


def _log_tail(a: int, b: int, x: float, y: float) -> tuple[float, float]:
    """(log I_x(a, b), its derivative by the logit of x), for y = 1 - x, both inside (0, 1)."""
    log_density = _log_density(a, b, x, y)
    if x * (a + b + 2.0) <= a + 1.0:
        fraction = _fraction(a, b, x, y)
        return log_density - log(fraction), fraction
    other = exp(log_density) / _fraction(b, a, y, x)
    rest = max(1.0 - other, _TINY)
    return log(rest), exp(log_density) / rest


def _log_density(a: int, b: int, x: float, y: float) -> float:
    """Log of x^a y^b / B(a, b), through the saddle-point form of a binomial probability."""
    n = a + b
    error = _stirling_error(n) - _stirling_error(a) - _stirling_error(b)
    scale = 0.5 * log(a * b / (2.0 * pi * n))
    return error - _deviance(a, n * x) - _deviance(b, n * y) + scale


@cache
def _small_stirling_error(n: int) -> float:
    factorial = 1
    for k in range(2, n + 1):
        factorial *= k
    return log(factorial) - ((n + 0.5) * log(n) - n + 0.5 * log(2.0 * pi))


def _stirling_error(n: int) -> float:
    """Log n! minus Stirling's formula."""
    if n < 16:
        return _small_stirling_error(n)
    s = 1.0 / (n * n)
    return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - s / 1188) * s) * s) * s) / n


def _deviance(x: float, mean: float) -> float:
    """X log(x / mean) + mean - x without cancellation near x = mean."""
    if mean == 0.0:
        return inf
    gap = x - mean
    if abs(gap) >= 0.1 * (x + mean):
        return x * log(x / mean) - gap
    v = gap / (x + mean)
    total = gap * v
    term = 2.0 * x * v
    for j in range(3, 2001, 2):
        term *= v * v
        new = total + term / j
        if new == total:
            break
        total = new
    return total


def _fraction(a: int, b: int, x: float, y: float) -> float:
    """x^a y^b / (B(a, b) I_x(a, b)) by Lentz's method; for x below (a + 1) / (a + b + 2)."""
    lead = a * y - b * x + 1.0
    f = max(a * lead / (a + 1.0), _TINY)
    c, d = f, 0.0
    for m in range(1, _MAX_TERMS):
        k = a + 2 * m - 1.0
        part = m * (b - m) * x / k
        numerator = (a + m - 1.0) * (a + b + m - 1.0) * part * x / k
        term = m + part + (a + m) * (lead + m * (1.0 + y)) / (k + 2.0)
        d = 1.0 / ((term + numerator * d) or _TINY)
        c = (term + numerator / c) or _TINY
        change = c * d
        f *= change
        if abs(change - 1.0) <= 4.0 * _EPSILON:
            break
    return f
