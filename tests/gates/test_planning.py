"""Power before data: sizes are kept, impossible rules are named, nothing is made up."""

from bisect import bisect_left

import pytest
from scipy import stats

from gates.decision import Decision
from gates.planning import RulePlan, plan
from gates.statistics import binomial
from gates.verdict import Outcome, Verdict
from tests.gates.build import judge, m, only, policy

SINGLE = "defaults: {looks: single}"


def one(rule: str, n: int | None = None, header: str = SINGLE) -> RulePlan:
    (found,) = plan(policy(rule, header=header), n)
    return found


def test_the_standard_example() -> None:
    """statistics.md: limit .85, truth .90: 304 for single looks, 331 at the first of two."""
    assert one("metric: accuracy, min: 0.85, target: 0.9").samples == 304
    two = one("metric: accuracy, min: 0.85, target: 0.9", header="defaults: {looks: planned(2)}")
    assert two.samples == 331
    anytime = one(
        "metric: accuracy, min: 0.85, target: 0.9",
        header="defaults: {looks: anytime, n_plan: 500}",
    )
    assert anytime.samples is not None
    assert anytime.samples > 331
    assert one("metric: leak_rate, max_count: 0, rate_below: 0.01").samples == 299


def test_a_candidate_with_the_planned_sample_escalates_at_most_one_time_in_five() -> None:
    """Exactly: the chance that every rule passes at the first look, from the counts that pass."""
    rules = policy(
        "metric: accuracy, min: 0.85, target: 0.92",
        "metric: recall, by: [s], require: {s: [a, b, c]}, min: 0.7, target: 0.85",
        "metric: attack_success_rate, max: 0.05, target: 0.01, confidence: 0.99",
        header="defaults: {looks: planned(2)}",
    )
    cleared = 1.0
    for item, truth, better_up in zip(
        plan(rules), (0.92, 0.85, 0.01), (True, True, False), strict=True
    ):
        assert item.samples is not None
        n, names = item.samples, {0.92: "accuracy", 0.85: "recall", 0.01: "attack_success_rate"}

        def passes(k: int, n: int = n, metric: str = names[truth]) -> bool:
            where = {"s": "a"} if metric == "recall" else {}
            found = judge(rules, m(metric, count=k, n=n, slice=where)).findings
            return any(f.metric == metric and f.outcome is Outcome.PASS for f in found)

        turn = bisect_left(range(n + 1), 1, key=lambda k: passes(k) is better_up)
        law = stats.binom(n, truth)
        power = law.sf(turn - 1) if better_up else law.cdf(turn - 1)
        cleared *= power**item.slices
    assert 0.8 <= cleared < 0.9


def test_an_all_green_suite_of_a_hundred_tests_passes() -> None:
    seen = m("pass_rate", count=100, n=100)
    assert judge("metric: pass_rate, min: 0.95", seen).verdict is Verdict.PASS
    rules = policy("metric: pass_rate, min: 0.95", header="defaults: {looks: planned(2)}")
    assert judge(rules, seen).verdict is Verdict.PASS


def outcome(rule: str, count: int, n: int) -> Outcome:
    made: Decision = judge(rule, m("accuracy", count=count, n=n))
    return only(made).outcome


@pytest.mark.parametrize("n", [20, 100, 500])
def test_what_a_sample_resolves_is_where_the_verdicts_turn(n: int) -> None:
    rule = "metric: accuracy, min: 0.85"
    found = one(rule, n)
    assert found.at_n is not None
    passes, fails = found.at_n["passes_from"], found.at_n["fails_from"]
    counts = [k for k in range(n + 1) if outcome(rule, k, n) is Outcome.PASS]
    if not counts:
        assert passes is None
    else:
        assert passes is not None
        assert stats.binom.sf(counts[0] - 1, n, passes) == pytest.approx(0.8, abs=1e-6)
    lost = [k for k in range(n + 1) if outcome(rule, k, n) is Outcome.FAIL]
    assert fails is not None
    assert stats.binom.cdf(lost[-1], n, fails) == pytest.approx(0.8, abs=1e-6)


def test_the_upper_side_is_the_mirror() -> None:
    low = one("metric: accuracy, min: 0.85", 400).at_n
    high = one("metric: attack_success_rate, max: 0.15", 400).at_n
    assert low is not None
    assert high is not None
    for name in ("passes_from", "fails_from"):
        assert low[name] == pytest.approx(1 - (high[name] or 0))


@pytest.mark.parametrize(
    "rule",
    [
        "metric: precision, min: 1.0",
        "metric: leak_rate, max_count: 0, rate_below: 1.0e-7",
        "metric: accuracy, versus_baseline: {max_drop: 0.0}",
        "metric: model_size, max: 4, unit: GB",
    ],
)
def test_what_can_never_be_proven_is_named(rule: str) -> None:
    found = one(rule)
    assert not found.provable
    assert found.samples is None
    assert "can never be proven" in found.message


def test_pairing_is_planned_beside_separate_samples() -> None:
    """statistics.md section 7: margin .01 at .85: 15,766 per arm against 6,183 paired."""
    _, found = plan(
        policy(
            "metric: accuracy, min: 0.5, target: 0.85, on_fail: advise",
            "metric: accuracy, versus_baseline: {max_drop: 0.01}",
            header=SINGLE,
        )
    )
    assert found.samples == pytest.approx(15_766, rel=0.001)
    assert found.paired == pytest.approx(6_183, rel=0.001)


def test_more_rules_need_more_power_and_slices_count() -> None:
    alone = one("metric: accuracy, min: 0.85, target: 0.9").samples
    rules = policy(
        "metric: accuracy, min: 0.85, target: 0.9",
        "metric: recall, by: [s], require: {s: [a, b, c]}, min: 0.7",
        header=SINGLE,
    )
    first, second = plan(rules)
    assert first.samples is not None
    assert alone is not None
    assert first.samples > alone
    assert (first.slices, second.slices) == (1, 3)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("metric: cost_per_inference, max: 0.004, unit: USD", "standard deviation"),
        ("metric: relevance, min: 4, range: [1, 5]", "a quarter of their range"),
        ("metric: latency, quantile: 0.95, max: 0.8, unit: s", "97.50% of values"),
        ("metric: recall, min: 0.8, mode: guard, notice: 0.1", "the limit itself"),
        ("metric: model_size, max: 4, unit: GB, mode: exact", "compared plainly"),
        ("coverage: {dimension: task, min_samples: 100}", "100 examples in each slice"),
        ("metric: response_length, min: 20, max: 400", "two limits"),
        ("metric: f1, min: 0.8", "not known before"),
        ("metric: csat, versus_baseline: {min_gain: 0.1}", "nobody has said"),
    ],
)
def test_every_assumption_is_said(rule: str, said: str) -> None:
    assert said in one(rule, 200).message


def test_guard_is_planned_for_its_notice() -> None:
    guard = one("metric: recall, min: 0.8, mode: guard, notice: 0.1").samples
    assert guard is not None
    assert binomial.lower(round(0.8 * guard), guard, 0.05) >= 0.7
