"""Miettinen-Nurminen: published intervals, the likelihood itself, size, and the laws at small n."""

from itertools import product
from math import comb, inf, isnan, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize_scalar

from gates.statistics.binomial import Rate
from gates.statistics.difference import RateDifference, null_variance, score


def _of(x1: int, n1: int, x0: int, n0: int, e1: int = 0, e0: int = 0) -> RateDifference:
    return RateDifference(Rate(x1, x1, n1, e1), Rate(x0, x0, n0, e0))


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0528, 0.3382),
        ((9, 10, 3, 10), 0.1700, 0.8406),
        ((6, 7, 2, 7), 0.0342, 0.8534),
        ((5, 56, 0, 29), -0.0326, 0.1933),
        ((0, 10, 0, 20), -0.1658, 0.2844),
        ((0, 10, 0, 10), -0.2879, 0.2879),
        ((10, 10, 0, 20), 0.7156, 1.0),
        ((10, 10, 0, 10), 0.6636, 1.0),
    ],
)
def test_newcombe_1998_table_2(counts: tuple[int, int, int, int], low: float, high: float) -> None:
    """Method 8 of Newcombe, Statistics in Medicine 17 (1998), 873-890: Miettinen and Nurminen's
    own interval, which the gate is nowhere sharper than."""
    x1, n1, x0, n0 = counts
    assert _where_the_score_is(1.959964, x1, n1, x0, n0) == pytest.approx(low, abs=6e-5)
    assert -_where_the_score_is(1.959964, x0, n0, x1, n1) == pytest.approx(high, abs=6e-5)
    known = _of(*counts)
    assert known.lower(0.025, errors=False) <= low + 6e-5
    assert known.upper(0.025, errors=False) >= high - 6e-5


def _where_the_score_is(z: float, x1: int, n1: int, x0: int, n0: int) -> float:
    """The difference at which the plain score falls to z, by bisection; NaN refutes nothing."""
    low, high = -1.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if score(x1, n1, x0, n0, middle) >= z else (low, middle)
    return low


def _least_favourable_variance(x1: int, n1: int, x0: int, n0: int, delta: float) -> float:
    """The null variance by maximising the likelihood numerically."""

    def loss(p0: float) -> float:
        total = 0.0
        for x, n, p in ((x1, n1, p0 + delta), (x0, n0, p0)):
            inside = min(1.0, max(0.0, p))
            total -= x * (log(inside) if inside else -1e9) if x else 0.0
            total -= (n - x) * (log(1 - inside) if inside < 1 else -1e9) if n > x else 0.0
        return total

    ends = (max(0.0, -delta), min(1.0, 1.0 - delta))
    found = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-10})
    p0 = min((found.x, *ends), key=loss)
    p1 = p0 + delta
    n = n1 + n0
    return float((p1 * (1 - p1) / n1 + p0 * (1 - p0) / n0) * n / (n - 1))


arms = st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(arms, arms, st.floats(-0.9, 0.9))
def test_the_closed_form_is_the_maximum_likelihood(
    one: tuple[int, int], two: tuple[int, int], delta: float
) -> None:
    expected = _least_favourable_variance(*one, *two, delta)
    assert null_variance(*one, *two, delta) == pytest.approx(expected, abs=5e-6)


@pytest.mark.parametrize("n", [30, 60])
@pytest.mark.parametrize("margin", [0.05, 0.1])
def test_size_stays_near_alpha(n: int, margin: float) -> None:
    passes = {
        (x1, x0)
        for x1, x0 in product(range(n + 1), repeat=2)
        if _of(x1, n, x0, n).p_above(-margin) <= 0.05
    }
    for base in (0.6, 0.8, 0.9, 0.95):
        chance1 = [
            comb(n, x) * (base - margin) ** x * (1 - base + margin) ** (n - x) for x in range(n + 1)
        ]
        chance0 = [comb(n, x) * base**x * (1 - base) ** (n - x) for x in range(n + 1)]
        size = sum(chance1[x1] * chance0[x0] for x1, x0 in passes)
        assert size < 0.06


@pytest.mark.parametrize(("n1", "n0"), [(5, 5), (8, 3), (3, 8), (12, 7)])
@pytest.mark.parametrize("delta", [-0.3, -0.02, 0.0, 0.1])
def test_worse_counts_and_errors_never_help(n1: int, n0: int, delta: float) -> None:
    for x1, x0 in product(range(n1 + 1), range(n0 + 1)):
        here = _of(x1, n1, x0, n0)
        bound = here.lower(0.05, errors=True)
        least = min(0.5, here.p_above(delta)) - 1e-12  # a vanishing variance counts as p = 1
        if x1:
            assert _of(x1 - 1, n1, x0, n0).p_above(delta) >= least
        if x0 < n0:
            assert _of(x1, n1, x0 + 1, n0).p_above(delta) >= least
        assert _of(x1, n1, x0, n0, e1=1).lower(0.05, errors=True) <= bound + 1e-12
        assert _of(x1, n1, x0, n0, e0=1).lower(0.05, errors=True) <= bound + 1e-12


def test_a_perfect_pair_does_not_break() -> None:
    assert _of(9, 10, 3, 10).p_above(0.0) < 0.01
    assert _of(100, 100, 98, 100).p_above(-0.01) < 0.05 < _of(100, 100, 98, 100).p_above(0.02)


def test_a_vanishing_variance_shows_nothing() -> None:
    assert isnan(score(5, 5, 7, 7, 0.0))
    known = _of(5, 5, 7, 7)
    assert known.p_above(0.0) == 1.0
    assert known.p_below(0.0) == 1.0
    assert known.lower(0.05, errors=False) < 0.0 < known.upper(0.05, errors=False)


UNEVEN = [(1, 100), (2, 50), (5, 100), (20, 50), (50, 100), (100, 20), (200, 20)]


@pytest.mark.parametrize(("n1", "n0"), UNEVEN)
@pytest.mark.parametrize("delta", [-0.1, -0.01, 0.0, 0.01])
def test_size_of_uneven_arms_by_enumeration(n1: int, n0: int, delta: float) -> None:
    """The plain score passes up to 13.5% of these at 5%, at rates near 0 and 1."""
    passed = np.array(
        [
            [_of(x1, n1, x0, n0).p_above(delta) <= 0.05 for x0 in range(n0 + 1)]
            for x1 in range(n1 + 1)
        ]
    )
    worst = 0.0
    for base in np.arange(1, 200) / 200:
        if 0.0 <= base + delta <= 1.0:
            first = stats.binom.pmf(np.arange(n1 + 1), n1, base + delta)
            worst = max(worst, float(first @ passed @ stats.binom.pmf(np.arange(n0 + 1), n0, base)))
    assert worst <= 0.0735


@given(arms, arms, st.sampled_from([0.2, 0.05, 0.01]))
def test_the_bound_and_the_p_value_are_dual(
    one: tuple[int, int], two: tuple[int, int], alpha: float
) -> None:
    known = _of(*one, *two)
    low, high = known.lower(alpha, errors=False), known.upper(alpha, errors=False)
    if low > -1.0:
        assert known.p_above(low - 1e-9) <= alpha + 1e-9
        assert known.p_above(low + 1e-7) >= alpha - 1e-6
    if high < 1.0:
        assert known.p_below(high + 1e-9) <= alpha + 1e-9
        assert known.p_below(high - 1e-7) >= alpha - 1e-6


def test_even_arms_in_the_middle_lose_nothing() -> None:
    z = score(425, 500, 420, 500, -0.03)
    assert _of(425, 500, 420, 500).p_above(-0.03) == pytest.approx(_tail(z), rel=0.02)


def test_a_score_test_is_approximate() -> None:
    assert _of(80, 100, 240, 300).approximate


def _tail(z: float) -> float:
    from statistics import NormalDist

    return 1.0 - NormalDist().cdf(z)


@pytest.mark.parametrize("limit", [-inf, -1.5, 1.5, inf])
def test_limits_that_no_difference_reaches(limit: float) -> None:
    known = _of(3, 10, 7, 10)
    assert known.p_above(limit) == (0.0 if limit < 0 else 1.0)
    assert known.p_below(limit) == (1.0 if limit < 0 else 0.0)


@pytest.mark.parametrize(
    "counts", [(2**53, 2**53, 2**53 - 1, 2**53), (0, 2**53, 1, 1), (0, 1, 1, 1), (1, 1, 0, 1)]
)
@pytest.mark.parametrize("alpha", [0.0, 1e-300, 0.05])
def test_extreme_counts(counts: tuple[int, int, int, int], alpha: float) -> None:
    known = _of(*counts)
    assert -1.0 <= known.lower(alpha, errors=True) <= known.value + 1e-12
    assert known.value - 1e-12 <= known.upper(alpha, errors=True) <= 1.0


def test_samples_follow_the_formula_of_the_design() -> None:
    n = _of(8500, 10_000, 8500, 10_000).samples_to_settle(-0.01, "lower", 0.05)
    assert n is not None
    assert abs(n - 15_766) < 30
    swapped = _of(1500, 10_000, 1500, 10_000).samples_to_settle(0.01, "upper", 0.05)
    assert swapped == n
    assert _of(80, 100, 85, 100).samples_to_settle(-0.01, "lower", 0.05) is None
    with_errors = _of(8500, 10_000, 8500, 10_000, e1=20).samples_to_settle(-0.01, "lower", 0.05)
    assert with_errors is not None
    assert with_errors > n
