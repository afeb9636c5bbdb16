"""The experiment calculator: the same engine as the rules, answers in words, honest refusals."""

import re
from itertools import product
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from gates.evidence import ImpossibleEvidence
from gates.experiments import Analysis, Experiment, Plan, analyze, needed
from gates.statistics import sample_ratio
from gates.statistics.binomial import Rate
from gates.statistics.difference import RateDifference
from gates.statistics.sequence_difference import SequentialRateDifference
from tests.gates.build import judge, m, only


def asked(*arms: dict[str, Any], **fields: Any) -> Analysis:
    return analyze(Experiment.model_validate({"arms": list(arms), **fields}))


def arm(name: str, count: int, n: int, **fields: Any) -> dict[str, Any]:
    return {"name": name, "count": count, "n": n, **fields}


CONTROL = arm("control", 1200, 10_000)


def test_conversions_are_judged_by_the_rules_own_estimator() -> None:
    found = asked(CONTROL, arm("new", 1400, 10_000))
    (new,) = found.primary
    known = RateDifference(Rate(1400, 1400, 10_000), Rate(1200, 1200, 10_000))
    assert (new.lower, new.upper) == (
        known.lower(0.025, errors=True),
        known.upper(0.025, errors=False),
    )
    assert (new.lower_confidence, new.upper_confidence) == (0.975, 0.975)
    assert (new.outcome, found.verdict, found.adopt) == ("better", "adopt", "new")
    assert new.effect == "2 more per 100 (14.0% against 12.0%, +16.7% of it)"
    assert new.relative == pytest.approx(1 / 6)
    assert "at least 1.1 points; that is better" in new.message


def test_small_effects_are_so_many_per_thousand() -> None:
    (new,) = asked(arm("control", 12_000, 100_000), arm("new", 12_300, 100_000)).primary
    assert new.effect.startswith("3 more per 1,000")
    (same,) = asked(CONTROL, {**CONTROL, "name": "new"}).primary
    assert same.effect.startswith("as many in both")


def test_a_rule_and_the_calculator_agree() -> None:
    (new,) = asked(CONTROL, arm("new", 1150, 10_000), margin=0.01, sides=1).primary
    finding = only(
        judge(
            "metric: accuracy, versus_baseline: {max_drop: 0.01}",
            m("accuracy", count=1150, n=10_000),
            baseline=[m("accuracy", count=1200, n=10_000)],
        )
    )
    assert finding.observed is not None
    assert new.lower == finding.observed.lower


def test_worse_and_undecided_and_what_would_settle_it() -> None:
    found = asked(CONTROL, arm("new", 1000, 10_000))
    assert (found.verdict, found.primary[0].outcome) == ("keep_control", "worse")
    assert found.summary.startswith("Keep control.")
    open_ = asked(CONTROL, arm("new", 1230, 10_000))
    assert (open_.verdict, open_.primary[0].outcome) == ("undecided", "undecided")
    assert open_.primary[0].samples is not None
    assert f"{open_.primary[0].samples:,}" in open_.summary
    detectable = open_.primary[0].detectable
    assert detectable == pytest.approx(0.0129, abs=3e-4)


@pytest.mark.parametrize(("sides", "outcome"), [(1, "better"), (2, "undecided")])
def test_sides(sides: int, outcome: str) -> None:
    assert asked(CONTROL, arm("new", 1285, 10_000), sides=sides).primary[0].outcome == outcome


def test_a_margin_shows_that_it_is_not_worse_never_that_there_is_no_difference() -> None:
    found = asked(arm("control", 8500, 10_000), arm("new", 8490, 10_000), margin=0.02)
    assert found.primary[0].outcome == "not_worse"
    assert found.verdict == "adopt"
    assert "within the agreed margin of 2.0 points" in found.summary
    relative = asked(arm("control", 8500, 10_000), arm("new", 8490, 10_000), margin_percent=3)
    assert relative.primary[0].outcome == "not_worse"
    zero = asked(arm("control", 0, 10_000), arm("new", 2, 10_000), margin_percent=3)
    assert zero.primary[0].outcome == "cannot_answer"


def test_several_arms_share_the_error() -> None:
    one = asked(CONTROL, arm("b", 1290, 10_000))
    three = asked(CONTROL, *(arm(name, 1290, 10_000) for name in "bcd"))
    assert one.primary[0].lower_confidence == 0.975
    assert three.primary[0].lower_confidence == pytest.approx(1 - 0.025 / 3)
    assert len({item.lower_confidence for item in three.primary}) == 1
    clear = asked(CONTROL, arm("b", 1500, 10_000), arm("c", 1290, 10_000))
    assert [item.outcome for item in clear.primary] == ["better", "undecided"]
    assert clear.primary[1].lower_confidence == pytest.approx(0.975), "what b leaves over"
    assert clear.adopt == "b"


def test_of_several_good_arms_the_best_is_adopted() -> None:
    found = asked(CONTROL, arm("b", 1500, 10_000), arm("c", 1700, 10_000))
    assert found.adopt == "c"


def test_means_values_and_ratios() -> None:
    rng = np.random.default_rng(5)
    base, better = rng.normal(10, 2, 600), rng.normal(9, 2, 600)
    (by_values,) = asked(
        {"name": "control", "values": base.tolist()},
        {"name": "new", "values": better.tolist()},
        direction="lower",
        metric="latency",
        unit="s",
    ).primary
    (by_means,) = asked(
        {"name": "control", "mean": base.mean(), "sd": base.std(ddof=1), "n": 600},
        {"name": "new", "mean": better.mean(), "sd": better.std(ddof=1), "n": 600},
        direction="lower",
    ).primary
    welch = stats.ttest_ind(better, base, equal_var=False).confidence_interval(0.95)
    assert by_values.upper == pytest.approx(welch.high, abs=0.005)
    assert by_means.upper == pytest.approx(by_values.upper)
    assert by_values.outcome == "better"
    assert "s less on average" in by_values.effect
    views = rng.integers(1, 9, 800)
    clicks = rng.binomial(views, 0.3)
    more = rng.binomial(views, 0.5)
    (ratio,) = asked(
        {"name": "control", "numerators": clicks.tolist(), "denominators": views.tolist()},
        {"name": "new", "numerators": more.tolist(), "denominators": views.tolist()},
        metric="clicks per view",
    ).primary
    assert ratio.value == pytest.approx((more.sum() - clicks.sum()) / views.sum())
    assert ratio.outcome == "better"
    draws = [
        rng.binomial(views, 0.5).sum() / views.sum() - rng.binomial(views, 0.3).sum() / views.sum()
        for _ in range(400)
    ]
    assert ratio.value is not None
    assert ratio.lower is not None
    assert (ratio.value - ratio.lower) / 1.96 == pytest.approx(np.std(draws), rel=0.15)


def test_sequential_bounds_are_wider_and_keep_their_promise_when_watched() -> None:
    arms = (CONTROL, arm("new", 1400, 10_000))
    single = asked(*arms).primary[0]
    anytime = asked(*arms, looks="anytime", n_plan=10_000).primary[0]
    assert single.lower is not None
    assert anytime.lower is not None
    assert anytime.lower < single.lower
    rng = np.random.default_rng(2)
    wrong = watched = 0
    for _ in range(100):
        a, b = np.cumsum(rng.binomial(250, 0.1, (2, 12)), axis=1)
        plain = sequential = 1.0
        for look, (x, y) in enumerate(zip(a, b, strict=True), 1):
            rates = (Rate(int(y), int(y), 250 * look), Rate(int(x), int(x), 250 * look))
            plain = min(plain, RateDifference(*rates).p_above(0.0))
            sequential = min(sequential, SequentialRateDifference(*rates, 3000).p_above(0.0))
        wrong += plain <= 0.05
        watched += sequential <= 0.05
    assert watched <= stats.binom.ppf(0.999, 100, 0.05)
    assert wrong > 2 * watched


def test_a_broken_split_settles_nothing() -> None:
    found = asked(CONTROL, arm("new", 1400, 9_500))
    assert found.verdict == "invalid"
    assert not found.sample_ratio.holds
    assert found.primary[0].outcome == "undecided"
    assert "says nothing about the arms" in found.primary[0].message
    fair = asked(CONTROL, arm("new", 140, 1_000), allocation={"control": 10, "new": 1})
    assert fair.sample_ratio.holds
    lost = asked(CONTROL, arm("new", 1400, 10_000, units=12_000))
    assert lost.verdict == "invalid"


def test_sample_ratio_p_values() -> None:
    assert sample_ratio.p_value([821_588, 815_482], [1, 1]) == pytest.approx(
        stats.binomtest(821_588, 821_588 + 815_482, 0.5).pvalue, rel=1e-3
    )
    three = sample_ratio.p_value([330, 300, 370], [1, 1, 1])
    assert three == pytest.approx(stats.chisquare([330, 300, 370]).pvalue)
    assert sample_ratio.p_value([0, 0], [1, 1]) == 1.0
    assert sample_ratio.p_value([60, 40], [1, 1], 100) > sample_ratio.p_value([60, 40], [1, 1])
    with pytest.raises(ValueError, match="two arms"):
        sample_ratio.p_value([10], [1])


def _latency(new: float) -> dict[str, Any]:
    arms = [("control", 1.2), ("new", new)]
    return {
        "metric": "latency",
        "direction": "lower",
        "unit": "s",
        "margin": 0.1,
        "arms": [{"name": name, "mean": mean, "sd": 0.8, "n": 10_000} for name, mean in arms],
    }


@pytest.mark.parametrize(
    ("latency", "verdict"), [(1.21, "adopt"), (1.29, "undecided"), (1.5, "keep_control")]
)
def test_guardrails_must_be_shown_to_hold(latency: float, verdict: str) -> None:
    found = asked(CONTROL, arm("new", 1400, 10_000), guardrails=[_latency(latency)])
    assert found.verdict == verdict


def test_a_minimum_of_days_is_waited_for() -> None:
    arms = (CONTROL, arm("new", 1400, 10_000))
    assert asked(*arms, min_days=14, days=3).verdict == "undecided"
    assert "14 were agreed" in asked(*arms, min_days=14, days=3).summary
    assert asked(*arms, min_days=14).verdict == "undecided"
    assert asked(*arms, min_days=14, days=14).verdict == "adopt"


def test_data_that_cannot_answer_say_what_to_send() -> None:
    few = [{"name": name, "mean": 3.0, "sd": 1.0, "n": 20} for name in ("control", "new")]
    constant = [{"name": name, "mean": 3.0, "sd": 0.0, "n": 2000} for name in ("control", "new")]
    for arms in (few, constant):
        found = asked(*arms)
        assert (found.verdict, found.primary[0].outcome) == ("undecided", "cannot_answer")
        assert "cannot answer" in found.summary
        assert "`range` each unit's value lies in" in found.summary


def test_means_and_ratios_that_nobody_named_are_no_conversion_rates() -> None:
    means = [{"name": name, "mean": 3.0, "sd": 1.0, "n": 200} for name in ("control", "new")]
    ratios = [
        {"name": name, "numerators": [1.0, 2.0] * 99, "denominators": [3.0, 4.0] * 99}
        for name in ("control", "new")
    ]
    assert asked(*means).primary[0].metric == "mean"
    assert asked(*ratios).primary[0].metric == "ratio"
    assert asked(CONTROL, arm("new", 150, 1000)).primary[0].metric == "conversion rate"


def test_values_that_differ_are_shown_as_different() -> None:
    found = asked(arm("control", 1000, 10_000), arm("new", 995, 10_000))
    assert "(9.95% against 10.0%, -0.5% of it)" in found.primary[0].message


def test_one_unit_in_each_arm_can_show_no_change() -> None:
    found = asked(arm("control", 1, 1), arm("new", 0, 1)).primary[0]
    assert found.outcome == "undecided"
    assert found.detectable is None
    assert "4 times in 5" not in found.message


@pytest.mark.parametrize(
    "sent",
    [
        {"mean": 1e308, "sd": 1.0, "n": 200},
        {"mean": 1.0, "sd": 1e301, "n": 200},
        {"values": [1.0, -1e301]},
        {"numerators": [1e305], "denominators": [1.0]},
    ],
)
def test_numbers_that_stand_for_infinity_are_refused(sent: dict[str, Any]) -> None:
    arms = [{"name": name, **sent} for name in ("control", "new")]
    with pytest.raises(ValidationError, match="measures nothing"):
        Experiment.model_validate({"arms": arms})


@pytest.mark.parametrize(
    "broken",
    [
        {"arms": [CONTROL]},
        {"arms": [CONTROL, CONTROL]},
        {"arms": [CONTROL, {"name": "b", "count": 3}]},
        {"arms": [CONTROL, {"name": "b", "count": 30, "n": 20}]},
        {"arms": [CONTROL, {"name": "b", "count": 3, "n": 20, "values": [1.0]}]},
        {"arms": [CONTROL, {"name": "b", "mean": 0.1, "sd": 1, "n": 20}]},
        {"arms": [CONTROL, arm("b", 1, 9)], "control": "c"},
        {"arms": [CONTROL, arm("b", 1, 9)], "n_plan": 100},
        {"arms": [CONTROL, arm("b", 1, 9)], "allocation": {"b": 1}},
        {"arms": [CONTROL, arm("b", 1, 9)], "margin": 1, "margin_percent": 1},
        {"arms": [CONTROL, arm("b", 1, 9)], "sides": 3},
        {"arms": [CONTROL, arm("b", 1, 9)], "margin": float("nan")},
        {"arms": [{"name": "a", "numerators": [1], "denominators": [0]}, arm("b", 1, 9)]},
    ],
)
def test_what_does_not_fit_together_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Experiment.model_validate(broken)


def test_how_large_it_must_be() -> None:
    plan = needed(Plan.model_validate({"plan": {"base": 0.10, "effect": 0.01}}))
    assert plan.per_arm == pytest.approx(14_752, rel=0.01)
    assert plan.total == 2 * (plan.per_arm or 0)
    margin = {"plan": {"base": 0.85, "effect": 0.0}, "margin": 0.01, "sides": 1}
    assert needed(Plan.model_validate(margin)).per_arm == pytest.approx(15_766, rel=0.01)
    mean = {"plan": {"base": 10, "effect": 0.5, "sd": 5}}
    assert needed(Plan.model_validate(mean)).per_arm == pytest.approx(1570, rel=0.01)
    more = needed(Plan.model_validate({**mean, "looks": "anytime"})).per_arm
    assert more is not None
    assert more > 1570
    assert needed(Plan.model_validate({"plan": {"base": 0.1, "effect": -0.01}})).per_arm is None
    with pytest.raises(ValidationError):
        Plan.model_validate({"plan": {"base": 0.95, "effect": 0.1}})


def test_p_values_are_those_of_the_question() -> None:
    two = asked(CONTROL, arm("new", 1300, 10_000)).primary[0]
    one = asked(CONTROL, arm("new", 1300, 10_000), sides=1).primary[0]
    assert two.p is not None
    assert one.p is not None
    pooled = 0.125 * 0.875 * 2 / 10_000
    assert two.p == pytest.approx(2 * stats.norm.sf(0.01 / pooled**0.5), rel=0.02)
    assert one.p == pytest.approx(two.p / 2)
    within = asked(arm("control", 8500, 10_000), arm("new", 8490, 10_000), margin=0.02).primary[0]
    assert within.p is not None
    assert (within.p <= 0.025) is (within.outcome == "not_worse")
    for count in range(1200, 1400, 10):
        found = asked(CONTROL, arm("new", count, 10_000)).primary[0]
        assert found.p is not None
        assert (found.p <= 0.05) is (found.outcome in {"better", "worse"})


def test_a_plan_takes_relative_effects_power_and_days() -> None:
    def size(**fields: Any) -> int:
        found = needed(Plan.model_validate(fields)).per_arm
        assert found is not None
        return found

    share = {"plan": {"base": 0.1, "effect_percent": 10}}
    assert size(**share) == size(plan={"base": 0.1, "effect": 0.01})
    # (1.96 + 1.28)^2 against (1.96 + 0.84)^2.
    assert size(**share, power=0.9) == pytest.approx(size(**share) * 10.507 / 7.849, rel=0.01)
    found = needed(Plan.model_validate({**share, "units_per_day": 1000}))
    assert found.days == -(-(found.total or 0) // 1000)
    assert (
        "because more is better"
        in needed(Plan.model_validate({"plan": {"base": 0.1, "effect": -0.01}})).message
    )
    for wrong in (
        {"plan": {"base": 0.1, "effect": 0.01, "effect_percent": 10}},
        {"plan": {"base": 0.1}},
        {**share, "power": 0.9, "looks": "anytime"},
        {**share, "units_per_day": 0},
    ):
        with pytest.raises(ValidationError):
            Plan.model_validate(wrong)


BIG = 2**53 - 1
FORMS: dict[str, list[dict[str, Any]]] = {
    "counts": [
        {"count": count, "n": n}
        for count, n in ((0, 1), (1, 1), (0, 10), (10, 10), (0, BIG), (BIG, BIG), (5, 10))
    ],
    "means": [
        {"mean": mean, "sd": sd, "n": n}
        for mean in (0.0, -5.0, 5e-324, 1e300)
        for sd in (0.0, 5e-324, 1.0, 1e300)
        for n in (1, 200, BIG)
    ],
    "values": [
        {"values": values}
        for values in (
            [0.0] * 200,
            [1.0] * 200,
            [1.0],
            [5e-324] * 150,
            [1e300, -1e300] * 100,
            [1e300] + [0.0] * 199,
            [float(i % 7) for i in range(200)],
            [1e-300 * i for i in range(200)],
        )
    ],
    "ratios": [
        {"numerators": over, "denominators": under}
        for over, under in (
            ([0.0] * 200, [1.0] * 200),
            ([1.0] * 200, [5e-324] * 200),
            ([1e300] * 200, [1e300] * 200),
            ([1.0], [1.0]),
            ([1.0] * 199 + [1e300], [0.0] * 199 + [1.0]),
        )
    ],
}
ASKED: tuple[dict[str, Any], ...] = (
    {},
    {"looks": "anytime"},
    {"margin_percent": 5, "direction": "lower"},
    {"margin": 5e-324, "range": [-1e300, 1e300]},
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("more", ASKED, ids=str)
def test_bad_input_has_an_answer(form: str, more: dict[str, Any]) -> None:
    for one, two in product(FORMS[form], repeat=2):
        try:
            what = Experiment.model_validate(
                {"arms": [{"name": "old", **one}, {"name": "new", **two}], **more}
            )
            found = analyze(what)
        except (ValidationError, ImpossibleEvidence):
            continue
        said = " ".join((found.summary, *(item.message for item in found.primary)))
        assert not re.search(r"\b(nan|inf|None)\b", said), (one, two, said)
        if max(arm.n for arm in found.arms) == 1:
            assert found.verdict != "adopt", (one, two, said)
