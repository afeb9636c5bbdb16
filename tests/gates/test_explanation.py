"""Numbers in sentences: short, on the right side of their limit, and without float noise."""

from math import nextafter

import pytest

from gates.rounding import number
from tests.gates.build import judge, m, only


def test_a_difference_equal_to_its_margin_is_shown_as_the_margin() -> None:
    found = only(
        judge(
            "metric: accuracy, versus_baseline: {max_drop: 0.02}",
            m("accuracy", count=465, n=500),
            baseline=[m("accuracy", value=0.95, n=500)],
        )
    )
    assert "differs from the baseline by -2.0 points (93.0% against 95.0%)" in found.message
    assert "0000" not in found.message


def test_a_margin_in_percent_says_what_is_compared() -> None:
    """85.5% against 90.0% is no difference of 0.0 points."""
    found = only(
        judge(
            "metric: accuracy, versus_baseline: {max_drop_percent: 5}",
            m("accuracy", count=8600, n=10_000),
            baseline=[m("accuracy", count=9000, n=10_000)],
        )
    )
    said = "Accuracy lies 0.5 points above the baseline less 5% (86.0% against 90.0%)"
    assert found.message.startswith(said)
    assert "that is within the agreed margin" not in found.message


def test_a_shown_margin_is_kept_and_never_no_difference() -> None:
    found = only(
        judge(
            "metric: accuracy, versus_baseline: {max_drop: 0.01}",
            m("accuracy", count=9000, n=10_000),
            baseline=[m("accuracy", count=9000, n=10_000)],
        )
    )
    assert "that is within the agreed margin: max drop 1 point." in found.message
    assert "points" in found.message.split(";")[0]


def test_a_guard_says_which_shortfall_it_rules_out() -> None:
    rule = "metric: recall, min: 0.9, mode: guard, notice: 0.02"
    found = only(judge(rule, m("recall", count=8950, n=10_000)))
    assert "the limit is at least 90%; missing it by more than 2 points is ruled out" in (
        found.message
    )


def test_what_percentiles_enclose_gets_no_made_up_middle() -> None:
    rule = "metric: latency, quantile: 0.95, max: 0.8, unit: s"
    over = only(judge(rule, m("latency", value=0.9, quantile=0.9, n=500, unit="s")))
    assert over.message.startswith(
        "Latency within the limit is known only by its bounds (n = 500). With 95%"
    )
    assert "45" not in over.message


def test_counts_of_f1_are_named_and_a_last_look_promises_no_hopelessness() -> None:
    f1 = only(judge("metric: f1, min: 0.8", m("f1", count=189, n=333)))
    assert "F1 0.724 (TP 189 of TP + FP + FN 333)" in f1.message
    rare = only(
        judge("metric: leak_rate, max_count: 0, rate_below: 0.01", m("leak_rate", count=0, n=294))
    )
    assert rare.to_settle is None
    assert "No realistic sample" not in rare.message


@pytest.mark.parametrize("against", [-0.02, 0.85, 0.999, 1e-6, 12.5])
@pytest.mark.parametrize("percent", [True, False])
def test_float_noise_is_equality_and_more_is_not(against: float, percent: bool) -> None:
    said = number(against, percent=percent, against=against)
    for noisy in (nextafter(against, 99.0), nextafter(against, -99.0), against * (1 + 1e-10)):
        assert number(noisy, percent=percent, against=against) == said
    scale = 100 if percent else 1
    for factor in (1 + 1e-6, 1 - 1e-6):
        shown = float(number(against * factor, percent=percent, against=against).rstrip("%"))
        assert (shown > against * scale) == (against * factor > against)
