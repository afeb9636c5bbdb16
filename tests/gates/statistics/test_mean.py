"""Means: t with a pseudo-score, plain t, Hall's t, Chernoff, Welch, clusters."""

from math import exp, inf, isclose, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gates.statistics import clustered, moments
from gates.statistics.chernoff import ChernoffMean, divergence
from gates.statistics.mean import BoundedMean, StudentEstimate
from gates.statistics.moments import Moments
from gates.statistics.skewed import SkewedMean, needed
from gates.statistics.welch import MeanDifference
from gates.verdict import Outcome
from tests.gates.build import judge, m, only

scores = st.lists(st.integers(0, 64).map(lambda k: k / 64), min_size=2, max_size=30)


@given(scores)
def test_moments_are_those_of_numpy(values: list[float]) -> None:
    found = moments.of_scores(values)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-12)
    assert found.variance == pytest.approx(np.var(values, ddof=1), abs=1e-12)
    if found.variance > 1e-6:
        assert found.skewness == pytest.approx(stats.skew(values), abs=1e-6)
        again = moments.of_stderr(found.mean, found.stderr, found.n)
        assert again.squares == pytest.approx(found.squares, rel=1e-9)


def test_equal_scores_have_no_spread() -> None:
    assert moments.of_scores([0.1] * 7) == Moments(7, 0.1, 0.0, ends=(0.1, 0.1))


@given(scores, st.sampled_from([0.0, 1.0]))
def test_a_pseudo_score_is_one_more_score(values: list[float], worst: float) -> None:
    mean, stderr = moments.of_scores(values).with_worst(worst, 0)
    assert mean == pytest.approx(np.mean([*values, worst]), abs=1e-12)
    assert stderr == pytest.approx(stats.sem([*values, worst]), abs=1e-9)


@given(scores, st.integers(1, 9))
def test_errors_are_more_worst_scores_or_wider(values: list[float], errors: int) -> None:
    mean, stderr = moments.of_scores(values).with_worst(0.0, errors)
    joined = [*values, *([0.0] * (errors + 1))]
    assert mean == pytest.approx(np.mean(joined), abs=1e-12)
    assert stderr >= stats.sem(joined) - 1e-9


def test_the_bounded_mean_is_t_with_a_pseudo_score() -> None:
    values = [0.9, 1.0, 0.4, 0.8, 0.95, 0.7, 1.0, 0.85]
    known = BoundedMean(moments.of_scores(values), 0.0, 1.0)
    joined = np.array([*values, 0.0])
    expected = joined.mean() - stats.t.isf(0.05, 8) * stats.sem(joined)
    assert known.lower(0.05, errors=True) == pytest.approx(expected, abs=1e-12)
    test = stats.ttest_1samp(joined, 0.5, alternative="greater")
    assert known.p_above(0.5) == pytest.approx(test.pvalue, rel=1e-9)


@pytest.mark.parametrize(("n", "shown"), [(10, 0.744), (50, 0.948), (300, 0.991)])
def test_data_without_spread_prove_little(n: int, shown: float) -> None:
    known = BoundedMean(Moments(n, 1.0, 0.0), 0.0, 1.0)
    assert known.lower(0.05, errors=True) == pytest.approx(shown, abs=1e-3)
    assert known.lower(0.05, errors=True) < 1.0


def test_false_passes_of_judge_scores_stay_below_the_level() -> None:
    rng = np.random.default_rng(7)
    values = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    chance = np.array([0.05, 0.02, 0.03, 0.1, 0.8])
    truth = float(values @ chance)
    passes = 0
    for _ in range(2000):
        drawn = rng.choice(values, size=100, p=chance).tolist()
        passes += BoundedMean(moments.of_scores(drawn), 0.0, 1.0).lower(0.05, errors=True) >= truth
    assert passes / 2000 < 0.05


@given(scores, st.floats(0, 1), st.sampled_from([0.05, 0.01]))
def test_scaling_the_range_scales_the_bound(
    values: list[float], limit: float, alpha: float
) -> None:
    one = BoundedMean(moments.of_scores(values), 0.0, 1.0)
    five = BoundedMean(moments.of_scores([1 + 4 * value for value in values]), 1.0, 5.0)
    low = one.lower(alpha, errors=True)
    assert five.lower(alpha, errors=True) == pytest.approx(1 + 4 * low, abs=1e-9)
    assert five.p_above(1 + 4 * limit) == pytest.approx(one.p_above(limit), abs=1e-6)


def test_bounded_sizes_settle_what_they_promise() -> None:
    known = BoundedMean(Moments(200, 0.80, 200 * 0.04), 0.0, 1.0)
    n = known.samples_to_settle(0.78, "lower", 0.05)
    assert n is not None
    z = stats.norm.isf(0.05) + stats.norm.isf(0.2)
    assert n == pytest.approx((z * 0.2 / 0.02) ** 2, rel=0.2)
    grown = BoundedMean(known.moments.resized(n), 0.0, 1.0)
    assert grown.lower(0.05, errors=True) >= 0.78
    assert known.samples_to_settle(0.80, "lower", 0.05) is None


def test_plain_t() -> None:
    known = StudentEstimate(4.12, 0.05, 300)
    assert known.lower(0.05, errors=True) == pytest.approx(4.12 - stats.t.isf(0.05, 299) * 0.05)
    assert known.p_below(4.3) == pytest.approx(stats.t.sf(3.6, 299), rel=1e-9)
    dirty = StudentEstimate(4.12, 0.05, 300, n_errored=1)
    assert (dirty.lower(0.05, errors=True), dirty.upper(0.05, errors=True)) == (-inf, inf)
    assert dirty.samples_to_settle(4.0, "lower", 0.05) is None


def _hall(values: np.ndarray, mean: float) -> float:
    n, g = len(values), stats.skew(values)
    t = sqrt(n) * (values.mean() - mean) / values.std(ddof=1)
    return float(t + g * t**2 / (3 * sqrt(n)) + g**2 * t**3 / (27 * n) + g / (6 * sqrt(n)))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("alpha", [0.05, 0.001, 1e-9])
def test_hall_bounds_solve_halls_formula(sign: float, alpha: float) -> None:
    values = sign * np.exp(np.random.default_rng(3).normal(size=150))
    known = SkewedMean(moments.of_scores(values.tolist()))
    critical = stats.t.isf(alpha, 150)
    least, most = np.append(values, values.min()), np.append(values, values.max())
    assert _hall(least, known.lower(alpha, errors=True)) == pytest.approx(critical, rel=1e-9)
    assert _hall(most, known.upper(alpha, errors=True)) == pytest.approx(-critical, rel=1e-9)
    limit = float(values.mean()) + 0.1
    assert known.p_below(limit) == pytest.approx(stats.t.cdf(_hall(most, limit), 150), rel=1e-9)
    assert known.p_above(limit) == pytest.approx(stats.t.sf(_hall(least, limit), 150), rel=1e-9)


RULE = "metric: cost, max: {}, unit: USD, mode: prove"


def test_a_mean_that_rests_on_few_values_is_not_settled() -> None:
    """Lognormal costs of sigma 2: what a few requests cost is most of what all of them do."""
    rng, limit, passed = np.random.default_rng(12), exp(2.0), 0
    for _ in range(400):
        drawn = tuple(rng.lognormal(0.0, 2.0, size=100).tolist())
        found = only(judge(RULE.format(limit), m("cost", scores=drawn, unit="USD")))
        passed += found.outcome is Outcome.PASS
    assert passed / 400 <= 0.08
    even = tuple(rng.normal(5.0, 1.0, size=200).tolist())
    assert needed(moments.of_scores(even).skewness) == 100
    assert needed(1e9) == 1_000_000


def test_hall_passes_skewed_costs_less_often_than_t() -> None:
    rng = np.random.default_rng(11)
    truth, halls, plain = exp(0.5), 0, 0
    for _ in range(1500):
        drawn = rng.lognormal(size=100)
        known = SkewedMean(moments.of_scores(drawn.tolist()))
        halls += known.upper(0.05, errors=True) <= truth
        plain += drawn.mean() + stats.t.isf(0.05, 99) * stats.sem(drawn) <= truth
    assert plain / 1500 > 0.09
    assert halls / 1500 < 0.06
    assert halls < plain


@pytest.mark.parametrize("spread", [Moments(99, 1.0, 5.0), Moments(100, 1.0, 0.0)])
def test_an_unbounded_mean_needs_scores_that_differ(spread: Moments) -> None:
    with pytest.raises(ValueError, match="differ"):
        SkewedMean(spread)


@given(st.floats(0, 1), st.floats(0.001, 0.999), st.integers(1, 1000))
def test_chernoff_is_never_sharper_than_the_exact_rate(v: float, q: float, n: int) -> None:
    hits = round(v * n)
    known = ChernoffMean(hits / n, n, 0.0, 1.0)
    if hits / n < q:
        assert known.p_below(q) >= stats.binom.cdf(hits, n, q) * (1 - 1e-9)


def test_chernoff_at_its_edges() -> None:
    all_right = ChernoffMean(1.0, 300, 0.0, 1.0)
    assert all_right.lower(0.05, errors=True) == pytest.approx(0.05 ** (1 / 300), abs=1e-12)
    assert all_right.upper(0.05, errors=True) == 1.0
    assert ChernoffMean(0.0, 300, 0.0, 1.0).lower(0.05, errors=True) == 0.0
    low = ChernoffMean(0.8, 500, 0.0, 1.0).lower(0.05, errors=True)
    assert 500 * divergence(0.8, low) == pytest.approx(log(20), rel=1e-9)
    likert = ChernoffMean(4.2, 500, 1.0, 5.0).lower(0.05, errors=True)
    assert likert == pytest.approx(1 + 4 * low, abs=1e-9)
    assert divergence(0.5, 0.0) == inf
    assert divergence(0.0, 0.0) == 0.0


@pytest.mark.parametrize("bad", [(1.1, 10, 0.0, 1.0), (0.5, 0, 0.0, 1.0), (0.0, 5, 0.0, 0.0)])
def test_chernoff_refuses_what_is_no_mean(bad: tuple[float, int, float, float]) -> None:
    with pytest.raises(ValueError, match="mean"):
        ChernoffMean(*bad)


def test_unbounded_welch_is_scipys_statistic() -> None:
    rng = np.random.default_rng(5)
    one, two = rng.normal(1.0, 1.0, 150), rng.normal(1.1, 2.0, 250)
    known = MeanDifference(moments.of_scores(one.tolist()), moments.of_scores(two.tolist()), None)
    test = stats.ttest_ind(one, two, equal_var=False, alternative="greater")
    assert known.p_above(0.0) == pytest.approx(stats.t.sf(test.statistic, 149), rel=1e-9)
    assert known.p_above(0.0) >= test.pvalue - 1e-3
    assert known.lower(0.05, errors=True) < known.value < known.upper(0.05, errors=True)


def test_bounded_welch_is_wider_than_welch_and_errors_count() -> None:
    one, two = Moments(300, 0.8, 12.0), Moments(300, 0.8, 12.0)
    known = MeanDifference(one, two, (0.0, 1.0))
    plain = -stats.t.isf(0.05, 598) * sqrt(2) * one.stderr
    assert plain - 0.01 < known.lower(0.05, errors=True) < plain
    dirty = MeanDifference(one, two, (0.0, 1.0), candidate_errors=3, baseline_errors=3)
    shift = 0.8 * 3 / 304 + 0.2 * 3 / 304
    gap = known.lower(0.05, errors=True) - dirty.lower(0.05, errors=True)
    assert gap == pytest.approx(shift, rel=0.02)
    assert dirty.lower(0.05, errors=False) == known.lower(0.05, errors=False)


def test_welch_without_range_says_nothing_with_errors() -> None:
    one = Moments(200, 0.8, 12.0)
    dirty = MeanDifference(one, one, None, baseline_errors=1)
    assert (dirty.lower(0.05, errors=True), dirty.upper(0.05, errors=True)) == (-inf, inf)


@pytest.mark.parametrize(
    ("small", "bounds"),
    [
        (Moments(9, 0.5, 1.0), (0.0, 1.0)),
        (Moments(99, 0.5, 1.0), None),
        (Moments(200, 0.5, 0.0), None),
    ],
)
def test_welch_refuses_small_or_equal_arms(
    small: Moments, bounds: tuple[float, float] | None
) -> None:
    with pytest.raises(ValueError, match="a difference of"):
        MeanDifference(Moments(500, 0.5, 1.0), small, bounds)


def test_clusters_of_one_are_nearly_the_bounded_mean() -> None:
    values = np.random.default_rng(2).uniform(size=80).tolist()
    names = [str(index) for index in range(80)]
    by_cluster = clustered.of_scores(values, names, 0.0, 1.0)
    plain = BoundedMean(moments.of_scores(values), 0.0, 1.0)
    low, expected = by_cluster.lower(0.05, errors=True), plain.lower(0.05, errors=True)
    assert isclose(low, expected, abs_tol=1e-9)
    assert by_cluster.p_below(0.6) == pytest.approx(plain.p_below(0.6), abs=1e-9)


def test_repeats_are_not_new_examples() -> None:
    values = np.random.default_rng(2).integers(0, 2, size=60).astype(float).tolist()
    names = [str(index) for index in range(60)]
    once = clustered.of_scores(values, names, 0.0, 1.0)
    tenfold = clustered.of_scores(values * 10, names * 10, 0.0, 1.0)
    assert tenfold.n == 600
    low = tenfold.lower(0.05, errors=True)
    assert low == pytest.approx(once.lower(0.05, errors=True), abs=1e-12)


def test_clustered_false_passes_stay_below_the_level() -> None:
    rng = np.random.default_rng(13)
    names = [str(index // 10) for index in range(500)]
    passes = 0
    for _ in range(1500):
        rates = rng.beta(0.85 * 2.3, 0.15 * 2.3, size=50)  # ICC 0.3
        drawn = (rng.uniform(size=500) < np.repeat(rates, 10)).astype(float).tolist()
        known = clustered.of_scores(drawn, names, 0.0, 1.0)
        passes += known.lower(0.05, errors=True) >= 0.85
    assert passes / 1500 < 0.05


def test_clusters_must_match_scores() -> None:
    with pytest.raises(ValueError, match="zip"):
        clustered.of_scores([0.5, 0.5], ["a"], 0.0, 1.0)
