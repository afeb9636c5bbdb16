"""Numbers in sentences: short, on the right side of their limit, and without float noise."""

from math import nextafter

import pytest

from gates.history import History
from gates.rounding import number
from gates.verdict import Outcome
from tests.gates.build import judge, m, only, policy


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


LEFT = "No planned look is left; submit a fresh candidate or ask a person."


def test_a_last_look_that_stays_open_names_who_settles_it() -> None:
    single = "metric: accuracy, min: 0.85"
    rare = "metric: leak_rate, max_count: 0, rate_below: 0.01"
    for rule, seen in (
        (single, m("accuracy", count=435, n=500)),
        (f"{single}, min_samples: 600", m("accuracy", count=480, n=500)),
        (rare, m("leak_rate", count=0, n=200)),
        (f"{single}, mode: guard, notice: 0.005", m("accuracy", count=435, n=500)),
    ):
        last = judge(rule, seen)
        assert only(last).to_settle is None
        assert only(last).message.endswith(LEFT), only(last).message
        assert LEFT in last.summary
        first = only(judge(policy(rule, header="defaults: {looks: planned(2)}"), seen))
        assert first.to_settle is not None
        assert LEFT not in first.message


def test_what_was_never_looked_at_speaks_of_no_look() -> None:
    for rule, seen in (
        ("metric: accuracy, min: 0.85", m("accuracy", value=0.9)),
        ("metric: relevance, min: 3", m("relevance", scores=(4.0,) * 20)),
        ("metric: cost, mode: exact, max: 1, unit: USD, min_samples: 50",
         m("cost", value=0.5, n=10, unit="USD")),
    ):  # fmt: skip
        assert "look" not in only(judge(rule, seen)).message


def test_an_earlier_failure_says_that_examples_cannot_settle_it() -> None:
    two = "defaults: {looks: planned(3)}"
    for rule, sent in (
        ("metric: accuracy, min: 0.85", [("accuracy", 300, 500), ("accuracy", 435, 500)]),
        ("metric: leak_rate, max_count: 0, rate_below: 0.01, min_samples: 300",
         [("leak_rate", 1, 100), ("leak_rate", 0, 200)]),
    ):  # fmt: skip
        (metric, x, n), (_, y, k) = sent
        rules = policy(rule, header=two)
        first = judge(rules, m(metric, count=x, n=n))
        later = judge(rules, m(metric, count=y, n=k), history=History(looks=first.looks))
        found = only(later)
        assert found.outcome is Outcome.INCONCLUSIVE
        assert found.to_settle is None
        assert "More examples cannot settle it, because an earlier attempt" in found.message
        assert later.review is not None
        assert later.review.evidence_first_hours == 0.0


def test_clusters_are_not_called_hopeless() -> None:
    ids = tuple(f"q{i // 5}" for i in range(150))
    alike = tuple(float((i // 5) % 10 != 0) for i in range(150))
    two = "defaults: {looks: planned(2)}"
    good = judge(
        policy("metric: accuracy, min: 0.85", header=two), m("accuracy", scores=alike, ids=ids)
    )
    assert "New clusters would settle it; how many cannot be said." in only(good).message
    short = judge(
        policy("metric: accuracy, min: 0.95", header=two), m("accuracy", scores=alike, ids=ids)
    )
    assert "No realistic sample" in only(short).message


def test_measurements_without_a_task_are_named_in_words() -> None:
    found = only(
        judge(
            "metric: accuracy, min: 0.8",
            m("accuracy", count=90, n=100, task="faq"),
            m("accuracy", count=90, n=100),
        )
    )
    assert "measured on several tasks (one without a task, faq); name one" in found.message
    assert found.outcome is Outcome.MISSING


def test_sentences_are_free_of_what_python_calls_things() -> None:
    events = only(
        judge(
            "metric: incidents, kind: count, direction: lower, max: 1",
            m("incidents", count=3, exposure=5e-324),
        )
    )
    assert events.message.startswith("incidents: Events per exposure need")
    scores = tuple(1e300 * (0.2 + (i % 7) / 10) for i in range(200))
    ratio = judge(
        "metric: cost_per_success, max: 2, unit: USD",
        m("cost_per_success", scores=scores, denominators=scores[::-1], unit="USD"),
    )
    assert "too huge to be added up" in only(ratio).message
    assert "fsum" not in only(ratio).message


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
