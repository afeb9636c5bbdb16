"""What people are asked, in words, and what waits for whom."""

import pytest

from app.pages.asking import by_deadline, card, question
from tests.app.pages.samples import decision, finding, observed

ATTACKS = finding(
    "attack_success_rate",
    "inconclusive",
    observed=observed(0.012, 0.0069, 0.0231, n=1000, count=12),
    limit={"max": 0.02},
    direction="lower",
    reason="interval_straddles_limit",
    message="Attack success rate 1.2% cannot be settled.",
)
ACCURACY = finding(
    "accuracy",
    "inconclusive",
    observed=observed(0.87, 0.84, 0.9, n=500, count=435),
    reason="interval_straddles_limit",
)
SIGN_OFF = finding(
    "sign_off-legal",
    "inconclusive",
    kind="sign_off",
    reason="sign_off_due",
    limit={"sign_off": "legal"},
    message="Legal has to sign off.",
)


def pending(*found, **more):
    return decision("pending", "escalate", {"safety": list(found)}, **more)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([ATTACKS], "Accept that attack success rate may be as high as 2.3%, limit ≤ 2%?"),
        ([ACCURACY], "Accept that accuracy may be as low as 84.0%, limit ≥ 85%?"),
        (
            [ATTACKS, SIGN_OFF],
            "Accept that attack success rate may be as high as 2.3%, limit ≤ 2%?",
        ),
        ([ATTACKS, ACCURACY], "Accept 2 open findings: attack success rate, accuracy?"),
        ([SIGN_OFF], "Sign off this release?"),
    ],
)
def test_an_approval_says_yes_to_a_question(found, words):
    assert question(pending(*found)) == words


def test_without_an_open_finding_the_reason_is_asked():
    asked = decision("pending", "escalate", {}, reasons=["nothing_proven"])
    assert question(asked) == "Accept this release although nothing proven?"


def review(**more):
    return {
        "decision": "dec_1",
        "status": "open",
        "needed": [{"role": "security", "min": 1, "have": 0}],
        "sign_offs": [],
        "opens_at": "2026-11-24T00:00:00Z",
        "due_at": "2026-11-25T00:00:00Z",
        "expires_at": "2026-11-27T00:00:00Z",
        **more,
    }


NOW = "2026-11-24T12:00:00Z"


@pytest.mark.parametrize(
    ("change", "stakes", "mine"),
    [
        ({}, {"security"}, True),
        ({}, {"legal"}, False),
        ({}, set(), False),
        ({"needed": [{"role": "*", "min": 1, "have": 0}]}, {"legal"}, True),
        ({"needed": [{"role": "*", "min": 1, "have": 0}]}, set(), False),
        ({"needed": [{"role": "security", "min": 1, "have": 1}]}, {"security"}, False),
        ({"sign_offs": [{"person": "Ada", "answer": "approve"}]}, {"security"}, False),
        ({"sign_offs": [{"person": "Ben", "answer": "approve"}]}, {"security"}, True),
        ({"status": "awaiting_evidence"}, {"security"}, False),
    ],
)
def test_a_review_waits_for_who_is_asked_and_has_not_answered(change, stakes, mine):
    assert card(review(**change), pending(ATTACKS), frozenset(stakes), "Ada", NOW).is_mine is mine


def test_what_ends_first_stands_first():
    late = card(review(due_at=NOW), pending(ATTACKS), frozenset(), "Ada", NOW)
    soon = card(
        review(expires_at="2026-11-25T00:00:00Z"), pending(ATTACKS), frozenset(), "Ada", NOW
    )
    assert late.is_late
    assert not soon.is_late
    assert by_deadline([late, soon]) == [soon, late]
