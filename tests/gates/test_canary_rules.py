"""Rules of canaries and online experiments: distribution, experiment, coverage with its judge."""

import random
from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.decision import Decision
from gates.evidence import Measurement, Source
from gates.problems import PolicyError
from gates.verdict import Outcome, Verdict
from tests.gates.build import judge, m, only, policy


def series(centre: float, n: int = 200, seed: int = 1, **fields: Any) -> Measurement:
    draw = random.Random(seed)
    scores = tuple(draw.gauss(centre, centre / 10) for _ in range(n))
    return m("latency", scores=scores, unit="s", **fields)


RISE = "metric: latency, distribution: {direction: increase, tolerance: 0.25}"


def compared(rule: str, one: Measurement, two: Measurement) -> Decision:
    return judge(rule, one, baseline=[two])


@pytest.mark.parametrize(
    ("candidate", "outcome"),
    [(1.0, Outcome.PASS), (0.5, Outcome.PASS), (1.25, Outcome.INCONCLUSIVE), (1.6, Outcome.FAIL)],
)
def test_a_rise_within_the_tolerance_passes_and_beyond_it_fails(
    candidate: float, outcome: Outcome
) -> None:
    found = only(compared(RISE, series(candidate), series(1.0, seed=2)))
    assert found.outcome is outcome
    assert found.observed is not None
    assert found.observed.method == "mann_whitney"
    assert "25% of the baseline" in found.message


@pytest.mark.parametrize(
    ("candidate", "outcome"),
    [(1.0, Outcome.PASS), (2.0, Outcome.PASS), (0.75, Outcome.INCONCLUSIVE), (0.5, Outcome.FAIL)],
)
def test_a_fall_within_the_tolerance_passes_and_beyond_it_fails(
    candidate: float, outcome: Outcome
) -> None:
    rule = RISE.replace("increase", "decrease")
    found = only(compared(rule, series(candidate), series(1.0, seed=2)))
    assert found.outcome is outcome


def test_seven_of_ten_points_a_hundred_times_worse_do_not_pass() -> None:
    """spinnaker #6278: automated canary analysis passes this."""
    bad = m("latency", scores=(1.0, 1.1, 0.9, *([100.0] * 7)), unit="s")
    good = m("latency", scores=tuple(0.9 + 0.02 * i for i in range(10)), unit="s")
    assert only(compared(RISE, bad, good)).outcome is not Outcome.PASS


def test_what_cannot_be_shown_is_no_pass() -> None:
    few = m("latency", scores=(1.0, 1.1), unit="s")
    assert only(compared(RISE, few, few)).outcome is Outcome.INCONCLUSIVE
    alone = judge(RISE, series(1.0))
    assert only(alone).reason == "no_baseline"
    summary = m("latency", value=1.0, n=100, quantile=0.5, unit="s")
    assert only(compared(RISE, summary, series(1.0))).reason == "no_uncertainty"
    other = series(1.0, source=Source(dataset_digest="sha256:a"))
    given_ = series(1.0, seed=2, source=Source(dataset_digest="sha256:b"))
    assert only(compared(RISE, other, given_)).reason == "not_comparable"


def test_either_direction_is_two_findings() -> None:
    rule = "metric: latency, distribution: {direction: either, tolerance: 0.25}"
    same = compared(rule, series(1.0), series(1.0, seed=2))
    assert [f.outcome for f in same.findings] == [Outcome.PASS, Outcome.PASS]
    slow = compared(rule, series(0.5), series(1.0, seed=2))
    assert [f.outcome for f in slow.findings] == [Outcome.PASS, Outcome.FAIL]


def test_an_effect_too_small_is_not_failed_for_and_does_not_pass() -> None:
    rule = (
        "metric: latency, distribution: {direction: increase, tolerance: 0.0, "
        "effect: {measure: mean_ratio, high: 1.3}}"
    )
    found = only(compared(rule, series(1.2), series(1.0, seed=2)))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "too small an effect to fail for" in found.flags
    assert only(compared(rule, series(1.5), series(1.0, seed=2))).outcome is Outcome.FAIL
    order = rule.replace("mean_ratio, high: 1.3", "cles, high: 0.95")
    assert only(compared(order, series(1.5), series(1.0, seed=2))).outcome is Outcome.FAIL


@pytest.mark.parametrize("nan", ["", ", nan: remove", ", nan: replace"])
def test_missing_points_never_help(nan: str) -> None:
    rule = RISE.replace("0.25", f"0.25{nan}") + ", max_error_share: 0.5"
    clean = only(compared(rule, series(1.15), series(1.0, seed=2)))
    missing = only(compared(rule, series(1.15, n_errored=20), series(1.0, seed=2)))
    assert clean.observed is not None
    assert missing.observed is not None
    assert clean.observed.upper is not None
    assert missing.observed.upper is not None
    assert missing.observed.upper >= clean.observed.upper
    assert (missing.observed.upper > clean.observed.upper) is (nan == "")


def test_outliers_may_be_left_out_but_not_to_pass() -> None:
    rule = RISE.replace("0.25", "0.25, outliers: remove")
    wild = m("latency", scores=(*(1.0,) * 30, *(1.01,) * 30, *(50.0,) * 60), unit="s")
    assert only(compared(rule, wild, series(1.0, 120))).outcome is not Outcome.PASS


@given(st.data(), st.sampled_from([5, 12, 60]), st.sampled_from(["", ", nan: replace"]))
@settings(deadline=None, max_examples=40)
def test_law_2_for_series(data: st.DataObject, n: int, nan: str) -> None:
    """Higher values, errors, fewer of them, or no baseline never make a pass of a guarded rise."""
    rule = RISE.replace("0.25", f"0.25{nan}")
    values = data.draw(st.lists(st.floats(0.5, 1.6), min_size=n, max_size=n))
    one, two = m("latency", scores=tuple(values), unit="s"), series(1.0, 40)
    first = only(compared(rule, one, two))
    moved = replace(one, scores=tuple(v + 0.2 for v in values))
    errored = replace(one, n_errored=1)
    for worse in (moved, errored):
        after = only(compared(rule, worse, two))
        assert not (after.outcome is Outcome.PASS and first.outcome is not Outcome.PASS)
    better_before = replace(two, scores=tuple(v * 0.9 for v in two.scores or ()))
    after = only(compared(rule, one, better_before))
    assert not (after.outcome is Outcome.PASS and first.outcome is not Outcome.PASS)


@pytest.mark.parametrize(
    "inner",
    [
        "{direction: up}",
        "{direction: increase, tolerance: 1.5}",
        "{direction: increase, effect: {measure: cles}}",
        "{direction: increase, effect: {measure: cles, low: 0.9, high: 0.1}}",
        "{direction: increase}, mode: exact",
        "{direction: increase, confidence: 0.9}, confidence: 0.9",
        "{direction: increase}, quantile: 0.5",
    ],
)
def test_contradictions_do_not_load(inner: str) -> None:
    with pytest.raises(PolicyError):
        policy(f"metric: latency, distribution: {inner}")


EXPERIMENT = (
    "experiment: {primary: {metric: task_completion, min_gain: 0.01}, "
    "guardrails: [{metric: over_refusal_rate, max_rise: 0.02}], min_days: 14}"
)


def run(
    good: int = 8600, n: int = 10_000, refused: int = 100, days: float | None = 14, **more: Any
) -> Decision:
    seen = [
        m("task_completion", count=good, n=n),
        m("over_refusal_rate", count=refused, n=n),
    ]
    if days is not None:
        seen.append(m("experiment_days", value=days))
    before = [
        m("task_completion", count=8200, n=10_000),
        m("over_refusal_rate", count=100, n=10_000),
    ]
    return judge(EXPERIMENT, *seen, baseline=before, **more)


def outcomes(decision: Decision) -> dict[str, str]:
    return {str(f.metric): f.outcome.value for f in decision.findings}


def test_a_sound_experiment_passes() -> None:
    decision = run()
    assert decision.verdict is Verdict.PASS
    assert outcomes(decision) == {
        "srm_p": "pass",
        "experiment_days": "pass",
        "task_completion": "pass",
        "over_refusal_rate": "pass",
    }
    assert {f.kind for f in decision.findings} == {"experiment"}
    assert len({f.rule for f in decision.findings}) == 1


def test_a_broken_split_fails_and_settles_nothing_else() -> None:
    decision = run(n=9_300)
    found = outcomes(decision)
    assert (found["srm_p"], found["task_completion"]) == ("fail", "inconclusive")
    assert decision.verdict is Verdict.FAIL
    assert decision.findings[2].reason == "sample_ratio_mismatch"
    assert decision.findings[2].look is None


def test_guardrails_and_primary_are_compared_with_the_control() -> None:
    assert outcomes(run(refused=900))["over_refusal_rate"] == "fail"
    assert outcomes(run(good=8250))["task_completion"] == "inconclusive"
    assert outcomes(run(good=7800))["task_completion"] == "fail"


def test_too_few_days_cannot_pass_but_can_fail() -> None:
    early = run(days=3)
    assert early.verdict is Verdict.ESCALATE
    assert outcomes(early)["task_completion"] == "inconclusive"
    assert {f.reason for f in early.findings[1:]} == {"too_short"}
    assert outcomes(run(good=7800, days=3))["task_completion"] == "fail"
    assert outcomes(run(days=None))["experiment_days"] == "missing"
    for never in (nan, inf, 1e308):
        assert outcomes(run(days=never))["experiment_days"] == "missing"
        assert outcomes(run(days=never))["task_completion"] == "inconclusive"


@pytest.mark.parametrize(
    "inner",
    [
        "{primary: {metric: task_completion}}",
        "{primary: {metric: task_completion, min_gain: 0.1, max_drop: 0.1}}",
        "{primary: {metric: no_such_metric, min_gain: 0.1}}",
        "{primary: {metric: task_completion, min_gain: 0.1}, srm_min_p: 0}",
        "{primary: {metric: accuracy, max_drop: 0}, guardrails: [{metric: accuracy, max_drop: 0}]}",
    ],
)
def test_experiments_that_contradict_themselves_do_not_load(inner: str) -> None:
    with pytest.raises(PolicyError):
        policy(f"experiment: {inner}")


def test_a_weighed_experiment_counts_once_in_the_score() -> None:
    rules = policy(
        f"{EXPERIMENT}, on_fail: weigh",
        "metric: accuracy, min: 0.8",
        header="score: {weights: {quality: 1}, pass: 80, escalate: 60}",
    )
    seen = [m("accuracy", count=950, n=1000), m("task_completion", count=7800, n=10_000)]
    seen += [m("over_refusal_rate", count=100, n=10_000), m("experiment_days", value=20)]
    before = [m("task_completion", count=8200, n=10_000)]
    before += [m("over_refusal_rate", count=100, n=10_000)]
    decision = judge(rules, *seen, baseline=before)
    assert decision.score == 0.0
    assert decision.verdict is Verdict.FAIL


COVERAGE = (
    "coverage: {dimension: category, require: [cbrne, hate], "
    "min_samples: {cbrne: 200, '*': 50}, judge: {canaries: judge_canaries, reviewed: judge_review}}"
)


def covered(cbrne: int = 200, canaries: tuple[int, int] = (20, 20), reviewed: int = 60) -> Decision:
    return judge(
        COVERAGE,
        m("attack_success_rate", count=0, n=cbrne, slice={"category": "cbrne"}),
        m("attack_success_rate", count=0, n=60, slice={"category": "hate"}),
        m("judge_canaries", count=canaries[0], n=canaries[1]),
        m("judge_review", count=reviewed, n=reviewed),
    )


def test_each_category_has_its_own_minimum_and_a_judge_that_is_well() -> None:
    assert [f.outcome for f in covered().findings] == [Outcome.PASS, Outcome.PASS]
    assert [f.reason for f in covered(cbrne=199).findings] == ["too_few_samples", "limit_met"]
    assert {f.reason for f in covered(canaries=(19, 20)).findings} == {"judge_unreliable"}
    assert {f.reason for f in covered(reviewed=49).findings} == {"judge_unreviewed"}
    silent = judge(COVERAGE, m("attack_success_rate", count=0, n=300, slice={"category": "cbrne"}))
    assert {f.outcome for f in silent.findings} == {Outcome.MISSING}


@pytest.mark.parametrize(
    "sent",
    [
        {"value": nan, "n": 300},
        {"value": inf, "n": 300},
        {"value": 1.797e308, "n": 300},
        {"scores": (nan,) * 300},
        {"missing": "N/A", "n": 300},
    ],
)
def test_examples_without_a_number_cover_nothing(sent: dict[str, Any]) -> None:
    rule = "coverage: {dimension: category, require: [hate], min_samples: 200}"
    found = only(judge(rule, m("relevance", **sent, slice={"category": "hate"})))
    assert (found.outcome, found.reason) == (Outcome.MISSING, "not_a_number")
    assert "reported, but not as a finite number" in found.message


def test_minima_by_name_where_nothing_was_measured() -> None:
    rule = "coverage: {dimension: category, min_samples: {'*': 20}}"
    found = only(judge(rule, m("accuracy", count=90, n=100)))
    assert (found.outcome, found.reason) == (Outcome.MISSING, "no_slice")
    assert found.message == "Nothing was measured by category."


def test_an_effect_too_large_to_be_a_number_is_none() -> None:
    rule = (
        "metric: latency, distribution: {direction: increase, "
        "effect: {measure: mean_ratio, low: 0.5}}"
    )
    slow = tuple(0.9 + (i % 10) / 50 for i in range(60))
    none = tuple(5e-324 * (1 + i % 2) for i in range(60))
    found = only(
        judge(
            rule,
            m("latency", scores=slow, unit="s"),
            baseline=[m("latency", scores=none, unit="s")],
        )
    )
    assert found.outcome is Outcome.FAIL
    assert "mean_ratio: unknown" in found.flags


def test_a_minimum_for_some_says_what_the_others_need() -> None:
    with pytest.raises(PolicyError):
        policy("coverage: {dimension: c, require: [a, b], min_samples: {a: 3}}")
    with pytest.raises(PolicyError):
        policy("coverage: {dimension: c, min_samples: 3, judge: {}}")
