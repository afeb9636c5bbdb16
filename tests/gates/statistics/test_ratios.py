"""Ratios, events per exposure, ratios of rates and drift against published numbers and oracles."""

import numpy as np
import pytest
from scipy import optimize, stats

from gates.statistics import drift, fieller
from gates.statistics.binomial import Rate
from gates.statistics.exposure import EventRate
from gates.statistics.f1 import F1
from gates.statistics.hybrid import HybridDifference
from gates.statistics.quantile import OrderStatistic
from gates.statistics.ratio_of_rates import RateRatio, score
from tests.gates.build import judge, m, only


@pytest.mark.parametrize(
    ("events", "low", "high"),
    [
        # Garwood, Biometrika 28 (1936), 437-442, table of fiducial limits, both tails 2.5%.
        (0, 0.0, 3.69),
        (1, 0.0253, 5.57),
        (2, 0.242, 7.22),
        (5, 1.62, 11.67),
        (10, 4.80, 18.39),
        (50, 37.11, 65.92),
    ],
)
def test_garwood_1936(events: int, low: float, high: float) -> None:
    known = EventRate(events, 1.0)
    assert known.lower(0.025, errors=False) == pytest.approx(low, abs=0.006)
    assert known.upper(0.025, errors=False) == pytest.approx(high, abs=0.006)


def test_event_tests_are_poisson_tails() -> None:
    known = EventRate(7, 1000.0)
    assert known.p_below(0.01) == pytest.approx(stats.poisson.cdf(7, 10))
    assert known.p_above(0.005) == pytest.approx(stats.poisson.sf(6, 5))


@pytest.mark.parametrize("mean", [0.5, 3.0, 20.0])
def test_events_never_exceed_their_level(mean: float) -> None:
    for alpha in (0.05, 0.01):
        passed = sum(
            stats.poisson.pmf(k, mean)
            for k in range(200)
            if EventRate(k, 1.0).upper(alpha, errors=False) <= mean
        )
        assert passed <= alpha


def test_an_event_rule_reads_count_and_exposure() -> None:
    rule = "metric: incidents, kind: count, direction: lower, max: 0.01"
    found = only(judge(rule, m("incidents", count=3, exposure=1000.0)))
    assert found.outcome.value == "pass"
    assert found.observed is not None
    assert found.observed.method == "garwood"
    assert only(judge(rule, m("incidents", count=7, exposure=1000.0))).outcome.value != "pass"
    errored = only(judge(rule, m("incidents", count=0, exposure=1000.0, n_errored=1)))
    assert errored.reason == "too_many_errors"


def test_koopman_1984() -> None:
    """Koopman, Biometrics 40 (1984), 513-517, the example of section 4: 36/40 against 16/80 give
    2.94 to 7.15. The gate, which corrects the score for skewness, is nowhere sharper."""
    low = optimize.brentq(lambda r: score(36, 40, 16, 80, r) - 1.959964, 1.0, 4.5)
    high = optimize.brentq(lambda r: score(36, 40, 16, 80, r) + 1.959964, 4.5, 20.0)
    assert (low, high) == pytest.approx((2.94, 7.15), abs=0.005)
    known = RateRatio(Rate(36, 36, 40), Rate(16, 16, 80))
    assert known.lower(0.025, errors=False) == pytest.approx(low, abs=1e-4)
    assert high < known.upper(0.025, errors=False) < 7.6


@pytest.mark.parametrize("limit", [5e-324, 1e-310, 1e-112, 1e100, 1e155, 1.7e308])
def test_limits_at_the_end_of_floating_point_are_answered(limit: float) -> None:
    """A ratio to the third power has no place there, and its skewness is still a number."""
    for x, y in ((0, 10), (5, 5), (10, 0), (1, 1)):
        ratio = RateRatio(Rate(x, x, 10), Rate(y, y, 10))
        assert 0.0 <= ratio.p_below(limit) <= 1.0
        assert 0.0 <= ratio.p_above(limit) <= 1.0


@pytest.mark.parametrize(("n1", "n0"), [(10, 100), (20, 50), (20, 200), (50, 20), (100, 20)])
@pytest.mark.parametrize("ratio", [0.5, 0.8])
def test_size_of_uneven_groups_by_enumeration(n1: int, n0: int, ratio: float) -> None:
    """Koopman's own test passes up to 11.7% of these at 5%."""
    known = [
        [RateRatio(Rate(x, x, n1), Rate(y, y, n0)) for y in range(n0 + 1)] for x in range(n1 + 1)
    ]
    sides = [
        np.array([[e.p_above(ratio) <= 0.05 for e in row] for row in known]),
        np.array([[e.p_below(ratio) <= 0.05 for e in row] for row in known]),
    ]
    for shown in sides:
        for base in np.arange(1, 200) / 200:
            first = stats.binom.pmf(np.arange(n1 + 1), n1, base * ratio)
            wrong = float(first @ shown @ stats.binom.pmf(np.arange(n0 + 1), n0, base))
            assert wrong <= 0.0735


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), 873-890, table II, method 10.
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
    ],
)
def test_mover_with_wilson_is_newcombes_method_10(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    x1, n1, x0, n0 = counts
    known = HybridDifference(Wilson(x1, n1), Wilson(x0, n0))
    assert known.lower(0.025, errors=False) == pytest.approx(low, abs=6e-5)
    assert known.upper(0.025, errors=False) == pytest.approx(high, abs=6e-5)


class Wilson(Rate):
    """Wilson's bounds, which the gate does not use by itself."""

    def __init__(self, x: int, n: int) -> None:
        super().__init__(x, x, n)

    def lower(self, alpha: float, *, errors: bool) -> float:
        del errors
        return float(
            stats.binomtest(self.count_low, self.n)
            .proportion_ci(1 - 2 * alpha, method="wilson")
            .low
        )

    def upper(self, alpha: float, *, errors: bool) -> float:
        del errors
        return float(
            stats.binomtest(self.count_low, self.n)
            .proportion_ci(1 - 2 * alpha, method="wilson")
            .high
        )


def test_mover_keeps_its_level_for_f1_and_quantiles() -> None:
    dice = np.random.default_rng(3)
    wrong = [0, 0]
    for _ in range(400):
        hits = dice.binomial(300, 0.85, size=2)
        one, two = (F1(Rate(int(x), int(x), 300)) for x in hits)
        wrong[0] += HybridDifference(one, two).lower(0.05, errors=False) >= 0.0
        three, four = (tuple(sorted(dice.lognormal(size=200).tolist())) for _ in range(2))
        series = HybridDifference(OrderStatistic(three, 0.9), OrderStatistic(four, 0.9))
        wrong[1] += series.upper(0.05, errors=False) <= 0.0
    assert max(wrong) <= 36  # 20 expected of 400, 3.7 standard deviations


def test_fieller_is_the_one_sample_test_without_skewness() -> None:
    dice = np.random.default_rng(4)
    costs = dice.normal(2.0, 0.5, size=400)
    costs = np.concatenate([costs, 4.0 - costs])  # symmetric, so Hall's correction vanishes nearly
    wins = np.tile((dice.random(400) < 0.8).astype(float), 2)
    known = fieller.of_scores(costs.tolist(), wins.tolist())
    rest = costs - 2.6 * wins
    rest = np.append(rest, rest[np.argmax(costs - known.value * wins)])
    theirs = stats.ttest_1samp(rest, 0.0, alternative="less").pvalue
    assert known.p_below(2.6) == pytest.approx(theirs, rel=0.15)
    assert known.value == pytest.approx(costs.sum() / wins.sum())


def test_cost_per_success_is_judged_from_two_series() -> None:
    dice = np.random.default_rng(5)
    costs = tuple(dice.gamma(4.0, 0.005, size=2000).tolist())
    wins = tuple((dice.random(2000) < 0.8).astype(float).tolist())
    rule = "metric: cost_per_success, max: 0.03, unit: USD"
    found = only(judge(rule, m("cost_per_success", scores=costs, denominators=wins, unit="USD")))
    assert found.outcome.value == "pass"
    assert found.observed is not None
    assert found.observed.method == "fieller"
    none = (0.0,) * 2000
    lost = only(judge(rule, m("cost_per_success", scores=costs, denominators=none, unit="USD")))
    assert lost.outcome.value == "inconclusive"


def test_psi_has_its_null_distribution() -> None:
    dice = np.random.default_rng(6)
    seen, failed, passed = [], 0, 0
    for _ in range(500):
        one, two = (np.bincount(dice.integers(0, 10, size=100), minlength=10) for _ in range(2))
        known = drift.of_counts(one.tolist(), two.tolist())
        seen.append(known.value)
        failed += known.p_above(0.0) <= 0.05
        passed += known.upper(0.05, errors=False) <= 0.0
    assert np.mean(seen) == pytest.approx(9 * 0.02, rel=0.15)
    assert failed <= 45
    assert passed == 0


def test_psi_passes_without_drift_and_fails_with_it() -> None:
    rule = "metric: psi, max: 0.1"
    flat, tilted = (500,) * 10, (950, *(450,) * 9)
    assert only(judge(rule, m("psi", table=(flat, flat)))).outcome.value == "pass"
    shifted = (2500, *(278,) * 9)
    assert only(judge(rule, m("psi", table=(flat, shifted)))).outcome.value == "fail"
    assert only(judge(rule, m("psi", table=(flat, tilted)))).outcome.value != "fail"
