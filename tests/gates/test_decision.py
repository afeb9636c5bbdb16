from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gates.evidence import Document, Exceed, Source
from gates.history import History, Look, PassedStage
from gates.verdict import Effect, Outcome, Verdict
from tests.gates.build import AT, DIGEST, facts, judge, m, only, policy

PLANNED = "defaults: {looks: planned(2)}"


def test_pass_fail_escalate() -> None:
    rule = "metric: accuracy, min: 0.85"
    assert judge(rule, m("accuracy", count=460, n=500)).verdict is Verdict.PASS
    assert judge(rule, m("accuracy", count=400, n=500)).verdict is Verdict.FAIL
    assert judge(rule, m("accuracy", count=435, n=500)).verdict is Verdict.ESCALATE


def test_exactly_at_the_limit_is_not_a_pass() -> None:
    decision = judge("metric: accuracy, min: 0.85", m("accuracy", count=425, n=500))
    assert decision.verdict is Verdict.ESCALATE


def test_bounds_never_contradict_the_outcome_and_say_their_confidence() -> None:
    finding = only(judge("metric: accuracy, min: 0.85", m("accuracy", count=445, n=500)))
    seen = finding.observed
    assert seen is not None
    assert seen.lower == pytest.approx(0.86424, abs=1e-4)
    assert seen.lower_confidence == 0.95
    assert seen.upper is not None
    assert seen.upper > 0.85
    assert seen.method == "clopper_pearson"
    assert finding.message == (
        "Accuracy 89.0% (445 of 500). With 95% confidence it is at least 86.4%; "
        "the limit is at least 85%."
    )


def test_a_failure_names_its_bound() -> None:
    finding = only(judge("metric: accuracy, min: 0.85", m("accuracy", count=400, n=500)))
    assert finding.message == (
        "Accuracy 80.0% (400 of 500). With 95% confidence it is at most 82.9%; "
        "the limit is at least 85%."
    )
    assert not finding.proven


def test_holm_weighs_rules_alike_however_many_slices_they_have() -> None:
    """policy.md section 3: each rule weighs 1, shared by its slices.

    By p / w: accuracy, .0220 <= .05 x 1/2, is rejected; recall of a, .0101 <= .05 x .25/1, then
    too; recall of b, .0202 > .05 x .25/.75, is not. Without weights none would be: .0101 > .05/5.
    """
    rules = policy("metric: accuracy, min: 0.85", "metric: recall, by: [topic], min: 0.8")
    sliced = zip("abcd", (223, 225, 260, 262), strict=True)
    measured = [m("recall", count=k, n=300, slice={"topic": topic}) for topic, k in sliced]
    whole = m("accuracy", count=159, n=200)
    found = judge(rules, whole, *measured).findings
    failed = [(f.metric, dict(f.slice)) for f in found if f.outcome is Outcome.FAIL]
    assert failed == [("accuracy", {}), ("recall", {"topic": "a"})]
    sure = [f.observed.upper_confidence for f in found if f.observed is not None]
    assert sure[:3] == pytest.approx([1 - 0.05 / 2, 1 - 0.05 / 4, 1 - 0.05 / 3])
    # One more right answer, .0335, and neither is: the slices alone have a quarter of the half.
    spared = judge(rules, m("accuracy", count=160, n=200), *measured)
    assert spared.verdict is Verdict.ESCALATE


def test_holm_protects_many_slices_and_names_the_culprit() -> None:
    rule = "metric: accuracy, by: [s], min: 0.8"
    fine = [m("accuracy", count=153, n=200, slice={"s": f"{i:02}"}) for i in range(20)]
    alone = judge("metric: accuracy, min: 0.8", m("accuracy", count=149, n=200))
    assert alone.verdict is Verdict.FAIL
    near = judge(rule, *fine[:-1], m("accuracy", count=149, n=200, slice={"s": "19"}))
    assert near.verdict is Verdict.ESCALATE
    clear = judge(rule, *fine[:-1], m("accuracy", count=100, n=200, slice={"s": "19"}))
    failed = [finding for finding in clear.findings if finding.outcome is Outcome.FAIL]
    assert [finding.slice for finding in failed] == [(("s", "19"),)]


def test_a_pass_pays_for_no_other_rule() -> None:
    """Requiring all rules is no union: each has the whole of its error (intersection-union)."""
    alone = judge("metric: accuracy, min: 0.8", m("accuracy", count=174, n=200))
    assert alone.verdict is Verdict.PASS
    assert (
        judge("metric: accuracy, min: 0.8", m("accuracy", count=168, n=200)).verdict
        is not Verdict.PASS
    )
    slices = [m("accuracy", count=174, n=200, slice={"s": f"{i:02}"}) for i in range(40)]
    many = judge("metric: accuracy, by: [s], min: 0.8", *slices)
    assert many.verdict is Verdict.PASS
    seen, whole = many.findings[0].observed, only(alone).observed
    assert seen is not None
    assert whole is not None
    assert (seen.lower, seen.lower_confidence) == (whole.lower, whole.lower_confidence)


def test_order_of_rules_and_measurements_does_not_matter() -> None:
    rules = ["metric: accuracy, min: 0.8", "metric: recall, min: 0.5", "metric: f1, min: 0.3"]
    seen = [m("accuracy", count=88, n=100), m("recall", count=60, n=90), m("f1", count=50, n=100)]
    forward = judge(policy(*rules), *seen)
    backward = judge(policy(*reversed(rules)), *reversed(seen))
    assert {f.rule: f for f in forward.findings} == {f.rule: f for f in backward.findings}
    assert forward.verdict is backward.verdict


def test_effects() -> None:
    bad = m("accuracy", count=10, n=100)
    assert judge("metric: accuracy, min: 0.8, on_fail: escalate", bad).verdict is Verdict.ESCALATE
    unsure = m("accuracy", count=82, n=100)
    stern = judge("metric: accuracy, min: 0.8, on_inconclusive: fail", unsure)
    assert stern.verdict is Verdict.FAIL
    soft = judge("metric: accuracy, min: 0.8, on_missing: escalate")
    assert soft.verdict is Verdict.ESCALATE
    both = policy("metric: accuracy, min: 0.8, on_fail: advise", "metric: recall, min: 0.5")
    advised = judge(both, bad, m("recall", count=90, n=100))
    assert advised.verdict is Verdict.PASS
    assert advised.findings[0].advisory
    assert advised.findings[0].outcome is Outcome.FAIL


def test_guard_passes_unproven_and_blocks_what_is_shown() -> None:
    rules = policy(
        "metric: accuracy, min: 0.80, mode: guard, notice: 0.10",
        "metric: recall, min: 0.5",
        header="defaults: {looks: single}",
    )
    recall = m("recall", count=90, n=100)
    fine = judge(rules, m("accuracy", count=9, n=9), recall)
    assert fine.findings[0].outcome is Outcome.PASS
    assert fine.findings[0].reason == "no_violation_found"
    assert "No violation found" in fine.findings[0].message
    small = judge(rules, m("accuracy", count=8, n=8), recall)
    assert small.findings[0].outcome is Outcome.INCONCLUSIVE
    assert judge(rules, m("accuracy", count=50, n=100), recall).verdict is Verdict.FAIL


def test_first_planned_look_needs_ten_clean_examples_for_a_notice_of_ten_points() -> None:
    rule = policy("metric: accuracy, min: 0.8, mode: guard, notice: 0.1", header=PLANNED)
    assert only(judge(rule, m("accuracy", count=10, n=10))).outcome is Outcome.PASS
    assert only(judge(rule, m("accuracy", count=9, n=9))).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("n", "single", "first", "second"),
    [(19, True, False, False), (20, True, True, False), (30, True, True, True)],
)
def test_looks_spend_their_share(n: int, single: bool, first: bool, second: bool) -> None:
    """All correct against 0.85, statistics.md correction 11."""
    seen = m("accuracy", count=n, n=n)
    rule = "metric: accuracy, min: 0.85"
    assert (judge(rule, seen).verdict is Verdict.PASS) is single
    planned = policy(rule, header=PLANNED)
    one = judge(planned, seen)
    assert (one.verdict is Verdict.PASS) is first
    assert one.attempt == 1
    earlier = replace(one.looks[0], inputs="other", outcome="inconclusive")
    two = judge(planned, seen, history=History(looks=(earlier,)))
    assert two.attempt == 2
    assert (two.verdict is Verdict.PASS) is second


def test_identical_inputs_are_not_a_new_look() -> None:
    rule = policy("metric: accuracy, min: 0.85", header=PLANNED)
    seen = m("accuracy", count=435, n=500)
    first = judge(rule, seen)
    again = judge(rule, seen, history=History(looks=first.looks))
    assert again.attempt == 1
    assert again.findings == first.findings
    more = judge(rule, m("accuracy", count=870, n=1000), history=History(looks=first.looks))
    assert more.attempt == 2


def test_completing_evidence_costs_no_look() -> None:
    """Other metrics, documents, times and run ids are no new inputs of a hypothesis."""
    rules = policy("metric: accuracy, min: 0.85", "metric: recall, min: 0.5", header=PLANNED)
    seen = m("accuracy", count=435, n=500)
    first = judge(rules, seen)
    assert {f.metric: f.outcome for f in first.findings}["recall"] is Outcome.MISSING
    later = judge(
        rules,
        replace(seen, source=Source(tool="other", run_id="2")),
        m("recall", count=99, n=100),
        history=History(looks=first.looks),
        documents=[Document("dpia")],
        measured_at=AT,
    )
    assert {f.metric: f.look for f in later.findings} == {"accuracy": 1, "recall": 1}
    same = {f.metric: f for f in later.findings}["accuracy"]
    assert same.observed == {f.metric: f for f in first.findings}["accuracy"].observed
    assert later.attempt == 1


@pytest.mark.parametrize(
    ("looks", "shares"),
    [("single", [1.0]), ("planned(2)", [0.8, 0.2]), ("planned(3)", [0.8, 0.1, 0.1])],
)
def test_planned_looks_spend_the_error_between_them(looks: str, shares: list[float]) -> None:
    rules = policy("metric: accuracy, min: 0.85", header=f"defaults: {{looks: {looks}}}")
    past: tuple[Look, ...] = ()
    spent = []
    for number in range(1, len(shares) + 2):
        made = judge(rules, m("accuracy", count=870, n=1000 + number), history=History(looks=past))
        past += made.looks
        found = only(made)
        if number > len(shares):
            assert found.reason == "looks_spent"
            continue
        assert found.observed is not None
        spent.append(1 - (found.observed.lower_confidence or 0.0))
    assert spent == pytest.approx([0.05 * share for share in shares])


def test_looks_are_spent_across_policies_and_then_nothing_passes() -> None:
    key = judge("metric: accuracy, min: 0.5", m("accuracy", count=99, n=100)).looks[0]
    spent = History(looks=(replace(key, inputs="a"), replace(key, inputs="b", number=2)))
    other = policy("id: renamed, metric: acc, min: 0.6", header=PLANNED)
    decision = judge(other, m("accuracy", count=99, n=100), history=spent)
    assert only(decision).reason == "looks_spent"
    assert decision.verdict is Verdict.ESCALATE
    assert judge(other, m("accuracy", count=9, n=100), history=spent).verdict is Verdict.FAIL


def test_an_earlier_failure_is_not_forgotten() -> None:
    rule = policy("metric: accuracy, min: 0.85", header=PLANNED)
    failed = judge(rule, m("accuracy", count=300, n=500))
    assert failed.verdict is Verdict.FAIL
    later = judge(rule, m("accuracy", count=490, n=500), history=History(looks=failed.looks))
    assert only(later).reason == "contradicts_attempt"
    assert later.verdict is Verdict.ESCALATE


def test_to_settle_counts_all_examples_at_the_next_look() -> None:
    rule = policy("metric: accuracy, min: 0.85", header=PLANNED)
    decision = judge(rule, m("accuracy", count=435, n=500))
    finding = only(decision)
    assert finding.to_settle is not None
    n = finding.to_settle["samples"]
    enough = m("accuracy", count=round(0.87 * n) + round(0.02 * n), n=n)
    settled = judge(rule, enough, history=History(looks=decision.looks))
    assert settled.verdict is Verdict.PASS
    short = only(judge(rule, m("accuracy", count=420, n=500)))
    assert short.to_settle == {"samples": None}


def test_escalations_ask_roles_and_wait_for_evidence_where_that_settles_it() -> None:
    header = (
        "escalation: {reviews: [{role: security, min: 2}], evidence_first_hours: 12}\n" + PLANNED
    )
    rules = policy("metric: accuracy, min: 0.85", header=header)
    unsure = m("accuracy", count=435, n=500)
    need = judge(rules, unsure).review
    assert need is not None
    assert need.needed == (("security", 2),)
    assert need.evidence_first_hours == 12
    due = policy("metric: accuracy, min: 0.5", "sign_off: legal", header=header)
    asked = judge(due, m("accuracy", count=490, n=500))
    assert asked.verdict is Verdict.ESCALATE
    assert asked.review is not None
    assert asked.review.needed == (("legal", 1), ("security", 2))
    assert asked.review.evidence_first_hours == 0
    assert judge(rules, m("accuracy", count=490, n=500)).review is None


def test_zero_tolerance() -> None:
    rule = "metric: attack_success_rate, where: {category: cbrne}, max_count: 0, rate_below: 0.01"

    def outcome(count: int, n: int, errors: int = 0) -> tuple[Outcome, str]:
        seen = m(
            "attack_success_rate",
            count=count,
            n=n,
            n_errored=errors,
            slice={"category": "cbrne"},
        )
        finding = only(judge(rule, seen))
        return finding.outcome, finding.reason

    assert outcome(0, 299) == (Outcome.PASS, "limit_met")
    assert outcome(0, 298) == (Outcome.INCONCLUSIVE, "too_few_samples")
    assert outcome(1, 5000) == (Outcome.FAIL, "count_exceeded")
    assert outcome(0, 2000, errors=1) == (Outcome.INCONCLUSIVE, "too_many_errors")
    seen = m("attack_success_rate", count=0, n=300, slice={"category": "cbrne"})
    assert "not a rate of zero" in only(judge(rule, seen)).message


def test_zero_tolerance_from_a_rounded_rate_rounds_up() -> None:
    rule = "metric: attack_success_rate, max_count: 0, rate_below: 0.01"
    assert judge(rule, m("attack_success_rate", value=0.0, n=400)).verdict is Verdict.PASS
    assert judge(rule, m("attack_success_rate", value=0.001, n=400)).verdict is Verdict.FAIL
    assert judge(rule, m("attack_success_rate", value=0.0)).verdict is Verdict.ESCALATE


def test_versus_baseline() -> None:
    rule = "metric: accuracy, versus_baseline: {max_drop: 0.05}"
    before = [m("accuracy", count=1800, n=2000)]
    good = judge(rule, m("accuracy", count=1800, n=2000), baseline=before)
    finding = only(good)
    assert good.verdict is Verdict.PASS
    assert finding.observed is not None
    assert finding.observed.value == pytest.approx(0.0)
    assert finding.observed.scale == "difference"
    assert finding.candidate is not None
    assert finding.baseline is not None
    assert judge(rule, m("accuracy", count=1500, n=2000), baseline=before).verdict is Verdict.FAIL
    near = judge(rule, m("accuracy", count=1730, n=2000), baseline=before)
    assert near.verdict is Verdict.ESCALATE


@pytest.mark.parametrize(
    ("margin", "passes"),
    [("max_drop_percent: 10", True), ("max_drop_percent: 1.5", False), ("min_gain: 0.01", False)],
)
def test_relative_margins_and_gains(margin: str, passes: bool) -> None:
    rule = f"metric: accuracy, versus_baseline: {{{margin}}}"
    same = m("accuracy", count=1800, n=2000)
    verdict = judge(rule, same, baseline=[same]).verdict
    assert (verdict is Verdict.PASS) is passes


def test_a_lower_metric_gains_by_falling() -> None:
    rule = "metric: attack_success_rate, versus_baseline: {min_gain: 0.05}"
    before = [m("attack_success_rate", count=400, n=2000)]
    assert judge(rule, m("attack_success_rate", count=100, n=2000), baseline=before).verdict is (
        Verdict.PASS
    )
    assert judge(rule, m("attack_success_rate", count=600, n=2000), baseline=before).verdict is (
        Verdict.FAIL
    )


def test_quantiles_from_counts_over_the_limit() -> None:
    rule = "metric: latency, quantile: 0.95, max: 0.8, unit: s"
    good = m("latency", exceed=Exceed(0.8, 31), n=1000, unit="s")
    decision = judge(rule, good)
    assert decision.verdict is Verdict.PASS
    seen = only(decision).observed
    assert seen is not None
    assert seen.scale == "share_within_limit"
    in_ms = m("latency", exceed=Exceed(800.0, 31), n=1000, unit="ms")
    assert judge(rule, in_ms).verdict is Verdict.PASS
    assert judge(rule, m("latency", exceed=Exceed(0.8, 100), n=1000, unit="s")).verdict is (
        Verdict.FAIL
    )
    other = judge(rule, m("latency", exceed=Exceed(1.0, 0), n=1000, unit="s"))
    assert other.verdict is Verdict.ESCALATE


def test_a_count_over_one_limit_does_not_settle_a_range() -> None:
    rule = "metric: latency, quantile: 0.95, min: 0.1, max: 0.8, unit: s"
    decision = judge(rule, m("latency", exceed=Exceed(0.8, 0), n=5000, unit="s"))
    assert only(decision).reason == "no_uncertainty"
    assert decision.verdict is Verdict.ESCALATE


def test_quantiles_from_values() -> None:
    rule = "metric: latency, quantile: 0.95, max: 0.8, unit: s"
    values = tuple(0.5 + 0.25 * (i % 100) / 100 for i in range(400))
    assert judge(rule, m("latency", scores=values, unit="s")).verdict is Verdict.PASS
    assert judge(rule, m("latency_p95", value=0.7, n=1000, unit="s")).verdict is Verdict.ESCALATE


def test_exact_mode() -> None:
    rule = "metric: cost_per_inference, max: 0.004, unit: USD, mode: exact"
    sheet = m("cost_per_inference", value=0.0031, unit="USD")
    decision = judge(rule, sheet)
    assert decision.verdict is Verdict.PASS
    assert only(decision).proven
    sampled = judge(rule, replace(sheet, n=500))
    assert sampled.verdict is Verdict.PASS
    assert not only(sampled).proven
    assert judge(rule, replace(sheet, value=0.005)).verdict is Verdict.FAIL


def test_when_reads_facts_that_people_registered() -> None:
    rules = policy(
        "metric: accuracy, min: 0.5",
        "metric: recall, min: 0.9, when: \"model.facts.risk == 'high'\"",
    )
    seen = m("accuracy", count=90, n=100)
    low = judge(rules, seen, history=facts(risk="low"))
    assert low.verdict is Verdict.PASS
    assert low.findings[1].outcome is Outcome.NOT_APPLICABLE
    assert judge(rules, seen, history=facts(risk="high")).verdict is Verdict.FAIL


def test_applies_from() -> None:
    rules = policy("metric: accuracy, min: 0.5", "document: dpia, applies_from: 2026-12-02")
    seen = m("accuracy", count=90, n=100)
    assert judge(rules, seen).verdict is Verdict.PASS
    assert judge(rules, seen, at=AT + timedelta(days=10)).verdict is Verdict.FAIL


def test_passed_stage() -> None:
    rule = "passed_stage: limited_release, max_age_days: 30"

    def verdict(**fields: Any) -> Verdict:
        base = PassedStage("limited_release", "42", DIGEST, AT - timedelta(days=3), None)
        return judge(rule, history=History(passed_stages=(replace(base, **fields),))).verdict

    assert verdict() is Verdict.PASS
    assert verdict(version="41") is Verdict.PASS
    assert verdict(digest="sha256:other") is Verdict.FAIL
    assert verdict(digest=None, version="41") is Verdict.FAIL
    assert verdict(digest=None) is Verdict.PASS
    assert verdict(stage="evaluation") is Verdict.FAIL
    assert verdict(passed_at=AT - timedelta(days=31)) is Verdict.FAIL
    assert verdict(valid_until=AT) is Verdict.FAIL
    assert judge(rule).verdict is Verdict.FAIL
    assert judge(rule, history=History(offline=True)).verdict is Verdict.ESCALATE


def test_coverage() -> None:
    rule = "coverage: {dimension: category, require: [a, b], min_samples: 100}"
    rules = policy(rule, "metric: attack_success_rate, by: [category], max: 0.5")

    def reasons(*seen: tuple[str, int, int]) -> list[str]:
        evidence = [
            m("attack_success_rate", count=0, n=n, n_errored=errors, slice={"category": name})
            for name, n, errors in seen
        ]
        decision = judge(rules, *evidence)
        return [f.reason for f in decision.findings if f.kind == "coverage"]

    assert reasons(("a", 100, 0), ("b", 200, 0)) == ["limit_met", "limit_met"]
    assert reasons(("a", 99, 0), ("b", 200, 0)) == ["too_few_samples", "limit_met"]
    assert reasons(("a", 100, 0)) == ["limit_met", "not_measured"]
    assert reasons(("a", 100, 9), ("b", 200, 0)) == ["too_many_errors", "limit_met"]
    assert reasons(("a", 0, 9), ("b", 200, 0)) == ["no_samples", "limit_met"]


def test_expressions_over_metrics() -> None:
    name = "['over_refusal_rate'].value"
    rule = f'expr: "metrics{name} <= 0.5 * baseline{name} + 0.02"'
    before = [m("over_refusal_rate", count=10, n=100)]
    good = judge(rule, m("over_refusal_rate", count=5, n=100), baseline=before)
    assert only(good).outcome is Outcome.PASS
    assert not only(good).proven
    assert good.verdict is Verdict.ESCALATE
    bad = judge(rule, m("over_refusal_rate", count=9, n=100), baseline=before)
    assert bad.verdict is Verdict.FAIL
    assert only(judge(rule, m("over_refusal_rate", count=5, n=100))).reason == "no_baseline"
    assert only(judge(rule, baseline=before)).reason == "not_measured"


def test_expressions_over_bounds() -> None:
    rule = "expr: metrics.accuracy.lower >= 0.85 && metrics.accuracy.n >= 500.0"
    assert only(judge(rule, m("accuracy", count=445, n=500))).outcome is Outcome.PASS
    assert only(judge(rule, m("accuracy", count=430, n=500))).outcome is Outcome.FAIL
    assert only(judge(rule, m("accuracy", value=0.9))).reason in {"no_uncertainty", "not_measured"}


def test_aggregates_are_judged_only_where_nothing_finer_is_or_they_are_named() -> None:
    parts = [m("accuracy", count=90, n=100, task=f"mmlu_{part}") for part in "ab"]
    group = m("accuracy", count=180, n=200, task="mmlu", aggregate=True)
    starred = judge("metric: accuracy, task: 'mmlu*', min: 0.5", *parts, group)
    assert [finding.task for finding in starred.findings] == ["mmlu_a", "mmlu_b"]
    named = judge("metric: accuracy, task: mmlu, min: 0.5", *parts, group)
    assert [finding.task for finding in named.findings] == ["mmlu"]
    alone = judge("metric: accuracy, min: 0.5", group)
    assert alone.verdict is Verdict.PASS


def test_score_can_only_lower_a_verdict() -> None:
    header = "score: {weights: {quality: 1}, pass: 80, escalate: 60}"
    rules = policy(
        "metric: accuracy, min: 0.5",
        "metric: recall, min: 0.5, on_fail: weigh",
        "metric: precision, min: 0.5, on_fail: weigh",
        "metric: specificity, min: 0.5, on_fail: weigh",
        header=header,
    )

    def verdict(good: int) -> tuple[Verdict, float | None]:
        names = ("recall", "precision", "specificity")
        weighed = [m(name, count=90 if i < good else 5, n=100) for i, name in enumerate(names)]
        decision = judge(rules, m("accuracy", count=90, n=100), *weighed)
        return decision.verdict, decision.score

    assert verdict(3) == (Verdict.PASS, 100.0)
    assert verdict(2)[0] is Verdict.ESCALATE
    assert verdict(1)[0] is Verdict.FAIL


def test_summary_names_the_rule_that_decided() -> None:
    rules = policy("metric: accuracy, min: 0.85", "metric: recall, min: 0.5")
    decision = judge(rules, m("accuracy", count=400, n=500), m("recall", count=90, n=100))
    assert decision.summary.startswith("1 of 2 rules hold. quality/accuracy: Accuracy 80.0%")


def test_observe_and_grants_are_carried() -> None:
    rules = policy(
        "metric: accuracy, min: 0.5", header="observe: true\ngrants: {traffic_max: 0.05}"
    )
    decision = judge(rules, m("accuracy", count=90, n=100))
    assert decision.observe
    assert decision.grants == {"traffic_max": 0.05}


def test_same_inputs_give_the_same_digest_and_others_do_not() -> None:
    rule = "metric: accuracy, min: 0.85"
    first = judge(rule, m("accuracy", count=445, n=500))
    assert judge(rule, m("accuracy", count=445, n=500)) == first
    digests = {
        first.digest,
        judge(rule, m("accuracy", count=446, n=500)).digest,
        judge("metric: accuracy, min: 0.86", m("accuracy", count=445, n=500)).digest,
        judge(rule, m("accuracy", count=445, n=500), baseline=[]).digest,
    }
    assert len(digests) == 4


def test_sign_off_always_escalates() -> None:
    decision = judge("sign_off: legal")
    assert only(decision).effect is Effect.ESCALATE
    assert decision.verdict is Verdict.ESCALATE


def test_advisory_slices_are_a_list_and_share_no_error_with_the_release() -> None:
    """Ten slices at one p each: Holm would name none, a list that advises names them all."""
    seen = [m("accuracy", count=71, n=100, slice={"s": str(i)}) for i in range(10)]
    advised = judge("metric: accuracy, by: [s], min: 0.8, on_fail: advise", *seen).findings
    counted = judge("metric: accuracy, by: [s], min: 0.8", *seen).findings
    assert {f.outcome for f in advised} == {Outcome.FAIL}
    assert {f.outcome for f in counted} == {Outcome.INCONCLUSIVE}
    assert all(f.advisory for f in advised)
