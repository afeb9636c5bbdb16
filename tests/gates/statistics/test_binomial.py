"""Clopper-Pearson: published values, exact size, duality, mirror symmetry, and the laws."""

from math import comb, inf, isclose, log, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from gates.statistics import binomial
from gates.statistics.binomial import Rate, from_value

ALPHAS = (0.05, 0.04, 0.01, 0.001)
samples = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
alphas = st.floats(1e-9, 0.5)
limits = st.floats(0.01, 0.99)


@pytest.mark.parametrize(
    ("n", "single", "first", "second"),
    [
        (5, 0.549, 0.525, 0.398),
        (10, 0.741, 0.725, 0.631),
        (19, 0.854, 0.844, 0.785),
        (20, 0.861, 0.851, 0.794),
        (30, 0.905, 0.898, 0.858),
        (50, 0.942, 0.938, 0.912),
    ],
)
def test_all_correct(n: int, single: float, first: float, second: float) -> None:
    for alpha, expected in ((0.05, single), (0.04, first), (0.01, second)):
        assert round(binomial.lower(n, n, alpha), 3) == expected


def test_the_sentences_of_the_design() -> None:
    assert round(binomial.lower(445, 500, 0.05), 3) == 0.864
    assert round(binomial.upper(400, 500, 0.05), 3) == 0.829
    assert round(binomial.lower(435, 500, 0.05), 3) == 0.843
    assert binomial.upper(0, 300, 0.05) < 0.01


@pytest.mark.parametrize("n", [1, 10, 137])
def test_agrees_with_statsmodels(n: int) -> None:
    for x in range(0, n + 1, max(1, n // 9)):
        low, high = proportion_confint(x, n, alpha=0.1, method="beta")
        assert isclose(binomial.lower(x, n, 0.05), low, rel_tol=1e-9)
        assert isclose(binomial.upper(x, n, 0.05), high, rel_tol=1e-9)


@given(samples, limits)
def test_p_values_are_those_of_the_binomial(sample: tuple[int, int], limit: float) -> None:
    x, n = sample
    below, above = stats.binom.cdf(x, n, limit), stats.binom.sf(x - 1, n, limit)
    assert isclose(binomial.p_below(x, n, limit), below, rel_tol=1e-9, abs_tol=1e-300)
    assert isclose(binomial.p_above(x, n, limit), above, rel_tol=1e-9, abs_tol=1e-300)


@pytest.mark.parametrize("n", [1, 4, 17, 60])
@pytest.mark.parametrize("limit", [0.01, 0.3, 0.5, 0.85, 0.99])
@pytest.mark.parametrize("alpha", ALPHAS)
def test_size_never_exceeds_alpha(n: int, limit: float, alpha: float) -> None:
    chance = [comb(n, x) * limit**x * (1 - limit) ** (n - x) for x in range(n + 1)]
    passes = sum(chance[x] for x in range(n + 1) if binomial.lower(x, n, alpha) >= limit)
    fails = sum(chance[x] for x in range(n + 1) if binomial.p_below(x, n, limit) <= alpha)
    assert passes <= alpha * (1 + 1e-9)
    assert fails <= alpha * (1 + 1e-9)


@given(samples, limits, alphas)
def test_bounds_and_p_values_are_dual(sample: tuple[int, int], limit: float, alpha: float) -> None:
    x, n = sample
    low, high = binomial.lower(x, n, alpha), binomial.upper(x, n, alpha)
    if abs(low - limit) > 1e-9:
        assert (low > limit) == (binomial.p_above(x, n, limit) < alpha)
    if abs(high - limit) > 1e-9:
        assert (high < limit) == (binomial.p_below(x, n, limit) < alpha)


@given(samples, limits, alphas)
def test_swapping_success_and_failure_mirrors(
    sample: tuple[int, int], limit: float, alpha: float
) -> None:
    x, n = sample
    assert isclose(binomial.lower(x, n, alpha), 1 - binomial.upper(n - x, n, alpha), abs_tol=1e-9)
    mirrored = binomial.p_below(n - x, n, 1 - limit)
    assert isclose(binomial.p_above(x, n, limit), mirrored, rel_tol=1e-7, abs_tol=1e-300)


@given(samples, alphas, st.integers(0, 20), st.integers(1, 20))
def test_worse_evidence_never_raises_the_lower_bound(
    sample: tuple[int, int], alpha: float, errors: int, more: int
) -> None:
    x, n = sample
    here = Rate(x, x, n, errors)
    bound = here.lower(alpha, errors=True)
    assert Rate(x, x, n, errors + more).lower(alpha, errors=True) <= bound
    assert Rate(max(0, x - more), max(0, x - more), n, errors).lower(alpha, errors=True) <= bound
    assert Rate(x, x, n, errors).lower(alpha, errors=False) >= bound
    assert here.p_below(0.7) == Rate(x, x, n, errors + more).p_below(0.7)


@given(samples, st.integers(2, 9), alphas)
def test_fewer_examples_at_the_same_rate_never_narrow(
    sample: tuple[int, int], times: int, alpha: float
) -> None:
    x, n = sample
    assert binomial.lower(x, n, alpha) <= binomial.lower(x * times, n * times, alpha) + 1e-15
    assert binomial.upper(x, n, alpha) >= binomial.upper(x * times, n * times, alpha) - 1e-15


@pytest.mark.parametrize("n", [1, 2, 2**53])
@pytest.mark.parametrize("alpha", [0.0, 5e-324, 1e-300, 0.05, 1.0])
@pytest.mark.parametrize("limit", [-inf, -0.1, 0.0, 1e-300, 0.5, 1.0, 1.1, inf])
def test_every_legal_input_has_an_answer(n: int, alpha: float, limit: float) -> None:
    for x in (0, 1, n - 1, n):
        for number in (
            binomial.lower(x, n, alpha),
            binomial.upper(x, n, alpha),
            binomial.p_below(x, n, limit),
            binomial.p_above(x, n, limit),
        ):
            assert 0.0 <= number <= 1.0
    assert binomial.lower(0, n, alpha) == 0.0
    assert binomial.upper(n, n, alpha) == 1.0


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.999])
@pytest.mark.parametrize("n", [10**10, 10**12, 10**15])
@pytest.mark.parametrize("alpha", [1e-15, 1e-6, 0.05])
def test_beyond_a_billion_nothing_is_overstated(rate: float, n: int, alpha: float) -> None:
    x = int(rate * n)
    reach = (2 * -log(alpha) / 4 / 10**9) ** 0.5  # Hoeffding at a billion
    least = stats.norm.isf(alpha) * (rate * (1 - rate) / n) ** 0.5
    assert least * 0.9 < x / n - binomial.lower(x, n, alpha) < reach * 1.1
    assert least * 0.9 < binomial.upper(x, n, alpha) - x / n < reach * 1.1


def test_limits_at_the_ends() -> None:
    assert binomial.p_below(9, 10, 1.0) == 0.0
    assert binomial.p_below(10, 10, 1.0) == 1.0
    assert binomial.p_above(1, 10, 0.0) == 0.0
    assert binomial.p_above(0, 10, 0.0) == 1.0


@pytest.mark.parametrize(("x", "n"), [(2, 1), (-1, 5), (0, -1)])
def test_impossible_counts_are_refused(x: int, n: int) -> None:
    with pytest.raises(ValueError, match="count"):
        binomial.lower(x, n, 0.05)
    with pytest.raises(ValueError, match="count"):
        binomial.p_above(x, n, 0.5)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, nan])
def test_an_alpha_that_is_no_probability_is_refused(alpha: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        binomial.upper(1, 2, alpha)
    with pytest.raises(ValueError, match="number"):
        binomial.p_below(1, 2, nan)


def test_a_rounded_value_never_gains_an_example() -> None:
    assert from_value(1148 / 1319, 1319).count == 1148
    assert from_value(0.87, 1319).count_low == 1147
    assert from_value(0.87, 1319).count_high == 1148
    assert from_value(0.87, 1319).count is None
    assert from_value(0.87, 1319).value == 0.87
    assert (from_value(1.0, 7).count_low, from_value(0.0, 7).count_high) == (7, 0)


@given(st.floats(0, 1), st.integers(1, 10**6))
def test_a_count_from_a_value_brackets_it(value: float, n: int) -> None:
    rate = from_value(value, n)
    assert 0 <= rate.count_low <= rate.count_high <= n
    assert rate.count_low <= value * n + 0.0101
    assert rate.count_high >= value * n - 0.0101


@pytest.mark.parametrize("value", [-0.01, 1.01, nan])
def test_a_share_outside_its_range_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="share"):
        from_value(value, 10)


@pytest.mark.parametrize(
    ("x", "n", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 5: the exact limits
        # of Clopper and Pearson (1934).
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0.0, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_newcombe_1998_table_1(x: int, n: int, low: float, high: float) -> None:
    assert binomial.lower(x, n, 0.025) == pytest.approx(low, abs=6e-5)
    assert binomial.upper(x, n, 0.025) == pytest.approx(high, abs=6e-5)


def test_brown_cai_dasgupta_2001_wald_misses_where_exact_holds() -> None:
    # Brown, Cai and DasGupta, Statistical Science 16 (2001), section 2.1: at p = .005 the Wald
    # interval covers about 95% at n = 591 and falls to .792 at n = 592. Table 1: it covers .891 of
    # ten at p = .5.
    def coverage(n: int, p: float, exact: bool) -> float:
        total = 0.0
        for x in range(min(n, 40) + 1):
            share = x / n
            reach = 1.959964 * (share * (1 - share) / n) ** 0.5
            ends = (
                (binomial.lower(x, n, 0.025), binomial.upper(x, n, 0.025))
                if exact
                else (share - reach, share + reach)
            )
            total += comb(n, x) * p**x * (1 - p) ** (n - x) * (ends[0] <= p <= ends[1])
        return total

    assert coverage(591, 0.005, exact=False) == pytest.approx(0.945, abs=0.002)
    assert coverage(592, 0.005, exact=False) == pytest.approx(0.792, abs=0.002)
    assert coverage(10, 0.5, exact=False) == pytest.approx(0.891, abs=0.0005)
    assert coverage(592, 0.005, exact=True) >= 0.95
    assert coverage(10, 0.5, exact=True) >= 0.95
