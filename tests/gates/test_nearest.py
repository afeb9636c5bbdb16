"""The nearest flip, what better evidence would gain, and what an approval accepts."""

from typing import Any

import pytest

from gates.decision import Decision
from gates.finding import Finding
from gates.history import History
from gates.nearest import accepts, flip, hint
from gates.policy import Policy
from gates.rules.looks import fingerprints
from gates.verdict import Outcome, Verdict
from tests.gates.build import judge, m, only, policy

TWO = "defaults: {looks: planned(2)}"


def found(count: int, n: int = 500) -> Finding:
    return only(judge("metric: accuracy, min: 0.85", m("accuracy", count=count, n=n)))


def test_an_open_finding_says_how_far_it_is() -> None:
    rules = policy("metric: accuracy, min: 0.85", header=TWO)
    decision = judge(rules, m("accuracy", count=435, n=500))
    near = flip(only(decision))
    assert near is not None
    assert near.by == pytest.approx(0.009, abs=5e-4)
    assert near.samples == (only(decision).to_settle or {})["samples"] - 500
    assert "points more would pass, or" in near.words
    assert "more examples at this rate" in decision.summary
    assert accepts(decision.findings) == (
        "quality/accuracy: that the true value may be as low as 84.1%",
    )


@pytest.mark.parametrize("count", [400, 430, 435, 438])
def test_about_so_much_more_passes_and_less_does_not(count: int) -> None:
    near = flip(found(count))
    assert near is not None
    assert near.by > 0
    assert found(count + round(500 * near.by * 1.15) + 1).outcome is Outcome.PASS
    assert found(count + round(500 * near.by * 0.7) - 2).outcome is not Outcome.PASS


def test_a_pass_says_how_much_worse_it_may_get() -> None:
    decision = judge("metric: accuracy, min: 0.85", m("accuracy", count=460, n=500))
    near = flip(only(decision))
    assert near is not None
    assert near.by < 0
    assert "Closest is quality/accuracy: it would still pass about" in decision.summary
    two = judge(
        policy("metric: accuracy, min: 0.85", "metric: recall, min: 0.5"),
        m("accuracy", count=460, n=500),
        m("recall", count=499, n=500),
    )
    assert "Closest is quality/accuracy" in two.summary


def test_the_other_side_and_other_units() -> None:
    attacks = judge(
        "metric: attack_success_rate, max: 0.02", m("attack_success_rate", count=14, n=1000)
    )
    near = flip(only(attacks))
    assert near is not None
    assert "points less would pass" in near.words
    scores = tuple(3.5 + (i % 5) / 4 for i in range(80))
    judged = only(judge("metric: relevance, min: 4, range: [1, 5]", m("relevance", scores=scores)))
    near = flip(judged)
    assert near is not None
    assert "points" not in near.words


def test_what_has_no_bound_has_no_flip() -> None:
    for rule, seen in (
        ("metric: accuracy, min: 0.85", m("accuracy", value=0.9)),
        ("metric: leak_rate, max_count: 0, rate_below: 0.01", m("leak_rate", count=0, n=50)),
        ("metric: recall, min: 0.8, mode: guard, notice: 0.1", m("recall", count=80, n=100)),
    ):
        assert flip(only(judge(rule, seen))) is None


def after(rules: Policy, *counts: int) -> Decision:
    """The last of several looks at counts of 1,000."""
    history, made = History(), None
    for count in counts:
        made = judge(rules, m("accuracy", count=count, n=1000), history=history)
        history = History(looks=(*history.looks, *made.looks))
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("counts", "outcome", "reason"),
    [
        ((700, 870), Outcome.INCONCLUSIVE, "interval_straddles_limit"),
        ((700, 950), Outcome.INCONCLUSIVE, "contradicts_attempt"),
        ((700, 701), Outcome.FAIL, "limit_missed"),
        ((840, 841, 842), Outcome.INCONCLUSIVE, "looks_spent"),
        ((840, 841, 700), Outcome.FAIL, "limit_missed"),
    ],
)
def test_no_flip_is_promised_past_what_earlier_looks_bar(
    counts: tuple[int, ...], outcome: Outcome, reason: str
) -> None:
    decision = after(policy("metric: accuracy, min: 0.85", header=TWO), *counts)
    seen = only(decision)
    assert (seen.outcome, seen.reason) == (outcome, reason)
    assert flip(seen) is None
    assert "would pass" not in decision.summary
    assert seen.to_settle is None
    # As many points better would indeed not pass.
    better = after(policy("metric: accuracy, min: 0.85", header=TWO), *counts[:-1], 990)
    assert only(better).outcome is Outcome.INCONCLUSIVE


def test_no_flip_is_promised_for_evidence_of_another_candidate() -> None:
    scores = tuple(float(i % 8 != 0) for i in range(1000))
    sent = m("accuracy", scores=scores)
    known = History(foreign_evidence=frozenset(fingerprints(sent)))
    for limit in (0.86, 0.95):
        rules = policy(f"metric: accuracy, min: {limit}", header=TWO)
        assert "would pass" in judge(rules, sent).summary
        decision = judge(rules, sent, history=known)
        assert only(decision).reason == "evidence_of_another_candidate"
        assert flip(only(decision)) is None
        assert "would pass" not in decision.summary
        said = "quality/accuracy: that the same scores or file came with another candidate"
        assert accepts(decision.findings) == (said,)


@pytest.mark.parametrize(
    ("rule", "sent"),
    [
        ("min_samples: 2000", {"count": 870, "n": 1000}),
        ("min_samples: 2000", {"count": 700, "n": 1000}),
        ("max_error_share: 0.02", {"count": 870, "n": 1000, "n_errored": 90}),
        ("max_error_share: 0.02", {"count": 700, "n": 1000, "n_errored": 90}),
        ("confidence: 0.95", {"scores": (1.0,) * 500, "clusters": ("a", "b", "c", "d", "e") * 100}),
    ],
)
def test_no_flip_is_promised_where_examples_are_lacking(rule: str, sent: dict[str, Any]) -> None:
    decision = judge(
        policy(f"metric: accuracy, min: 0.85, {rule}", header=TWO), m("accuracy", **sent)
    )
    assert only(decision).outcome is not Outcome.PASS
    assert flip(only(decision)) is None
    assert "would pass" not in decision.summary


def test_what_bars_a_pass_beside_the_reason_is_named() -> None:
    rules = policy("metric: accuracy, min: 0.85, min_samples: 2000", header=TWO)
    assert any("too few examples" in flag for flag in only(after(rules, 700)).flags)
    flags = only(after(rules, 700, 700 + 200)).flags
    assert "also bars a pass: an earlier attempt of this candidate failed on other examples" in (
        flags
    )


def test_no_share_is_asked_to_be_above_all() -> None:
    """5 of 5 cannot be thirty points better."""
    rules = policy("metric: accuracy, min: 0.85", header=TWO)
    near = flip(only(judge(rules, m("accuracy", count=5, n=5))))
    assert near is not None
    assert near.words == f"about {near.samples} more examples at this rate would pass"
    assert flip(found(5, 5)) is None
    none = policy("metric: attack_success_rate, max: 0.02", header=TWO)
    clean = flip(only(judge(none, m("attack_success_rate", count=0, n=50))))
    assert clean is not None
    assert "points" not in clean.words


def test_hints_say_what_would_have_been_sharper() -> None:
    rounded = only(judge("metric: accuracy, min: 0.85", m("accuracy", value=0.8754, n=500)))
    assert "count" in str(hint(rounded))
    alone = only(judge("metric: relevance, min: 4, range: [1, 5]", m("relevance", value=4.2, n=90)))
    assert "Per-example scores" in str(hint(alone))
    apart = judge(
        "metric: accuracy, versus_baseline: {max_drop: 0.01}",
        m("accuracy", count=850, n=1000),
        baseline=[m("accuracy", count=850, n=1000)],
    )
    assert "pair by pair" in str(hint(only(apart)))
    assert "pair by pair" in apart.summary
    assert hint(found(480)) is None


def test_an_approval_accepts_what_is_open_and_nothing_else() -> None:
    rules = policy(
        "metric: accuracy, min: 0.85",
        "metric: recall, min: 0.85, on_missing: escalate",
        "sign_off: product_owner",
        "metric: attack_success_rate, max: 0.02",
        header=TWO,
    )
    decision = judge(
        rules,
        m("accuracy", count=480, n=500),
        m("attack_success_rate", count=14, n=1000),
    )
    assert decision.verdict is Verdict.ESCALATE
    said = accepts(decision.findings)
    assert len(said) == 3
    assert said[0].endswith("that nothing is known of it")
    assert "in your own judgement" in said[1]
    assert "may be as high as" in said[2]


def test_clusters_say_what_they_are_worth() -> None:
    # 60 questions asked five times, each always answered alike: 60 answers, not 300.
    ids = tuple(f"q{i // 5}" for i in range(300))
    alike = tuple(float((i // 5) % 10 != 0) for i in range(300))
    found = only(judge("metric: accuracy, min: 0.85", m("accuracy", scores=alike, ids=ids)))
    assert "clustered: 300 examples in 60 clusters, worth 60 separate" in found.flags
    words = hint(found)
    assert words is not None
    assert "300 examples in 60 clusters, worth 60 separate ones; new clusters settle it" in words
    # Wrong answers spread evenly over the questions: clustering costs nothing, gains nothing.
    even = tuple(float(i % 5 != 0) for i in range(300))
    spread = only(judge("metric: accuracy, min: 0.85", m("accuracy", scores=even, ids=ids)))
    assert not any(flag.startswith("clustered") for flag in spread.flags)


def test_pairs_in_clusters_say_what_they_are_worth() -> None:
    # 60 documents of five questions; the candidate gains or loses whole documents.
    ids = tuple(f"q{i}" for i in range(300))
    groups = tuple(f"d{i // 5}" for i in range(300))
    before = tuple(float((i // 5) % 10 != 0) for i in range(300))
    after = tuple(float((i // 5) % 10 != 1) for i in range(300))
    found = only(
        judge(
            "metric: accuracy, versus_baseline: {max_drop: 0.02}",
            m("accuracy", scores=after, ids=ids, clusters=groups),
            baseline=[m("accuracy", scores=before, ids=ids, clusters=groups)],
        )
    )
    assert "clustered: 300 examples in 60 clusters, worth 60 separate" in found.flags
    assert "new clusters settle it" in (hint(found) or "")
