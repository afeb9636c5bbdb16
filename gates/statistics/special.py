"""The special functions that the estimators need, behind one choice made at process entry.

The default is `scipy.special`, imported at first use. `use_light()` makes the beta functions pure
Python, so that a plain rate on the command line imports neither numpy nor scipy. It refuses to
choose by itself: nothing here depends on what happens to be imported.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from math import isclose, isfinite, isnan, nan
from statistics import NormalDist
from types import ModuleType
from typing import Literal

from gates.statistics import integer_beta

_CHOICE: dict[str, Literal["scipy", "light"]] = {"backend": "scipy"}
_NORMAL = NormalDist()
_kept = lru_cache(maxsize=8192)
"""The slices of a release have many counts in common, and all its sentences their bounds."""


def use_light() -> None:
    """Compute beta functions in pure Python from here on. For process entry only."""
    _choose("light")


def use_scipy() -> None:
    """Compute beta functions with scipy from here on: the default, restored."""
    _choose("scipy")


def _choose(name: Literal["scipy", "light"]) -> None:
    _CHOICE["backend"] = name
    forget()


def forget() -> None:
    """Compute again what was computed before: for another backend, or to measure how long."""
    for kept in (betaincc, betaincinv, betainccinv):
        kept.cache_clear()


def backend() -> Literal["scipy", "light"]:
    """Which backend computes the beta functions; the two agree to 1e-11 relative."""
    return _CHOICE["backend"]


@cache
def _scipy() -> ModuleType:
    with _numpy_as_it_is():
        import scipy.special  # noqa: PLC0415 - half a second that a plain rate need not wait for

    special: ModuleType = scipy.special
    return special


@cache
def _scalar() -> ModuleType:
    """The beta functions of scipy for one number: the same code, without arrays."""
    with _numpy_as_it_is():
        import scipy.special.cython_special  # noqa: PLC0415 - as above

    special: ModuleType = scipy.special.cython_special
    return special


_PARTS = ("char", "ctypeslib", "f2py", "ma", "polynomial", "random", "rec", "strings", "testing")


@contextmanager
def _numpy_as_it_is() -> Iterator[None]:
    """Keep the import of scipy from loading all of numpy.

    scipy looks at every name that numpy lists, and numpy loads these parts when they are looked
    at, a compiler and a test framework among them: 20 MB, and half of the time. While scipy is
    imported something stands in their place; afterwards each loads at its first use, as ever.
    """
    import numpy as np  # noqa: PLC0415 - as above

    waiting = [name for name in _PARTS if name not in vars(np)]
    vars(np).update(dict.fromkeys(waiting))
    try:
        yield
    finally:
        for name in waiting:
            if vars(np)[name] is None:
                del vars(np)[name]


_DOUBTED_FROM = 100_000
"""From here on scipy 1.17's inverses are now and then plainly wrong (18 of 2,000,000 random
cases up to 10^6, 92 up to 10^7), so their answers are put back in."""
_GIVES = 1e-6


def _is_light(a: float, b: float) -> bool:
    """Whether the pure functions serve: chosen, and few enough terms for them."""
    return _CHOICE["backend"] == "light" and a + b <= integer_beta.LARGEST


def betainc(a: int, b: int, x: float) -> float:
    """Regularised incomplete beta I_x(a, b) for whole a, b >= 1 and x in [0, 1]."""
    if _is_light(a, b):
        return integer_beta.betainc(a, b, x)
    tail = float(_scalar().betainc(float(a), float(b), x))
    return 1.0 if isnan(tail) else tail


@_kept
def betaincc(a: int, b: int, x: float) -> float:
    """1 - I_x(a, b); 1 where no number comes out, because a broken test shows nothing."""
    if _is_light(a, b):
        return integer_beta.betaincc(a, b, x)
    tail = float(_scalar().betaincc(float(a), float(b), x))
    return 1.0 if isnan(tail) else tail


@_kept
def betaincinv(a: int, b: int, p: float) -> float:
    """The x with I_x(a, b) = p.

    Where scipy answers NaN, or a number that does not give p back, the pure function steps in, or
    past its reach the bound 0, which claims nothing.
    """
    if _is_light(a, b):
        return integer_beta.betaincinv(a, b, p)
    x = float(_scalar().betaincinv(float(a), float(b), p))
    if isnan(x) or (a + b > _DOUBTED_FROM and not isclose(betainc(a, b, x), p, rel_tol=_GIVES)):
        return integer_beta.betaincinv(a, b, p) if a + b <= integer_beta.LARGEST else 0.0
    return x


@_kept
def betainccinv(a: int, b: int, p: float) -> float:
    """The x with 1 - I_x(a, b) = p; doubted as above, and past all reach the bound 1."""
    if _is_light(a, b):
        return integer_beta.betainccinv(a, b, p)
    x = float(_scalar().betainccinv(float(a), float(b), p))
    if isnan(x) or (a + b > _DOUBTED_FROM and not isclose(betaincc(a, b, x), p, rel_tol=_GIVES)):
        return integer_beta.betainccinv(a, b, p) if a + b <= integer_beta.LARGEST else 1.0
    return x


def beta_tail(a: float, b: float, x: float) -> float:
    """P(B > x) for a beta variable B with any a, b > 0; 0 where no number comes out.

    Always scipy: mixtures have shapes that are not whole, which the pure functions do not know.
    """
    tail = float(_scalar().betaincc(float(a), float(b), x))
    return 0.0 if isnan(tail) else tail


def log_beta(a: float, b: float) -> float:
    """The logarithm of the beta function, precise for large a and b."""
    return float(_scipy().betaln(a, b))


def t_tail(t: float, df: float) -> float:
    """P(T >= t) for Student's T with df degrees of freedom; NaN counts as 1."""
    tail = float(_scipy().stdtr(df, -t)) if not isnan(t) else nan
    return 1.0 if isnan(tail) else tail


def t_quantile(alpha: float, df: float) -> float:
    """The t with P(T >= t) = alpha, alpha < 1; inf where alpha is too small for a number."""
    t = -float(_scipy().stdtrit(df, alpha))
    if isfinite(t):
        return t
    return float("inf")


def z_tail(z: float) -> float:
    """P(Z >= z) for a standard normal Z, precise far out; NaN counts as 1."""
    tail = float(_scipy().ndtr(-z))
    return 1.0 if isnan(tail) else tail


def z_quantile(alpha: float) -> float:
    """The z with P(Z >= z) = alpha; inf at 0 and -inf at 1."""
    if alpha <= 0.0:
        return float("inf")
    if alpha >= 1.0:
        return float("-inf")
    return -_NORMAL.inv_cdf(alpha)


def gammainc(a: float, x: float) -> float:
    """Regularised lower incomplete gamma P(a, x): the chance of at least a events at mean x."""
    if x == float("inf"):
        return 1.0
    tail = float(_scipy().gammainc(a, x))
    return 1.0 if isnan(tail) else tail


def gammaincc(a: float, x: float) -> float:
    """1 - P(a, x); 1 where no number comes out."""
    if x == float("inf"):
        return 0.0
    tail = float(_scipy().gammaincc(a, x))
    return 1.0 if isnan(tail) else tail


def gammaincinv(a: float, p: float) -> float:
    """The x with P(a, x) = p; 0, which claims nothing, where no number comes out."""
    x = float(_scipy().gammaincinv(a, p))
    return 0.0 if isnan(x) else x


def gammainccinv(a: float, p: float) -> float:
    """The x with 1 - P(a, x) = p; inf where no number comes out."""
    x = float(_scipy().gammainccinv(a, p))
    return float("inf") if isnan(x) else x


def noncentral_chi2(x: float, df: float, shift: float) -> float:
    """P(X <= x) for a noncentral chi-square X; NaN where no number comes out."""
    return float(_scipy().chndtr(x, df, shift))


def chi2_tail(x: float, df: float) -> float:
    """P(X >= x) for a chi-square variable with df degrees of freedom; NaN counts as 1."""
    tail = float(_scipy().chdtrc(df, x))
    return 1.0 if isnan(tail) else tail
