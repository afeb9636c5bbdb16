"""`strict: true`: bounds with a guarantee for every n, of differences too, or a clear refusal."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from gates.evidence import Measurement
from gates.finding import Finding
from gates.problems import PolicyError
from gates.rules.registry import KINDS
from gates.verdict import Outcome
from tests.gates.build import judge, m, only, policy

DROP = "strict: true, versus_baseline: {max_drop: 0.05}"
IDS = tuple(f"q{i}" for i in range(600))
DICE = np.random.default_rng(20261126)
BEFORE = tuple(DICE.choice([0.0, 0.5, 1.0], size=600, p=[0.05, 0.15, 0.8]).tolist())
AFTER = tuple(
    float(s) if keep else 1.0 for s, keep in zip(BEFORE, DICE.random(600) < 0.97, strict=True)
)


def found(rule: str, one: Measurement, two: Measurement) -> Finding:
    return only(judge(rule, one, baseline=[two]))


def test_pairs_of_bounded_scores_are_bet_on() -> None:
    one, two = (m("faithfulness", scores=s, ids=IDS) for s in (AFTER, BEFORE))
    finding = found(f"metric: faithfulness, {DROP}", one, two)
    assert finding.outcome is Outcome.PASS
    assert finding.observed is not None
    assert finding.observed.method == "betting"
    assert not finding.observed.approximate
    assert any(flag.startswith("paired: 600 examples") for flag in finding.flags)
    reverse = found(f"metric: faithfulness, {DROP.replace('0.05', '0.001')}", two, one)
    assert reverse.outcome is not Outcome.PASS


def test_the_order_of_sending_changes_nothing() -> None:
    one, two = (m("faithfulness", scores=s, ids=IDS) for s in (AFTER, BEFORE))
    turned = [m("faithfulness", scores=s[::-1], ids=IDS[::-1]) for s in (AFTER, BEFORE)]
    first = found(f"metric: faithfulness, {DROP}", one, two).observed
    second = found(f"metric: faithfulness, {DROP}", *turned).observed
    assert first is not None
    assert second is not None
    assert (first.lower, first.upper) == (second.lower, second.upper)


def test_separate_counts_have_the_exact_bounds_of_both() -> None:
    one, two = m("accuracy", count=950, n=1000), m("accuracy", count=940, n=1000)
    finding = found(f"metric: accuracy, {DROP}", one, two)
    assert finding.outcome is Outcome.PASS
    assert finding.observed is not None
    assert finding.observed.method == "separate_bounds"
    assert not finding.observed.approximate
    assert finding.observed.lower == pytest.approx(
        stats.beta.ppf(0.025, 950, 51) - stats.beta.ppf(0.975, 941, 60)
    )


def test_a_share_of_a_baseline_that_cannot_be_negative_is_bet_on_in_pairs() -> None:
    rule = "metric: faithfulness, strict: true, versus_baseline: {max_drop_percent: 6}"
    one, two = (m("faithfulness", scores=s, ids=IDS) for s in (AFTER, BEFORE))
    finding = found(rule, one, two)
    assert finding.outcome is Outcome.PASS
    assert finding.observed is not None
    assert finding.observed.method == "betting"


@pytest.mark.parametrize(
    "sent",
    [
        {"scores": AFTER},
        {"scores": AFTER, "ids": IDS, "clusters": tuple(f"d{i % 60}" for i in range(600))},
        {"value": 0.9, "stderr": 0.01, "n": 300},
    ],
)
def test_what_has_no_guarantee_says_what_to_send(sent: dict[str, object]) -> None:
    one = m("relevance", **sent)
    finding = found(f"metric: relevance, {DROP}", one, one)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert "strict" in finding.message or "range" in finding.message


def test_kinds_without_a_guarantee_do_not_load() -> None:
    for rule in (
        "disparity: selection_rate, groups: [sex], min_ratio: 0.8, strict: true",
        "disparity: selection_rate, groups: [sex], max_gap: 0.1, strict: true",
        "metric: latency, distribution: {direction: increase}, strict: true",
    ):
        with pytest.raises(PolicyError, match="keeps its level for every n"):
            policy(rule)
    assert {"disparity", "distribution"} <= set(KINDS)


@pytest.mark.parametrize(("won", "lost"), [(0.02, 0.12), (0.0, 0.1), (0.3, 0.4)])
def test_strict_pairs_never_exceed_their_level(won: float, lost: float) -> None:
    """Every order of five pairs that differ by -1, 0 or 1, the truth exactly at the margin."""
    rule = f"metric: accuracy, strict: true, versus_baseline: {{max_drop: {lost - won:g}}}"
    loaded = policy(rule, header="defaults: {looks: single, confidence: 0.5}")
    ids = IDS[:5]
    passed = 0.0
    for steps in product((-1, 0, 1), repeat=5):
        one = tuple(float(step >= 0) for step in steps)
        two = tuple(float(step <= 0) for step in steps)
        sent, base = (m("accuracy", scores=s, ids=ids) for s in (one, two))
        if only(judge(loaded, sent, baseline=[base])).outcome is Outcome.PASS:
            chance = {-1: lost, 0: 1.0 - won - lost, 1: won}
            passed += float(np.prod([chance[step] for step in steps]))
    assert passed <= 0.5
