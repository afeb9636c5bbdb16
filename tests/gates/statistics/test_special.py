"""The pure beta functions against exact arithmetic, and the two backends against each other."""

import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from math import comb, inf, isclose, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gates.statistics import integer_beta, special


def _exact_tail(a: int, b: int, x: Fraction) -> Fraction:
    """P(at least a successes in a + b - 1), by summing."""
    n = a + b - 1
    return sum((comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1)), Fraction(0))


def _scipy_and_light(name: str, *args: float) -> tuple[float, float]:
    function = getattr(special, name)
    try:
        special.use_light()
        light = function(*args)
    finally:
        special.use_scipy()
    return function(*args), light


@pytest.mark.parametrize("a", [1, 2, 7, 30, 59])
@pytest.mark.parametrize("x", [0.001, 0.1, 0.4375, 0.85, 0.999])
def test_pure_tails_equal_exact_sums(a: int, x: float) -> None:
    b = 60 - a
    exact = _exact_tail(a, b, Fraction(x))
    assert isclose(integer_beta.betainc(a, b, x), float(exact), rel_tol=1e-12)
    assert isclose(integer_beta.betaincc(a, b, x), float(1 - exact), rel_tol=1e-12)


shapes = st.integers(1, 10**5).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n)))
probabilities = st.floats(1e-12, 1 - 1e-12)


@given(shapes, probabilities)
def test_both_backends_agree(shape: tuple[int, int], p: float) -> None:
    a, n = shape
    for name in ("betaincinv", "betainccinv"):
        scipy, light = _scipy_and_light(name, a, n + 1 - a, p)
        assert isclose(scipy, light, rel_tol=1e-11), name


@given(shapes, st.floats(-4, 4))
def test_both_backends_agree_on_tails(shape: tuple[int, int], z: float) -> None:
    a, n = shape
    x = min(0.999999, max(1e-6, a / n + z * (a * (n + 1 - a) / n**3) ** 0.5))
    for name in ("betainc", "betaincc"):
        scipy, light = _scipy_and_light(name, a, n + 1 - a, x)
        assert isclose(scipy, light, rel_tol=1e-11), name


@pytest.mark.parametrize("a", [1, 2, 500_000, 999_998])
@pytest.mark.parametrize("p", [1e-300, 1e-6, 0.05, 0.5, 0.95])
def test_both_backends_agree_at_a_million(a: int, p: float) -> None:
    scipy, light = _scipy_and_light("betaincinv", a, 999_999 - a, p)
    assert isclose(scipy, light, rel_tol=3e-11)


@given(shapes, probabilities)
def test_the_pure_inverse_inverts(shape: tuple[int, int], p: float) -> None:
    a, n = shape
    x = integer_beta.betaincinv(a, n + 1 - a, p)
    sensitivity = max(1.0, n * 1e-3) * max(1.0, p / (1 - p))
    assert isclose(integer_beta.betainc(a, n + 1 - a, x), p, rel_tol=1e-11 * sensitivity)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_ends_are_exact(p: float) -> None:
    assert integer_beta.betaincinv(3, 4, p) == p
    assert integer_beta.betainccinv(3, 4, p) == 1 - p
    assert integer_beta.betainc(3, 4, p) == p
    assert integer_beta.betaincc(3, 4, p) == 1 - p


@pytest.mark.parametrize("p", [5e-324, 1e-300, 0.05, 0.999999])
def test_counts_up_to_two_to_the_53_have_an_answer(p: float) -> None:
    for a, b in ((1, 2**53), (2**53, 1), (2**52, 2**52), (7, 2**40)):
        scipy, light = _scipy_and_light("betaincinv", a, b, p)
        assert 0.0 <= scipy <= 1.0
        assert scipy == light


@pytest.fixture
def chosen() -> Iterator[None]:
    yield
    special.use_scipy()


def test_the_choice_is_said(chosen: None) -> None:
    assert special.backend() == "scipy"
    special.use_light()
    assert special.backend() == "light"
    special.use_scipy()
    assert special.backend() == "scipy"


def test_a_plain_rate_on_the_light_backend_imports_no_numpy() -> None:
    code = (
        "import sys; from gates.statistics import special; special.use_light();"
        "from gates.ladder import estimate; from gates.evidence import Measurement;"
        "e = estimate(Measurement('accuracy', count=445, n=500), kind='proportion',"
        " value_range=(0.0, 1.0), quantile=None, limit=.85, side='lower');"
        "assert .864 < e.lower(.05, errors=True) < .865 and e.p_below(.85) > .5;"
        "assert e.samples_to_settle(.87, 'lower', .05) > 500;"
        "sys.exit(bool({'numpy', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_far_tails_of_t_and_z() -> None:
    assert isclose(special.t_tail(40.0, 7), stats.t.sf(40.0, 7), rel_tol=1e-10)
    assert isclose(special.t_quantile(1e-6, 9), stats.t.isf(1e-6, 9), rel_tol=1e-9)
    assert isclose(special.z_tail(20.0), stats.norm.sf(20.0), rel_tol=1e-12)
    assert isclose(special.z_quantile(1e-12), stats.norm.isf(1e-12), rel_tol=1e-9)
    assert special.t_tail(nan, 5) == 1.0
    assert special.z_tail(nan) == 1.0
    assert special.t_tail(inf, 5) == 0.0


@pytest.mark.parametrize("df", [1, 5, 10**6])
def test_a_quantile_that_no_number_holds_is_infinite(df: int) -> None:
    assert special.t_quantile(0.0, df) == inf
    assert special.t_quantile(1e-320, df) > 30.0
    assert special.z_quantile(0.0) == inf
    assert special.z_quantile(1.0) == -inf


@pytest.mark.parametrize(("x", "n", "alpha"), [(1398, 1_397_500_000, 1e-12), (1398, 10**9, 1e-12)])
def test_an_inverse_that_does_not_give_its_argument_back_is_not_believed(x, n, alpha):
    """scipy answers 1.9e-6 for a lower bound of a rate of 1.0e-6."""
    lower = special.betaincinv(x, n - x + 1, alpha)
    upper = special.betainccinv(x + 1, n - x, alpha)
    assert lower <= x / n <= upper


def test_scipy_does_not_load_all_of_numpy() -> None:
    """Parts that nothing here needs stay out, and load when somebody asks for them."""
    code = """
import sys
from gates.statistics import special
assert special.betaincinv(3, 4, 0.1) > 0 and special.t_tail(1.0, 5.0) > 0
assert {"numpy.f2py", "numpy.testing", "numpy.ma", "numpy.random"}.isdisjoint(sys.modules)
import numpy
from numpy import *
assert numpy.random.default_rng(1).random() < 1 and numpy.ma.masked is not None
import scipy.stats
assert scipy.stats.ttest_ind([1.0, 2.0, 3.0], [2.0, 3.0, 4.5]).pvalue < 1
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
