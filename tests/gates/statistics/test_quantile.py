"""Quantiles, F1 and supplied intervals."""

from math import comb, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.statistics import binomial
from gates.statistics.binomial import Rate
from gates.statistics.estimate import Side
from gates.statistics.f1 import F1
from gates.statistics.interval import SuppliedInterval, Widest
from gates.statistics.quantile import WITHIN, OrderStatistic, from_exceed, from_order

series = st.lists(st.integers(0, 12).map(float), min_size=1, max_size=80).map(
    lambda values: tuple(sorted(values))
)
quantiles = st.sampled_from([0.05, 0.5, 0.9, 0.95, 0.99])
alphas = st.sampled_from([0.05, 0.04, 0.01])


@pytest.mark.parametrize(
    ("q", "alpha", "n"), [(0.95, 0.05, 59), (0.99, 0.05, 299), (0.95, 0.04, 63)]
)
def test_least_samples_that_show_a_quantile(q: float, alpha: float, n: int) -> None:
    values = tuple(float(index) for index in range(n))
    assert OrderStatistic(values, q).upper(alpha, errors=True) == n - 1
    assert OrderStatistic(values[1:], q).upper(alpha, errors=True) == inf


@given(series, quantiles, alphas, st.integers(0, 13))
def test_passing_is_the_exact_test_of_the_share(
    values: tuple[float, ...], q: float, alpha: float, limit: int
) -> None:
    known = OrderStatistic(values, q)
    within = sum(value <= limit for value in values)
    below = sum(value < limit for value in values)
    n = len(values)
    shown = binomial.p_above(within, n, q) <= alpha
    assert (known.upper(alpha, errors=False) <= limit) == shown
    assert (known.lower(alpha, errors=False) >= limit) == (binomial.p_below(below, n, q) <= alpha)
    assert (known.p_above(limit) <= alpha) == (known.lower(alpha, errors=False) > limit)
    assert (known.p_below(limit) <= alpha) == (known.upper(alpha, errors=False) < limit)


@given(series, quantiles, alphas, st.integers(1, 5))
def test_errors_lie_beyond_all_values(
    values: tuple[float, ...], q: float, alpha: float, errors: int
) -> None:
    known = OrderStatistic(values, q, errors)
    high = OrderStatistic((*values, *([inf] * errors)), q).upper(alpha, errors=False)
    low = OrderStatistic((*([-inf] * errors), *values), q).lower(alpha, errors=False)
    assert known.upper(alpha, errors=True) == high
    assert known.lower(alpha, errors=True) == low


def test_the_value_is_the_usual_quantile() -> None:
    values = tuple(float(index) for index in range(1, 101))
    assert OrderStatistic(values, 0.95).value == 95.0
    assert OrderStatistic(values, 0.57).value == 57.0
    assert OrderStatistic((3.0,), 0.5).value == 3.0


@pytest.mark.parametrize("n", [20, 59, 100])
@pytest.mark.parametrize("q", [0.9, 0.95])
def test_size_of_the_order_statistic(n: int, q: float) -> None:
    # The values are ranks of a continuous sample; the true quantile splits them binomially.
    values = tuple(float(index) for index in range(n))
    rank = OrderStatistic(values, q).upper(0.05, errors=True)
    wrong = sum(
        comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(n + 1) if rank < inf and k > rank
    )
    assert wrong <= 0.05


def test_samples_are_those_of_the_share() -> None:
    values = tuple(float(index) for index in range(200))
    known = OrderStatistic(values, 0.95)
    expected = Rate(197, 197, 200).samples_to_settle(0.95, "lower", 0.05)
    assert known.samples_to_settle(196.0, "upper", 0.05) == expected
    assert expected is not None
    assert known.samples_to_settle(150.0, "upper", 0.05) is None
    low = OrderStatistic(values, 0.05).samples_to_settle(3.0, "lower", 0.05)
    assert low == Rate(3, 3, 200).samples_to_settle(0.05, "upper", 0.05)


def test_counts_over_a_limit() -> None:
    known = from_exceed(31, 1000, 2)
    assert (known.count, known.n, known.scale) == (969, 1000, WITHIN)
    assert known.lower(0.05, errors=True) == binomial.lower(969, 1002, 0.05)


@pytest.mark.parametrize(
    ("rows", "q", "side", "low", "high"),
    [
        ([(0.99, 0.5)], 0.95, "upper", 990, 1000),
        ([(1.0, 0.5)], 0.95, "upper", 1000, 1000),
        ([(0.95, 0.5), (0.99, 0.7)], 0.9, "upper", 990, 1000),
        ([(0.95, 0.5), (0.99, 0.9)], 0.9, "upper", 950, 991),
        ([(0.9, 0.9)], 0.95, "upper", 0, 901),
        ([(1.0, 0.9), (0.9, 0.85)], 0.95, "upper", 0, 901),
        ([(1.0, 0.8)], 0.95, "upper", 1000, 1000),
        ([(0.57, 0.5)], 0.5, "upper", 570, 1000),
        ([(0.01, 0.8)], 0.05, "lower", 0, 11),
        ([(0.1, 0.7)], 0.05, "lower", 100, 1000),
    ],
)
def test_what_percentiles_say_about_a_limit_of_08(
    rows: list[tuple[float, float]], q: float, side: Side, low: int, high: int
) -> None:
    known = from_order(rows, q, 0.8, side, 1000, 3)
    assert known is not None
    assert (known.count_low, known.count_high, known.n_errored) == (low, high, 3)
    assert known.scale == WITHIN


def test_p99_under_the_limit_settles_p95_and_p90_over_it_refutes() -> None:
    good = from_order([(0.99, 0.7)], 0.95, 0.8, "upper", 1000, 0)
    bad = from_order([(0.9, 0.9)], 0.95, 0.8, "upper", 1000, 0)
    assert good is not None
    assert good.lower(0.05, errors=True) > 0.95
    assert bad is not None
    assert bad.p_below(0.95) < 1e-6


@pytest.mark.parametrize(
    "rows", [[(0.95, 0.5)], [(0.95, 0.9)], [(0.9, 0.5)], [(0.99, 0.9), (0.95, 0.5)], []]
)
def test_a_percentile_says_nothing_about_itself(rows: list[tuple[float, float]]) -> None:
    assert from_order(rows, 0.95, 0.8, "upper", 1000, 0) is None


def test_contradicting_percentiles_are_refused() -> None:
    with pytest.raises(ValueError, match="higher quantile"):
        from_order([(0.99, 0.5), (0.5, 0.9)], 0.95, 0.8, "upper", 1000, 0)


@given(st.integers(0, 100), st.integers(1, 100), alphas)
def test_order_information_agrees_with_the_values(seed: int, n: int, alpha: float) -> None:
    values = sorted(float((index * 37 + seed) % 101) for index in range(n))
    for share in (0.5, 0.9, 1.0):
        at = values[max(0, -(-int(share * 1000) * n // 1000) - 1)]
        known = from_order([(share, at)], 0.8, 50.0, "upper", n, 0)
        if known is not None:
            truth = sum(value <= 50.0 for value in values)
            assert known.count_low <= truth <= known.count_high
            assert known.lower(alpha, errors=True) <= binomial.lower(truth, n, alpha)


def test_f1_through_jaccard() -> None:
    known = F1(Rate(80, 80, 100))
    assert known.value == pytest.approx(2 * 80 / (2 * 80 + 20))
    low = binomial.lower(80, 100, 0.05)
    assert known.lower(0.05, errors=True) == pytest.approx(2 * low / (1 + low))
    assert known.p_below(0.9) == binomial.p_below(80, 100, 0.9 / 1.1)
    assert (known.count, known.n) == (80, 100)
    assert known.p_below(1.5) == 0.0
    assert known.p_above(-0.5) == 0.0


def test_an_interval_reaches_as_far_as_its_confidence() -> None:
    known = SuppliedInterval(0.71, (0.66, 0.78), 0.95, 1000)
    assert known.upper(0.025, errors=True) == pytest.approx(0.78)
    assert known.upper(0.05, errors=True) == pytest.approx(0.78)
    assert known.upper(0.01, errors=True) == inf
    assert known.lower(0.01, errors=True) == -inf
    assert (known.p_below(0.8), known.p_below(0.7)) == (0.025, 1.0)
    assert known.samples_to_settle(0.75, "upper", 0.01) is None
    assert known.approximate


def test_a_stretched_interval_keeps_its_shape() -> None:
    known = SuppliedInterval(0.7, (0.6, 0.75), 0.95, 1000, stretched=True)
    assert known.lower(0.005, errors=True) == pytest.approx(0.7 - 0.1 * 2.5758 / 1.96, abs=1e-4)
    assert known.upper(0.005, errors=True) == pytest.approx(0.7 + 0.05 * 2.5758 / 1.96, abs=1e-4)


def test_errors_pull_an_interval_only_within_a_range() -> None:
    bounded = SuppliedInterval(0.9, (0.8, 0.95), 0.95, 90, 10, (0.0, 1.0))
    assert bounded.lower(0.05, errors=True) == pytest.approx(0.72)
    assert bounded.upper(0.05, errors=True) == pytest.approx(0.955)
    unbounded = SuppliedInterval(0.9, (0.8, 0.95), 0.95, 90, 10)
    assert unbounded.lower(0.05, errors=True) == -inf
    assert unbounded.lower(0.05, errors=False) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("value", "ends", "confidence"),
    [
        (0.5, (0.5, 0.5), 0.95),
        (0.9, (0.1, 0.5), 0.95),
        (0.5, (0.4, 0.6), 1.0),
        (0.5, (0.4, 0.6), 5e-324),
    ],
)
def test_worthless_intervals_are_refused(
    value: float, ends: tuple[float, float], confidence: float
) -> None:
    with pytest.raises(ValueError, match="interval"):
        SuppliedInterval(value, ends, confidence, 100)


def test_the_widest_of_several() -> None:
    rate = Rate(80, 80, 100)
    wide = SuppliedInterval(0.8, (0.5, 0.95), 0.95, 100, stretched=True)
    known = Widest(rate, (wide,))
    assert known.lower(0.05, errors=True) == wide.lower(0.05, errors=True)
    assert known.p_above(0.6) == wide.p_above(0.6) > rate.p_above(0.6)
    assert known.method == "clopper_pearson+supplied_interval"
    assert not known.approximate
    assert known.samples_to_settle(0.6, "lower", 0.05) == wide.samples_to_settle(0.6, "lower", 0.05)
    assert known.samples_to_settle(0.9, "lower", 0.05) is None
