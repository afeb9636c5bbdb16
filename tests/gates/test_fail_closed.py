"""The table of policy.md section 4, row by row: what evidence can say, and never a pass."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gates.evidence import Candidate, Document, ImpossibleEvidence, Measurement, Source
from gates.history import History
from gates.policy import PolicyError
from gates.rules.looks import fingerprints
from gates.verdict import Outcome, Verdict
from gates.waivers import Waiver
from tests.gates.build import AT, CANDIDATE, DIGEST, facts, judge, m, only, policy

GOOD = m("accuracy", count=980, n=1000)


def _absent(decision_reason: str, *evidence: Measurement, rule: str, **rest: Any) -> None:
    decision = judge(rule, *evidence, **rest)
    assert only(decision).outcome is Outcome.MISSING
    assert only(decision).reason == decision_reason
    assert decision.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "text",
    [
        "policy: a\nowner: b\napplies_to: {model: x, stage: y}",
        "policy: a\nowner: b\napplies_to: {model: x, stage: y}\ngates: {}",
        "policy: a\nowner: b\napplies_to: {model: x, stage: y}\ngates: {quality: []}",
        (
            "policy: a\nowner: b\napplies_to: {model: x, stage: y}\n"
            "gates: {quality: [{metric: accuracy, min: 0.8, minn: 1}]}"
        ),
    ],
)
def test_a_policy_without_rules_or_with_an_unknown_field_does_not_load(text: str) -> None:
    from gates.policy import load

    with pytest.raises(PolicyError):
        load(text, lambda name: None)


def test_metric_absent() -> None:
    _absent("not_measured", m("f1", count=9, n=10), rule="metric: accuracy, min: 0.8")


def test_expected_slice_absent() -> None:
    rule = "metric: accuracy, by: [language], require: {language: [en, de]}, min: 0.8"
    decision = judge(rule, m("accuracy", count=980, n=1000, slice={"language": "en"}))
    de, en = decision.findings
    assert (de.outcome, de.reason, de.slice) == (
        Outcome.MISSING,
        "not_measured",
        (("language", "de"),),
    )
    assert en.outcome is Outcome.PASS
    assert decision.verdict is Verdict.FAIL


def test_one_value_of_one_of_two_dimensions_absent() -> None:
    rule = "metric: accuracy, by: [language, region], require: {language: [en, de]}, min: 0.8"
    seen = m("accuracy", count=980, n=1000, slice={"language": "en", "region": "eu"})
    assert judge(rule, seen).verdict is Verdict.FAIL


def test_a_slice_that_vanished_is_missing() -> None:
    rule = "metric: accuracy, by: [language], min: 0.8"
    seen = m("accuracy", count=980, n=1000, slice={"language": "en"})
    history = History(known_slices=(("accuracy", (("language", "de"),)),))
    assert judge(rule, seen, history=history).verdict is Verdict.FAIL
    assert judge(rule, seen).verdict is Verdict.PASS


def test_a_slice_of_the_baseline_is_expected() -> None:
    rule = "metric: accuracy, by: [language], min: 0.8"
    seen = m("accuracy", count=980, n=1000, slice={"language": "en"})
    before = m("accuracy", count=980, n=1000, slice={"language": "fr"})
    assert judge(rule, seen, baseline=[before]).verdict is Verdict.FAIL


def test_by_without_any_slice() -> None:
    _absent("no_slice", GOOD, rule="metric: accuracy, by: [language], min: 0.8")


def test_document_absent() -> None:
    _absent("no_document", rule="document: dpia")


@pytest.mark.parametrize("baseline", [None, [m("f1", count=5, n=10)]])
def test_baseline_absent_or_without_the_metric(baseline: list[Measurement] | None) -> None:
    rule = "metric: accuracy, versus_baseline: {max_drop: 0.01}"
    _absent("no_baseline", GOOD, rule=rule, baseline=baseline)


def test_several_tasks_and_none_named() -> None:
    tasks = [replace(GOOD, task="gsm8k"), replace(GOOD, task="mmlu")]
    decision = judge("metric: accuracy, min: 0.8", *tasks)
    assert only(decision).reason == "ambiguous_task"
    assert "gsm8k" in only(decision).message
    assert "mmlu" in only(decision).message
    assert decision.verdict is Verdict.FAIL
    assert judge("metric: accuracy, task: gsm8k, min: 0.8", *tasks).verdict is Verdict.PASS


def test_several_sources_and_none_named() -> None:
    given = [replace(GOOD, source=Source(tool=tool)) for tool in ("a", "b")]
    assert only(judge("metric: accuracy, min: 0.8", *given)).reason == "ambiguous_source"
    assert judge("metric: accuracy, source: a, min: 0.8", *given).verdict is Verdict.PASS


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1.5e300])
def test_not_a_number(value: float) -> None:
    _absent("not_a_number", m("perplexity", value=value, n=10), rule="metric: perplexity, max: 9")


def test_not_a_number_in_a_file() -> None:
    seen = m("accuracy", n=10, missing="not_a_number")
    _absent("not_a_number", seen, rule="metric: accuracy, min: 0.8")


@pytest.mark.parametrize(
    "seen",
    [
        m("accuracy", count=0, n=0),
        m("accuracy", count=0, n=0, n_errored=50),
        m("accuracy", scores=()),
    ],
)
def test_no_samples(seen: Measurement) -> None:
    _absent("no_samples", seen, rule="metric: accuracy, min: 0.8")


def test_too_few_samples_cannot_pass_but_can_fail() -> None:
    rule = "metric: accuracy, min: 0.8, min_samples: 200"
    few = judge(rule, m("accuracy", count=100, n=100))
    assert only(few).outcome is Outcome.INCONCLUSIVE
    assert only(few).reason == "too_few_samples"
    planned = policy(rule, header="defaults: {looks: planned(2)}")
    asked = only(judge(planned, m("accuracy", count=100, n=100))).to_settle
    assert asked == {"samples": 200}
    assert judge(rule, m("accuracy", count=10, n=100)).verdict is Verdict.FAIL


def test_fewer_than_twenty_clusters_cannot_pass() -> None:
    scores = tuple([1.0] * 190)
    clusters = tuple(f"c{i % 19}" for i in range(190))
    decision = judge("metric: accuracy, min: 0.5", m("accuracy", scores=scores, clusters=clusters))
    assert decision.verdict is Verdict.ESCALATE
    assert only(decision).reason == "too_few_samples"


def test_errored_share_too_large() -> None:
    seen = m("accuracy", count=960, n=960, n_errored=40)
    decision = judge("metric: accuracy, min: 0.5", seen)
    assert only(decision).outcome is Outcome.INCONCLUSIVE
    assert only(decision).reason == "too_many_errors"
    assert judge(
        "metric: accuracy, min: 0.99", m("accuracy", count=9, n=960, n_errored=40)
    ).verdict is (Verdict.FAIL)


def test_only_errors_stand_in_the_way() -> None:
    rule = "metric: accuracy, min: 0.98"
    assert judge(rule, m("accuracy", count=995, n=1000)).verdict is Verdict.PASS
    decision = judge(rule, m("accuracy", count=995, n=1000, n_errored=15))
    assert only(decision).reason == "too_many_errors"
    assert decision.verdict is Verdict.ESCALATE


@pytest.mark.parametrize(
    "seen",
    [
        m("accuracy", value=0.99),
        m("relevance", value=4.9, stderr=0.01),
        m("relevance", value=4.9, n=50, ci=(4.9, 4.9), confidence=0.95),
    ],
)
def test_no_uncertainty(seen: Measurement) -> None:
    limit = "0.5" if seen.metric == "accuracy" else "1.0"
    rule = f"metric: {seen.metric}, min: {limit}"
    decision = judge(rule, seen)
    assert only(decision).outcome is Outcome.INCONCLUSIVE
    assert only(decision).reason == "no_uncertainty"
    assert decision.verdict is Verdict.ESCALATE
    accepted = judge(f"{rule}, accepts_point_estimate: agreed", seen)
    assert only(accepted).outcome is Outcome.PASS
    assert not only(accepted).proven
    assert "without error control" in only(accepted).message


def test_no_standard_error_with_n_is_the_exact_boundary() -> None:
    seen = m("accuracy", value=1.0, n=100, stderr=0.0)
    assert judge("metric: accuracy, min: 0.97", seen).verdict is Verdict.PASS
    assert judge("metric: accuracy, min: 0.98", seen).verdict is Verdict.ESCALATE


@pytest.mark.parametrize(
    "seen",
    [
        m("accuracy", count=11, n=10),
        m("accuracy", value=1.2, n=10),
        m("accuracy", value=91.3, n=10),
        m("accuracy", value=-0.1, n=10),
        m("accuracy", value=0.5, n=-1),
        m("accuracy", count=5, n=10, n_errored=-1),
        m("accuracy", scores=(0.5, 1.5)),
        m("relevance", value=1.0, n=5, stderr=-1.0),
        m("relevance", value=1.0, n=5, ci=(2.0, 1.0)),
        m("relevance", scores=(1.0, 2.0), ids=("a",)),
        m("relevance", scores=(1.0, 2.0), ids=("a", "a"), clusters=("b", "c")),
        m("relevance", scores=(1.0, 2.0), labels=(1.0,)),
        m("relevance", scores=(1.0, 2.0), denominators=(1.0, -1.0)),
        m("relevance", table=((1, 2), (1, 2, 3))),
        m("relevance", count=1, exposure=0.0),
        m("relevance", scores=(1.0, 2.0), n=3),
    ],
)
def test_impossible_values_are_refused(seen: Measurement) -> None:
    with pytest.raises(ImpossibleEvidence) as caught:
        judge("metric: accuracy, min: 0.8", seen)
    assert caught.value.slug == "impossible-value"
    assert caught.value.pointer.startswith("/measurements/0/")


def test_a_wrong_unit_is_refused() -> None:
    with pytest.raises(ImpossibleEvidence) as caught:
        judge(
            "metric: cost_per_inference, max: 1, unit: USD, mode: exact",
            m("cost_per_inference", value=0.1, unit="EUR"),
        )
    assert caught.value.slug == "unit-mismatch"


def test_an_unstated_currency_is_missing() -> None:
    rule = "metric: cost_per_inference, max: 1, unit: USD, mode: exact"
    _absent("unit_unstated", m("cost_per_inference", value=0.1), rule=rule)


def test_two_values_for_one_question_are_refused() -> None:
    with pytest.raises(ImpossibleEvidence) as caught:
        judge("metric: accuracy, min: 0.8", GOOD, m("acc", count=1, n=1000))
    assert caught.value.slug == "ambiguous-measurement"
    assert (
        judge("metric: f1, min: 0.8", GOOD, GOOD, m("f1", count=980, n=1000)).verdict
        is Verdict.PASS
    )


def test_interval_straddles_limit() -> None:
    rule = policy("metric: accuracy, min: 0.85", header="defaults: {looks: planned(2)}")
    decision = judge(rule, m("accuracy", count=435, n=500))
    finding = only(decision)
    assert (finding.outcome, finding.reason) == (Outcome.INCONCLUSIVE, "interval_straddles_limit")
    assert finding.to_settle is not None
    assert decision.verdict is Verdict.ESCALATE


@pytest.mark.parametrize("field", ["dataset_digest", "prompt_set_digest"])
def test_different_data_are_not_comparable(field: str) -> None:
    rule = "metric: accuracy, versus_baseline: {max_drop: 0.05}"
    one = replace(GOOD, source=Source(**{field: "sha256:1"}))
    two = replace(GOOD, source=Source(**{field: "sha256:2"}))
    decision = judge(rule, one, baseline=[two])
    assert only(decision).reason == "not_comparable"
    assert decision.verdict is Verdict.ESCALATE
    same = judge(rule, one, baseline=[one])
    assert same.verdict is Verdict.PASS
    assert "comparability: undeclared" not in only(same).flags
    undeclared = judge(rule, GOOD, baseline=[GOOD])
    assert undeclared.verdict is Verdict.PASS
    assert "comparability: undeclared" in only(undeclared).flags


def test_relative_to_a_baseline_that_may_be_zero() -> None:
    rule = "metric: attack_success_rate, versus_baseline: {max_rise_percent: 10}"
    decision = judge(
        rule,
        m("attack_success_rate", count=0, n=1000),
        baseline=[m("attack_success_rate", count=0, n=1000)],
    )
    assert only(decision).reason == "relative_to_zero"
    assert decision.verdict is Verdict.ESCALATE


@pytest.mark.parametrize(
    "why", ["the run stopped with status error", "the run was limited to 1 example"]
)
def test_incomplete_runs_are_missing(why: str) -> None:
    _absent("incomplete_run", replace(GOOD, incomplete=why), rule="metric: accuracy, min: 0.5")


def _dpia(**fields: Any) -> Document:
    base = Document(
        "dpia",
        subject=DIGEST,
        issued_at=AT - timedelta(days=10),
        signed_by="dpo",
        grade="attested",
    )
    return replace(base, **fields)


DPIA = "document: dpia, signed_by: dpo, max_age_days: 365, binds: digest"


def test_a_good_document_passes_until_it_ends() -> None:
    decision = judge(DPIA, history=History(documents=(_dpia(),)))
    assert decision.verdict is Verdict.PASS
    assert decision.valid_until == AT + timedelta(days=355)


@pytest.mark.parametrize(
    ("fields", "outcome", "reason"),
    [
        ({"issued_at": AT - timedelta(days=366)}, Outcome.MISSING, "stale"),
        ({"expires_at": AT}, Outcome.MISSING, "stale"),
        ({"issued_at": None}, Outcome.MISSING, "no_date"),
        ({"subject": "sha256:" + "b" * 64}, Outcome.FAIL, "digest_mismatch"),
        ({"subject": None}, Outcome.FAIL, "digest_mismatch"),
        ({"signed_by": "intern"}, Outcome.FAIL, "wrong_signer"),
        ({"grade": "declared"}, Outcome.FAIL, "grade_too_low"),
        ({"issued_at": AT + timedelta(days=1)}, Outcome.FAIL, "from_the_future"),
    ],
)
def test_documents_that_do_not_hold(fields: dict[str, Any], outcome: Outcome, reason: str) -> None:
    decision = judge(DPIA, history=History(documents=(_dpia(**fields),)))
    assert (only(decision).outcome, only(decision).reason) == (outcome, reason)
    assert decision.verdict is Verdict.FAIL


def test_a_pipeline_cannot_attest() -> None:
    assert only(judge(DPIA, documents=[_dpia(grade="declared")])).reason == "grade_too_low"
    offline = judge(DPIA, documents=[_dpia(grade="declared")], history=History(offline=True))
    assert only(offline).reason == "needs_service"
    assert offline.verdict is Verdict.ESCALATE


def test_binding_needs_a_digest() -> None:
    bare = Candidate("support-bot", "42")
    decision = judge(DPIA, history=History(documents=(_dpia(),)), candidate=bare)
    assert only(decision).reason == "no_digest"


def test_a_policy_published_after_the_results() -> None:
    early = policy("metric: accuracy, min: 0.5", header="registered_before_results: true")
    measured = AT - timedelta(days=2)

    def verdict(published_days_ago: int) -> tuple[str, Verdict]:
        history = History(policy_published_at=AT - timedelta(days=published_days_ago))
        decision = judge(early, GOOD, history=history, measured_at=measured)
        return decision.findings[0].reason, decision.verdict

    assert verdict(1) == ("policy_after_results", Verdict.FAIL)
    assert verdict(3) == ("limit_met", Verdict.PASS)
    undated = judge(early, GOOD, history=History(policy_published_at=AT))
    assert undated.findings[0].outcome is Outcome.MISSING
    assert undated.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "rule",
    [
        "metric: accuracy, min: 0.5, when: \"model.facts.risk == 'high'\"",
        "expr: \"metrics['accuracy'].value / 0.0 > 1.0 && 1 / 0 > 1\"",
        "expr: \"metrics['accuracy'].value + 1.0\"",
    ],
)
def test_an_expression_that_fails_is_an_error_and_fails(rule: str) -> None:
    decision = judge(f"id: named, on_fail: advise, {rule}", GOOD)
    assert only(decision).outcome is Outcome.ERROR
    assert "named" in only(decision).message or "metrics" in only(decision).message
    assert decision.verdict is Verdict.FAIL


def _waiver(**fields: Any) -> Waiver:
    base = Waiver(
        id="wvr_1",
        rule="quality/accuracy",
        model="support-*",
        reason="known gap",
        expires_at=AT + timedelta(days=5),
        approved_at=AT - timedelta(days=1),
    )
    return replace(base, **fields)


def test_a_waiver_stops_the_finding_from_counting() -> None:
    failing = m("accuracy", count=10, n=100)
    both = policy("metric: accuracy, min: 0.8", "metric: recall, min: 0.5")
    recall = m("recall", count=90, n=100)
    decision = judge(both, failing, recall, waivers=[_waiver()])
    assert decision.findings[0].outcome is Outcome.FAIL
    assert decision.findings[0].waiver == "wvr_1"
    assert decision.verdict is Verdict.PASS
    assert "wvr_1" in decision.summary
    assert decision.valid_until == AT + timedelta(days=5)


@pytest.mark.parametrize(
    "fields",
    [
        {"expires_at": AT},
        {"revoked_at": AT},
        {"approved_at": AT + timedelta(minutes=1)},
        {"rule": "quality/recall"},
        {"model": "other"},
        {"versions": ("41", "4?0")},
        {"versions": ("43..", "..41", "v40..v50", "1.42..1.50", "..")},
        {"stage": "broad_rollout"},
        {"digest": "sha256:other"},
        {"slice": (("language", "de"),)},
    ],
)
def test_a_waiver_that_does_not_cover_is_ignored(fields: dict[str, Any]) -> None:
    failing = m("accuracy", count=10, n=100)
    decision = judge("metric: accuracy, min: 0.8", failing, waivers=[_waiver(**fields)])
    assert only(decision).waiver is None
    assert decision.verdict is Verdict.FAIL


def test_nobody_waives_what_is_not_waivable_missing_or_broken() -> None:
    failing = m("accuracy", count=10, n=100)
    kept = judge("metric: accuracy, min: 0.8, waivable: false", failing, waivers=[_waiver()])
    assert kept.verdict is Verdict.FAIL
    absent = judge("metric: accuracy, min: 0.8", waivers=[_waiver()])
    assert absent.verdict is Verdict.FAIL
    broken = "metric: accuracy, min: 0.8, when: model.facts.x"
    assert judge(broken, GOOD, waivers=[_waiver()]).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "rule",
    [
        "metric: accuracy, min: 0.5, on_fail: advise",
        "metric: accuracy, min: 0.5, when: model.facts.x",
    ],
)
def test_nothing_decided(rule: str) -> None:
    decision = judge(rule, GOOD, history=facts(x=False))
    assert decision.verdict is Verdict.ESCALATE
    assert "nothing_decided" in decision.reasons


def test_nothing_proven() -> None:
    rule = "metric: accuracy, min: 0.5, mode: guard, notice: 0.1"
    decision = judge(rule, GOOD)
    assert only(decision).outcome is Outcome.PASS
    assert not only(decision).proven
    assert decision.verdict is Verdict.ESCALATE
    assert "nothing_proven" in decision.reasons


def test_a_rule_that_may_be_left_out_never_lets_a_release_pass_unseen() -> None:
    lenient = policy(
        "metric: accuracy, min: 0.5", "metric: recall, min: 0.5, on_missing: not_applicable"
    )
    decision = judge(lenient, GOOD)
    assert decision.findings[1].outcome is Outcome.NOT_APPLICABLE
    assert decision.verdict is Verdict.ESCALATE
    assert decision.reasons == ("not_all_measured",)


def test_evidence_of_another_candidate() -> None:
    scores = tuple([1.0] * 80 + [0.0] * 20)
    seen = m("accuracy", scores=scores, ids=tuple(str(i) for i in range(100)))
    history = History(foreign_evidence=frozenset(fingerprints(seen)))
    assert judge("metric: accuracy, min: 0.5", seen).verdict is Verdict.PASS
    decision = judge("metric: accuracy, min: 0.5", seen, history=history)
    assert only(decision).reason == "evidence_of_another_candidate"
    assert decision.verdict is Verdict.ESCALATE


def test_missing_the_same_few_examples_is_no_copy() -> None:
    scores = tuple([1.0] * 81 + [0.0] * 19)
    assert fingerprints(m("accuracy", scores=scores)) == ()


def test_needs() -> None:
    rule = "metric: accuracy, min: 0.5, needs: [n_errored, dataset_digest]"
    _absent("needs_not_met", GOOD, rule=rule)
    stated = replace(GOOD, errors_stated=True, source=Source(dataset_digest="sha256:1"))
    assert judge(rule, stated).verdict is Verdict.PASS


def test_too_many_candidates_escalate() -> None:
    many = policy("metric: accuracy, min: 0.5", header="max_candidates: 3")
    assert judge(many, GOOD, history=History(candidates_judged=2)).verdict is Verdict.PASS
    decision = judge(many, GOOD, history=History(candidates_judged=3))
    assert decision.verdict is Verdict.ESCALATE
    assert decision.reasons == ("many_candidates",)


def test_the_candidate_is_the_one_that_was_judged() -> None:
    assert judge("metric: accuracy, min: 0.5", GOOD).candidate == CANDIDATE
