"""Laws that hold for every estimator: worse evidence never helps, bounds and p-values are dual."""

from collections.abc import Callable
from itertools import product
from math import isfinite

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gates.statistics import agreement, calibration
from gates.statistics.anytime import sequence
from gates.statistics.auc import PlacementMean
from gates.statistics.binomial import Rate, from_value
from gates.statistics.chernoff import ChernoffMean
from gates.statistics.clustered import ClusteredMean
from gates.statistics.correlation import Correlation
from gates.statistics.difference import RateDifference
from gates.statistics.drift import StabilityIndex
from gates.statistics.estimate import Estimate
from gates.statistics.exposure import EventRate
from gates.statistics.f1 import F1
from gates.statistics.fieller import RatioOfSums
from gates.statistics.hybrid import HybridDifference
from gates.statistics.interval import SuppliedInterval, Widest
from gates.statistics.mean import BoundedMean, StudentEstimate
from gates.statistics.moments import Moments
from gates.statistics.paired_rates import PairedRates
from gates.statistics.pivot import Pivot
from gates.statistics.quantile import OrderStatistic, from_exceed
from gates.statistics.ratio_of_rates import RateRatio
from gates.statistics.sequence_difference import SequentialRateDifference
from gates.statistics.sequence_order import SequentialOrder
from gates.statistics.sequence_pairs import SequentialPairs
from gates.statistics.sequence_rate import SequentialRate
from gates.statistics.skewed import SkewedMean
from gates.statistics.welch import MeanDifference

# A family makes an estimate from tenths (the value, 0 to 10), a size in tens, errors and a spread.
Family = Callable[[int, int, int, float], Estimate]


def _moments(tenths: int, tens: int, spread: float) -> Moments:
    return Moments(10 * tens, tenths / 10, 10 * tens * spread * 0.09, 2.0 * spread)


def _rate(tenths: int, tens: int, errors: int, _: float) -> Rate:
    return Rate(tenths * tens, tenths * tens, 10 * tens, errors)


def _clustered(tenths: int, tens: int, errors: int, spread: float) -> ClusteredMean:
    # Clusters of three sizes, half of them above and half below the mean by the spread.
    totals = []
    for index in range(10 * tens):
        size = 1 + index % 3
        move = spread * (0.1 if index % 2 else -0.1)
        totals.append((size * (0.1 + 0.08 * tenths + move), size))
    return ClusteredMean(tuple(totals), 0.0, 1.0, errors)


def _order(tenths: int, tens: int, errors: int, _: float) -> OrderStatistic:
    pattern = [tenths + step * step for step in range(10)]
    return OrderStatistic(tuple(sorted(pattern * tens)), 0.8, errors)


def _supplied(tenths: int, tens: int, errors: int, spread: float) -> SuppliedInterval:
    value, reach = tenths / 10, (0.1 + spread) / tens**0.5
    return SuppliedInterval(
        value, (value - reach, value + reach / 2), 0.95, 10 * tens, errors, (0.0, 1.0)
    )


def _stretched(tenths: int, tens: int, errors: int, spread: float) -> SuppliedInterval:
    value, reach = tenths / 10, (0.1 + spread) / tens**0.5
    ends = (value - reach, value + reach)
    return SuppliedInterval(value, ends, 0.9, 10 * tens, errors, (0.0, 1.0), stretched=True)


def _sums(tenths: int, tens: int, errors: int, spread: float) -> RatioOfSums:
    n = 100 * tens
    spreads = ((0.5 + spread) * n, 0.1 * n, 0.2 * n)
    return RatioOfSums(tenths / 10 * 0.9, 0.9, *spreads, 1.5 * spread, n, errors)


def _calibration(tenths: int, tens: int, errors: int, _: float) -> Pivot:
    labels = [0.0] * (tenths * tens) + [1.0] * ((10 - tenths) * tens)
    return calibration.of_scores([1.0] * len(labels), labels, errors)


FAMILIES: dict[str, Family] = {
    "rate": _rate,
    "rate from a value": lambda t, n, e, _: from_value(t / 10, 10 * n, e),
    "count over a limit": lambda t, n, e, _: from_exceed((10 - t) * n, 10 * n, e),
    "f1": lambda t, n, e, _: F1(Rate(t * n, t * n, 10 * n, e)),
    "bounded mean": lambda t, n, e, s: BoundedMean(_moments(t, n, s), 0.0, 1.0, e),
    "chernoff": lambda t, n, e, _: ChernoffMean(t / 10, 10 * n, 0.0, 1.0, e),
    "student": lambda t, n, e, s: StudentEstimate(t / 10, (0.1 + s) / n, 100 * n, e),
    "skewed": lambda t, n, e, s: SkewedMean(_moments(t, 10 * n, 0.05 + s), e),
    "clustered": _clustered,
    "order statistic": _order,
    "supplied interval": _supplied,
    "stretched interval": _stretched,
    "widest": lambda t, n, e, s: Widest(_rate(t, n, e, s), (_stretched(t, n, e, s),)),
    "rates, candidate worse": lambda t, n, e, _: RateDifference(
        Rate(t * n, t * n, 10 * n, e), Rate(7 * n, 7 * n, 10 * n, 1)
    ),
    "rates, baseline errs": lambda t, n, e, _: RateDifference(
        Rate(t * n, t * n, 10 * n), Rate(2 * n, 2 * n, 10 * n, e)
    ),
    "means": lambda t, n, e, s: MeanDifference(
        _moments(t, n, s), _moments(6, n, 0.4), (0.0, 1.0), e, 1
    ),
    "means, baseline errs": lambda t, n, e, s: MeanDifference(
        _moments(t, n, s), _moments(6, n, 0.4), (0.0, 1.0), 0, e
    ),
    "unbounded means": lambda t, n, e, s: MeanDifference(
        _moments(t, 10 * n, 0.1 + s), _moments(6, 10 * n, 0.4), None, e
    ),
    "rate at any look": lambda t, n, e, _: SequentialRate(Rate(t * n, t * n, 10 * n, e), 300),
    "order statistic at any look": lambda t, n, e, s: SequentialOrder(_order(t, n, e, s), 300),
    "pairs at any look": lambda t, n, e, _: SequentialPairs(t * n, 3 * n, 20 * n, e),
    "rates at any look": lambda t, n, e, _: SequentialRateDifference(
        Rate(t * n, t * n, 10 * n, e), Rate(7 * n, 7 * n, 10 * n, 1), 300
    ),
    "bounded mean at any look": lambda t, n, e, s: sequence(
        BoundedMean(_moments(t, 10 * n, s), 0.0, 1.0, e), 300, 1
    ),
    "chernoff at look 3": lambda t, n, e, _: sequence(
        ChernoffMean(t / 10, 10 * n, 0.0, 1.0, e), 300, 3
    ),
}
FAMILIES |= {
    "pairs, all differ": lambda t, n, e, _: PairedRates(t * n, (10 - t) * n, t * n, 10 * n, e),
    "pairs, few differ": lambda t, n, e, _: PairedRates(t * n, (10 - t) * n, 50 * n, 100 * n, e),
    "paired means": lambda t, n, e, s: BoundedMean(_moments(2 * t - 10, n, s), -1.0, 1.0, e),
    "events": lambda t, n, e, _: EventRate(t * n, 10.0 * n, e),
    "ratio of rates": lambda t, n, e, _: RateRatio(
        Rate(t * n, t * n, 10 * n, e), Rate(5 * n, 5 * n, 10 * n, 1)
    ),
    "rates by MOVER": lambda t, n, e, _: HybridDifference(
        Rate(t * n, t * n, 10 * n, e), Rate(7 * n, 7 * n, 10 * n), 0.95
    ),
    "f1 by MOVER": lambda t, n, e, _: HybridDifference(
        F1(Rate(t * n, t * n, 10 * n, e)), F1(Rate(4 * n, 4 * n, 10 * n, 2))
    ),
    "quantiles by MOVER": lambda t, n, e, s: HybridDifference(
        _order(t, n, e, s), _order(3, n, 1, s)
    ),
    "auc": lambda t, n, e, s: PlacementMean(
        _moments(t, 10 * n, s), _moments(t, 5 * n + 5, s), 0.0, 1.0, e
    ),
    "auc, paired": lambda t, n, e, s: PlacementMean(
        _moments(2 * t - 10, 10 * n, s), _moments(2 * t - 10, 5 * n + 5, s), -1.0, 1.0, e
    ),
    "kappa": lambda t, n, e, _: agreement.of_table(
        ((t * n + n, 10 * n - t * n), (10 * n - t * n, t * n + n)), e
    ),
    "correlation": lambda t, n, e, _: Correlation((2 * t - 10) / 10, 20 * n, False, e),
    "rank correlation": lambda t, n, e, _: Correlation(t / 10, 20 * n, True, e),
    "psi": lambda t, n, e, _: StabilityIndex(t / 10, 10, (100 * n, 200 * n), e),
    "ratio of sums": _sums,
    "calibration": _calibration,
}

family = pytest.mark.parametrize("make", FAMILIES.values(), ids=list(FAMILIES))
relaxed = settings(deadline=None, max_examples=30)  # of 18 families each
tenths = st.integers(0, 10)
tens = st.integers(1, 60)
errors = st.integers(0, 30)
spreads = st.floats(0, 1)
alphas = st.sampled_from([0.2, 0.05, 0.04, 0.01, 1e-3, 1e-6])
limits = st.floats(-1.2, 1.2)
SLACK = 1e-12


@family
@relaxed
@given(t=tenths, n=tens, e=errors, more=errors, s=spreads, alpha=alphas)
def test_an_error_never_helps(
    make: Family, t: int, n: int, e: int, more: int, s: float, alpha: float
) -> None:
    one, two = make(t, n, e, s), make(t, n, e + more, s)
    assert two.lower(alpha, errors=True) <= one.lower(alpha, errors=True) + SLACK
    assert two.upper(alpha, errors=True) >= one.upper(alpha, errors=True) - SLACK


@family
@relaxed
@given(t=tenths, n=tens, e=errors, s=spreads, alpha=alphas, limit=limits)
def test_errors_leave_refutations_alone(
    make: Family, t: int, n: int, e: int, s: float, alpha: float, limit: float
) -> None:
    clean, dirty = make(t, n, 0, s), make(t, n, e, s)
    assert dirty.p_below(limit) == clean.p_below(limit)
    assert dirty.p_above(limit) == clean.p_above(limit)
    assert dirty.upper(alpha, errors=False) == clean.upper(alpha, errors=False)


@family
@relaxed
@given(pair=st.tuples(tenths, tenths), n=tens, e=errors, s=spreads, alpha=alphas, limit=limits)
def test_a_worse_value_never_helps(
    make: Family, pair: tuple[int, int], n: int, e: int, s: float, alpha: float, limit: float
) -> None:
    worse, better = make(min(pair), n, e, s), make(max(pair), n, e, s)
    assert worse.lower(alpha, errors=True) <= better.lower(alpha, errors=True) + SLACK
    assert worse.upper(alpha, errors=True) <= better.upper(alpha, errors=True) + SLACK
    assert worse.p_below(limit) <= better.p_below(limit) + SLACK


@family
@relaxed
@given(t=tenths, n=tens, times=st.integers(2, 6), s=spreads, alpha=alphas)
def test_fewer_examples_never_help(
    make: Family, t: int, n: int, times: int, s: float, alpha: float
) -> None:
    few, many = make(t, n, 0, s), make(t, n * times, 0, s)
    assert few.lower(alpha, errors=True) <= many.lower(alpha, errors=True) + SLACK
    assert few.upper(alpha, errors=True) >= many.upper(alpha, errors=True) - SLACK


@family
@relaxed
@given(t=tenths, n=tens, s=spreads, alpha=alphas, limit=limits)
def test_bounds_and_p_values_are_dual(
    make: Family, t: int, n: int, s: float, alpha: float, limit: float
) -> None:
    known = make(t, n, 0, s)
    low, high = known.lower(alpha, errors=False), known.upper(alpha, errors=False)
    if abs(low - limit) > 1e-9:
        assert (low > limit) == (known.p_above(limit) <= alpha)
    if abs(high - limit) > 1e-9:
        assert (high < limit) == (known.p_below(limit) <= alpha)


@family
@relaxed
@given(t=tenths, n=tens, e=errors, s=spreads, one=alphas, two=alphas)
def test_more_confidence_is_wider(
    make: Family, t: int, n: int, e: int, s: float, one: float, two: float
) -> None:
    assume(one < two)
    known = make(t, n, e, s)
    assert known.lower(one, errors=True) <= known.lower(two, errors=True)
    assert known.upper(one, errors=True) >= known.upper(two, errors=True)
    assert known.lower(two, errors=True) <= known.upper(two, errors=True)


@family
@relaxed
@given(t=tenths, n=tens, s=spreads, alpha=alphas)
def test_never_both_shown_above_and_below(
    make: Family, t: int, n: int, s: float, alpha: float
) -> None:
    known = make(t, n, 0, s)
    for limit in (known.value, 0.0, 0.5):
        assert known.p_above(limit) > alpha or known.p_below(limit) > alpha


@family
def test_extremes_have_an_answer(make: Family) -> None:
    alphas = (0.0, 5e-324, 1e-300, 0.5)
    limits = (-1e300, -1.0, 0.0, 1.0, 1e300)
    for t, s, alpha, limit in product((0, 5, 10), (0.0, 1.0), alphas, limits):
        known = make(t, 1, 3, s)
        for counted in (True, False):
            assert known.lower(alpha, errors=counted) <= known.upper(alpha, errors=counted)
        assert 0.0 <= known.p_below(limit) <= 1.0
        assert 0.0 <= known.p_above(limit) <= 1.0
        assert isfinite(known.value)
        for side in ("lower", "upper"):
            needed = known.samples_to_settle(limit, side, max(alpha, 1e-300))
            assert needed is None or 1 <= needed <= 2_000_000


@family
@relaxed
@given(t=tenths, n=tens, s=spreads, limit=st.floats(-1, 1), alpha=alphas)
def test_no_size_is_promised_on_the_wrong_side(
    make: Family, t: int, n: int, s: float, limit: float, alpha: float
) -> None:
    known = make(t, n, 0, s)
    if known.value < limit - 1e-9 and not isinstance(known, OrderStatistic):
        assert known.samples_to_settle(limit, "lower", alpha) is None
    if known.value > limit + 1e-9 and not isinstance(known, OrderStatistic):
        assert known.samples_to_settle(limit, "upper", alpha) is None


mirrored = pytest.mark.parametrize(
    "make",
    [
        FAMILIES[name]
        for name in ("rate", "bounded mean", "chernoff", "student", "stretched interval")
    ],
)


@mirrored
@relaxed
@given(t=tenths, n=tens, e=errors, s=spreads, alpha=alphas, limit=st.floats(0, 1))
def test_swapping_ends_mirrors(
    make: Family, t: int, n: int, e: int, s: float, alpha: float, limit: float
) -> None:
    one, two = make(t, n, e, s), make(10 - t, n, e, s)
    assert one.lower(alpha, errors=True) == pytest.approx(
        1 - two.upper(alpha, errors=True), abs=1e-9
    )
    assert one.p_above(limit) == pytest.approx(two.p_below(1 - limit), abs=1e-7)
