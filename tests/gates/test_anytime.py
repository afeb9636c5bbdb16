"""`looks: anytime`: a canary may be asked as often as anybody likes."""

from dataclasses import replace

import pytest

from gates.decision import Decision, decide
from gates.evidence import Candidate, Exceed, ImpossibleEvidence, Measurement
from gates.history import History, Look
from gates.policy import Policy
from gates.problems import PolicyError
from gates.verdict import Outcome, Verdict
from tests.gates.build import AT, judge, m, only, policy, submission

HEADER = "defaults: {looks: anytime, n_plan: 1000}"
RULE = "metric: accuracy, min: 0.85"


def polled(rules: Policy, *looks: list[Measurement]) -> list[Decision]:
    """The decisions of one candidate over cumulative measurements, each knowing those before."""
    past: tuple[Look, ...] = ()
    found = []
    for seen in looks:
        made = decide(rules, submission(*seen), History(looks=past), (), AT)
        past = (*past, *made.looks)
        found.append(made)
    return found


def accuracy(*counts: tuple[int, int]) -> list[list[Measurement]]:
    return [[m("accuracy", count=x, n=n)] for x, n in counts]


def test_a_pass_stands_whatever_later_numbers_say() -> None:
    rules = policy(RULE, header=HEADER)
    first, second, third = polled(rules, *accuracy((90, 100), (480, 500), (850, 1000)))
    assert first.verdict is Verdict.ESCALATE
    assert only(second).outcome is Outcome.PASS
    kept = only(third)
    assert kept.outcome is Outcome.PASS
    assert kept.observed is not None
    assert kept.observed.value == pytest.approx(0.85)
    assert kept.observed.lower == 0.85
    assert [d.attempt for d in (first, second, third)] == [1, 2, 3]
    alone = only(judge(rules, *accuracy((850, 1000))[0]))
    assert alone.outcome is Outcome.INCONCLUSIVE


def test_a_proven_fail_overrides_an_earlier_pass_and_stands() -> None:
    rules = policy(RULE, header=HEADER)
    *_, passed, failed, after = polled(rules, *accuracy((480, 500), (1500, 2000), (9400, 10_000)))
    assert only(passed).outcome is Outcome.PASS
    assert only(failed).outcome is Outcome.FAIL
    assert only(after).outcome is Outcome.FAIL


def test_what_was_shown_stands_only_for_limits_it_is_about() -> None:
    lax, strict = policy(RULE, header=HEADER), policy("metric: accuracy, min: 0.9", header=HEADER)
    (first,) = polled(lax, *accuracy((480, 500)))
    past = History(looks=first.looks)
    later = accuracy((890, 1000))[0]
    assert only(judge(lax, *later, history=past)).outcome is Outcome.PASS
    assert only(judge(strict, *later, history=past)).outcome is not Outcome.PASS
    surer = policy(f"{RULE}, confidence: 0.999999", header=HEADER)
    assert only(judge(surer, *later, history=past)).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("counts", [(470, 490), (479, 510), (480, 500 - 1)])
def test_counts_may_not_shrink(counts: tuple[int, int]) -> None:
    rules = policy(RULE, header=HEADER)
    (first,) = polled(rules, *accuracy((480, 500)))
    with pytest.raises(ImpossibleEvidence) as refused:
        judge(rules, *accuracy(counts)[0], history=History(looks=first.looks))
    assert refused.value.slug == "shrinking-counts"
    again = judge(rules, *accuracy((480, 500))[0], history=History(looks=first.looks))
    assert again.attempt == 1


def test_an_errored_example_that_was_scored_later_is_no_shrinking() -> None:
    rules = policy(RULE, header=HEADER)
    first, second = polled(
        rules,
        [m("accuracy", count=480, n=500, n_errored=5)],
        [m("accuracy", count=483, n=505)],
    )
    assert only(first).outcome is Outcome.PASS
    assert only(second).outcome is Outcome.PASS


def test_zero_tolerance_at_any_look() -> None:
    rules = policy("metric: leak_rate, max_count: 0, rate_below: 0.01", header=HEADER)
    first, second, third, fourth = polled(
        rules,
        *([m("leak_rate", count=k, n=n)] for k, n in ((0, 300), (0, 450), (0, 460), (1, 470))),
    )
    assert only(first).reason == "too_few_samples"
    settle = only(first).to_settle
    assert settle is not None
    assert 377 <= settle["samples"] <= 450
    assert only(second).outcome is Outcome.PASS
    assert only(third).outcome is Outcome.PASS
    assert only(fourth).outcome is Outcome.FAIL


def test_quantiles_and_baselines_go_on_from_look_to_look() -> None:
    rules = policy(
        "metric: latency, quantile: 0.95, max: 0.8, unit: s",
        "metric: accuracy, versus_baseline: {max_drop: 0.05}",
        header=HEADER,
    )
    base = [m("accuracy", count=900, n=1000)]
    past: tuple[Look, ...] = ()
    verdicts = []
    for n, over in ((100, 2), (400, 8), (2000, 40)):
        seen = [
            m("latency", exceed=Exceed(0.8, over), n=n, unit="s"),
            m("accuracy", count=n * 91 // 100, n=n),
        ]
        given = submission(*seen, baseline=base)
        made = decide(rules, given, History(looks=past), (), AT)
        past = (*past, *made.looks)
        verdicts.append(made.verdict)
    assert verdicts[0] is Verdict.ESCALATE
    assert verdicts[-1] is Verdict.PASS
    other = submission(*seen, baseline=[m("accuracy", count=990, n=1000)])
    fresh = decide(rules, other, History(looks=past), (), AT)
    assert fresh.findings[1].outcome is not Outcome.PASS, "another baseline is another question"


def test_a_relative_margin_is_remembered_with_its_share() -> None:
    lax, strict = (
        policy(
            f"metric: cost_per_inference, kind: mean, range: [0, 1], "
            f"versus_baseline: {{max_rise_percent: {share}}}",
            header=HEADER,
        )
        for share in (50, 1)
    )
    values = tuple(0.2 + 0.001 * (i % 10) for i in range(400))
    seen = m("cost_per_inference", scores=values, unit="USD")
    given = submission(seen, baseline=[seen])
    first = decide(lax, given, History(), (), AT)
    more = replace(seen, scores=(*values, 0.2))
    again = decide(strict, submission(more, baseline=[seen]), History(looks=first.looks), (), AT)
    assert only(first).outcome is Outcome.PASS
    assert only(again).outcome is Outcome.INCONCLUSIVE


def test_two_rules_on_one_hypothesis_both_hand_on() -> None:
    rules = policy(
        "id: a, metric: latency, quantile: 0.95, max: 0.8, unit: s",
        "id: b, metric: latency, quantile: 0.95, max: 0.9, unit: s",
        header=HEADER,
    )
    values = tuple(0.5 + 0.0004 * i for i in range(900))
    first, second = polled(
        rules,
        [m("latency", scores=values, unit="s")],
        [m("latency", scores=(*values, 0.6), unit="s")],
    )
    assert len(first.looks) == 1
    assert {claim for part in first.looks[0].progress for claim, _, _ in part.shown} == {
        "above",
        "at_most",
    }
    assert second.attempt == 2


@pytest.mark.parametrize("header", ["{looks: anytime}", "{n_plan: 100}", "{looks: planned(0)}"])
def test_the_plan_belongs_to_looking_at_any_time(header: str) -> None:
    with pytest.raises(PolicyError):
        policy(RULE, header=f"defaults: {header}")


def test_another_candidate_starts_afresh() -> None:
    rules = policy(RULE, header=HEADER)
    fresh = judge(rules, *accuracy((48, 50))[0], candidate=Candidate("support-bot", "43"))
    assert fresh.attempt == 1


def test_pairs_go_on_from_look_to_look() -> None:
    rules = policy("metric: accuracy, versus_baseline: {max_drop: 0.05}", header=HEADER)
    ids = tuple(str(i) for i in range(1200))
    right = tuple(float(i % 10 != 0) for i in range(1200))
    base = m("accuracy", scores=right, ids=ids)
    seen = [m("accuracy", scores=right[:n], ids=ids[:n]) for n in (40, 600, 1200)]
    past: tuple[Look, ...] = ()
    found = []
    for one in seen:
        against = replace(base, scores=right[: len(one.ids or ())], ids=one.ids)
        made = decide(rules, submission(one, baseline=[against]), History(looks=past), (), AT)
        past = (*past, *made.looks)
        found.append(only(made))
    assert [f.outcome for f in found] == [Outcome.INCONCLUSIVE, Outcome.PASS, Outcome.PASS]
    assert found[0].observed is not None
    assert found[0].observed.method == "paired_bets"
