"""Mann-Whitney against R's documented example, scipy, and enumeration."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gates.statistics import ranks
from gates.statistics.rank_shift import RankShift, cles

# Hollander and Wolfe (1973), p. 69 f., as in R's ?wilcox.test: W = 35, p = 0.1272.
PERMEABILITY = sorted([0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46])
AT_TERM = sorted([1.15, 0.88, 0.90, 0.74, 1.21])


def test_hollander_and_wolfe_1973_page_69() -> None:
    assert ranks.wins(PERMEABILITY, AT_TERM) == 35
    assert ranks.p_above(PERMEABILITY, AT_TERM) == pytest.approx(0.1272, abs=5e-5)
    assert ranks.hodges_lehmann(PERMEABILITY, AT_TERM) == pytest.approx(0.305, abs=0.01)


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=30),
    st.lists(st.integers(0, 12), min_size=1, max_size=30),
)
@settings(deadline=None)
def test_agrees_with_scipy(x: list[int], y: list[int]) -> None:
    x, y = sorted(x), sorted(y)
    if len({*x, *y}) == 1:
        assert ranks.p_above(x, y) == 1.0
        return
    tied = len({*x, *y}) < len(x) + len(y)
    if not tied and len(x) * len(y) <= ranks.EXACT:
        wanted = stats.mannwhitneyu(x, y, alternative="greater", method="exact").pvalue
    else:
        wanted = stats.mannwhitneyu(x, y, alternative="greater", method="asymptotic").pvalue
    assert ranks.p_above(x, y) == pytest.approx(wanted, abs=1e-9)


def test_false_passes_stay_below_the_level() -> None:
    """A candidate exactly at the tolerance, in skewed series: at most 5% and the simulation."""
    rng = np.random.default_rng(3)
    passed = 0
    for _ in range(400):
        base = rng.lognormal(0, 0.5, 40)
        moved = rng.lognormal(0, 0.5, 40) * 1.25
        known = RankShift(tuple(sorted(moved)), tuple(sorted(base)), 0.25)
        passed += known.p_below(0.0) <= 0.05
    assert passed <= stats.binom.ppf(0.999, 400, 0.05)


def test_bounds_and_p_values_are_dual() -> None:
    rng = np.random.default_rng(4)
    known = RankShift(
        tuple(sorted(rng.normal(10, 1, 60))), tuple(sorted(rng.normal(9, 1, 50))), 0.05
    )
    high, low = known.upper(0.05, errors=True), known.lower(0.05, errors=True)
    assert low < known.value < high
    assert known.p_below(high + 1e-6) <= 0.05 < known.p_below(high - 1e-6)
    assert known.p_above(low - 1e-6) <= 0.05 < known.p_above(low + 1e-6)
    assert known.samples_to_settle(known.value + 0.1, "upper", 0.05) is not None
    assert known.samples_to_settle(known.value - 0.1, "upper", 0.05) is None


def test_constant_series_and_effect_sizes() -> None:
    same = RankShift((1.0,) * 50, (1.0,) * 50, 0.0)
    assert same.p_below(0.0) == 1.0
    assert same.p_above(0.0) == 1.0
    assert cles([2.0, 3.0], [1.0, 2.0]) == 0.875


@pytest.mark.parametrize("absurd", [1.7e12, 1e100, 1e300])
def test_one_absurd_value_blurs_no_other(absurd: float) -> None:
    """A timestamp among seconds: the median of differences stays theirs, to twelve digits."""
    base = tuple(1.0 + i / 100 for i in range(60))
    moved = tuple(value + 0.25 for value in base)
    known = RankShift((*moved[:-1], absurd), base, 0.0)
    plain = RankShift(moved, base, 0.0)
    assert known.value == pytest.approx(plain.value, abs=0.011)
    assert known.lower(0.05, errors=True) <= known.value <= known.upper(0.05, errors=True)
    assert known.lower(0.05, errors=True) > 0.0
