"""Sample sizes: published values, exact power by enumeration, and the cap."""

import numpy as np
import pytest
from scipy import stats

from gates.statistics import binomial, power
from gates.statistics.binomial import Rate
from gates.statistics.estimate import Side


def _stable_by_enumeration(seen: float, limit: float, alpha: float, up_to: int) -> int:
    n = np.arange(1, up_to + 1)
    needed = stats.binom.isf(alpha, n, limit) + 1
    enough = np.where(needed <= n, stats.binom.sf(needed - 1, n, seen), 0.0) >= 0.80
    return int(n[np.nonzero(~enough)[0][-1]]) + 1


@pytest.mark.parametrize(
    ("rate", "n"), [(0.05, 59), (0.02, 149), (0.01, 299), (0.005, 598), (0.001, 2995)]
)
def test_clean_samples_that_show_a_rate(rate: float, n: int) -> None:
    assert power.clean_samples(0, rate, 0.05) == n
    assert binomial.upper(0, n, 0.05) < rate <= binomial.upper(0, n - 1, 0.05)


@pytest.mark.parametrize("events", [0, 1, 3, 40])
def test_clean_samples_after_some_events(events: int) -> None:
    n = power.clean_samples(events, 0.02, 0.04)
    assert n is not None
    assert binomial.upper(events, n, 0.04) < 0.02 <= binomial.upper(events, n - 1, 0.04)


def test_clean_samples_ask_for_strictly_less() -> None:
    assert power.clean_samples(0, 0.5, 0.25) == 3


def test_clean_samples_have_a_cap() -> None:
    assert power.clean_samples(0, 1e-6, 0.05) is None
    assert power.clean_samples(10**7, 0.5, 0.05) is None


@pytest.mark.parametrize("bad", [(-1, 0.5, 0.05), (0, 0.0, 0.05), (0, 1.0, 0.05), (0, 0.5, 0.0)])
def test_clean_samples_refuse_nonsense(bad: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="inside"):
        power.clean_samples(*bad)


def test_the_standard_example() -> None:
    assert power.rate(0.90, 0.85, "lower", 0.05) == 304
    assert power.rate(0.90, 0.85, "lower", 0.04) == 331
    assert power.rate(1.0, 0.95, "lower", 0.04) == 63
    assert power.rate(1.0, 0.99, "lower", 0.04) == 321


@pytest.mark.parametrize(
    ("seen", "limit", "alpha"),
    [
        (0.9, 0.85, 0.05),
        (0.98, 0.95, 0.01),
        (0.55, 0.5, 0.05),
        (0.999, 0.99, 0.04),
        (0.2, 0.1, 0.001),
        (0.7, 0.5, 0.04),
        (0.96, 0.8, 0.05),
    ],
)
def test_power_stays_from_there_on(seen: float, limit: float, alpha: float) -> None:
    n = power.rate(seen, limit, "lower", alpha)
    assert n is not None
    assert n == _stable_by_enumeration(seen, limit, alpha, max(2000, 3 * n))


@pytest.mark.parametrize(("seen", "limit"), [(0.9, 0.85), (0.6, 0.5), (0.99, 0.98)])
def test_the_upper_side_is_the_mirror(seen: float, limit: float) -> None:
    lower = power.rate(seen, limit, "lower", 0.05)
    upper = power.rate(1 - seen, 1 - limit, "upper", 0.05)
    assert lower is not None
    assert upper is not None
    assert abs(lower - upper) <= 0.02 * lower


@pytest.mark.parametrize(
    ("seen", "limit", "side"),
    [
        (0.85, 0.85, "lower"),
        (0.8, 0.85, "lower"),
        (0.8501, 0.85, "lower"),
        (0.03, 0.02, "upper"),
        (0.5, 1.0, "lower"),
        (1.0, 1.0, "lower"),
        (0.0, 0.0, "upper"),
        (0.0, 1e-7, "upper"),
        (1 - 1e-12, 1 - 1e-9, "lower"),
    ],
)
def test_no_realistic_sample(seen: float, limit: float, side: Side) -> None:
    assert power.rate(seen, limit, side, 0.05) is None
    assert power.rate(seen, limit, side, 0.0) is None


def test_a_limit_that_always_holds() -> None:
    assert power.rate(0.3, -0.1, "lower", 0.05) == 1
    assert power.rate(0.3, 1.1, "upper", 0.05) == 1


def test_tiny_alpha_has_an_answer() -> None:
    n = power.rate(0.9, 0.1, "lower", 1e-300)
    assert n is not None
    assert n > 300


def test_errors_are_planned_for() -> None:
    clean = Rate(435, 435, 500).samples_to_settle(0.85, "lower", 0.05)
    with_errors = Rate(435, 435, 500, 5).samples_to_settle(0.85, "lower", 0.05)
    assert clean is not None
    assert 1900 < clean < 2050
    assert with_errors is not None
    assert with_errors > clean
    assert Rate(435, 435, 500, 50).samples_to_settle(0.85, "lower", 0.05) is None
    assert Rate(0, 0, 0).samples_to_settle(0.85, "lower", 0.05) is None


def test_means_and_differences() -> None:
    z = stats.norm.isf(0.05) + stats.norm.isf(0.2)
    assert power.mean(0.02, 0.3, 0.05) == int(np.ceil((z * 0.3 / 0.02) ** 2))
    assert power.mean(0.01, (2 * 0.85 * 0.15) ** 0.5, 0.05) == 15_766
    assert power.mean(0.0, 0.3, 0.05) is None
    assert power.mean(-1.0, 0.3, 0.05) is None
    assert power.mean(1e-9, 0.3, 0.05) is None
    assert power.mean(0.1, 0.0, 0.05) == 1


@pytest.mark.parametrize("switch", [1, 2, 3, 1000, 524_289, 1_000_000])
def test_first_finds_the_switch(switch: int) -> None:
    assert power.first(lambda n: n >= switch) == switch
    assert power.first(lambda n: n > power.CAP) is None
