"""Certificates of slices: any wrong one is as rare as the rule says, and no outcome changes."""

from functools import lru_cache
from math import comb

import pytest

from gates.certifying import certify
from gates.finding import Finding
from gates.history import History, Look
from gates.problems import PolicyError
from gates.statistics.multiplicity import holm
from gates.verdict import Outcome
from tests.gates.build import judge, m, only, policy

RULE = "metric: accuracy, min: 0.8, by: [lang]"


def _judged(rule, *counts, **rest):
    sent = [m("accuracy", count=x, n=n, slice={"lang": f"l{i}"}) for i, (x, n) in enumerate(counts)]
    return judge(rule, *sent, **rest)


def test_a_slice_can_pass_and_not_be_certified() -> None:
    counts = [(95, 100), (87, 100), (70, 100)]
    plain, asked = _judged(RULE, *counts), _judged(f"{RULE}, certify: true", *counts)
    assert [f.certified for f in plain.findings] == [None] * 3
    assert [f.certified for f in asked.findings] == [True, False, False]
    assert [f.outcome for f in asked.findings] == [f.outcome for f in plain.findings]
    assert [f.observed for f in asked.findings] == [f.observed for f in plain.findings]
    assert asked.verdict is plain.verdict
    first, second, third = (f.message for f in asked.findings)
    assert "Certified: it may be published by itself, beside 2 other slices." in first
    assert "Not certified: among 3 slices" in second
    assert "ertified" not in third


def test_what_is_certified_steps_down_as_in_holm() -> None:
    # One slice alone needs .05 / 2; the second then has all of it.
    both = _judged(f"{RULE}, certify: true", (99, 100), (87, 100))
    assert [f.certified for f in both.findings] == [True, True]
    one = _judged(f"{RULE}, certify: true", (80, 100), (87, 100))
    assert [f.outcome.value for f in one.findings] == ["inconclusive", "pass"]
    assert [f.certified for f in one.findings] == [False, False]


def _tails(n: int, limit: float) -> list[float]:
    chances = [comb(n, x) * limit**x * (1 - limit) ** (n - x) for x in range(n + 1)]
    return [sum(chances[x:]) for x in range(n + 1)]


@lru_cache
def _certified(counts: tuple[int, ...], n: int) -> tuple[bool, ...]:
    found = _judged(f"{RULE}, certify: true", *((x, n) for x in counts))
    return tuple(bool(f.certified) for f in found.findings)


@pytest.mark.parametrize("truths", [(0.8, 0.8), (0.8, 0.95), (0.79, 0.8)])
def test_any_wrong_certificate_is_rare_by_enumeration(truths: tuple[float, float]) -> None:
    """Two slices of 40, every pair of counts; those at or below .8 must not be certified."""
    n, wrong = 40, 0.0
    for x in range(24, n + 1):
        for y in range(24, n + 1):
            certified = _certified((x, y), n)
            if any(c and truth <= 0.8 for c, truth in zip(certified, truths, strict=True)):
                wrong += _chance(x, n, truths[0]) * _chance(y, n, truths[1])
    assert 0.0 < wrong <= 0.05


def _chance(x: int, n: int, truth: float) -> float:
    return comb(n, x) * truth**x * (1 - truth) ** (n - x)


def test_certificates_are_holm_over_exact_p_values() -> None:
    tails = _tails(60, 0.8)
    for counts in [(55, 54, 53, 52), (58, 55, 54, 30), (60, 60, 53, 53), (54, 54, 54, 54)]:
        expected = holm([(tails[x], 1.0) for x in counts], 0.05)
        assert _certified(counts, 60) == tuple(rejected for rejected, _ in expected)


def test_what_is_missing_counts_and_what_is_barred_is_not_certified() -> None:
    expected = f"{RULE}, certify: true, require: {{lang: [l0, l1, l2, l3, l4]}}"
    alone = only(_judged(f"{RULE}, certify: true", (87, 100)))
    assert alone.certified
    missing = _judged(expected, (87, 100))
    assert [f.certified for f in missing.findings] == [False] * 5
    few = only(_judged(f"{RULE}, certify: true, min_samples: 200", (95, 100)))
    assert (few.outcome, few.certified) == (Outcome.INCONCLUSIVE, False)


def test_a_later_look_has_its_own_error() -> None:
    planned = policy(f"{RULE}, certify: true", header="defaults: {looks: 'planned(2)'}")
    first = _judged(planned, (88, 100))
    assert only(first).certified
    earlier = History(
        looks=tuple(Look(k.hypothesis, "others", 1, "inconclusive") for k in first.looks)
    )
    again = only(_judged(planned, (88, 100), history=earlier))
    assert again.look == 2
    assert again.certified is (again.outcome is Outcome.PASS)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("metric: accuracy, min: 0.8, certify: true", "add `by`"),
        (f"{RULE}, certify: true, mode: guard, notice: 0.05", "what is proven"),
        (
            "metric: toxicity_rate, max_count: 0, min_samples: 9, by: [x], certify: true",
            "rules with",
        ),
    ],
)
def test_a_certificate_without_meaning_does_not_load(rule: str, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        policy(rule)


def test_only_passes_are_certified_whatever_is_shown() -> None:
    def plain(outcome: Outcome) -> Finding:
        return Finding("r", "g", "threshold", outcome, "", "Words.")

    both = certify([plain(Outcome.FAIL), plain(Outcome.PASS)], [lambda _: True, None])
    assert [f.certified for f in both] == [False, False]
    assert certify([], []) == []


def test_a_certificate_is_part_of_what_is_signed() -> None:
    digests = {
        _judged(rule, (95, 100), (87, 100)).digest for rule in (RULE, f"{RULE}, certify: true")
    }
    assert len(digests) == 2
