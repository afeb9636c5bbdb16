from collections.abc import Mapping
from typing import Any

import pytest

from gates.inheritance import loosened_since
from tests.gates.build import no_parents


def document(*rules: str, header: str = "") -> Mapping[str, Any]:
    from gates.policy import load

    lines = "\n".join(f"    - {{{rule}}}" for rule in rules)
    text = (
        "policy: p\nowner: o\napplies_to: {model: [m, n], stage: [a, b]}\n"
        f"{header}\ngates:\n  quality:\n{lines}\n"
    )
    return load(text, no_parents).document


RULE = "metric: accuracy, min: 0.8, min_samples: 100"
BASE = document(RULE, "document: dpia, max_age_days: 90")


def names(new: Mapping[str, Any], old: Mapping[str, Any] = BASE) -> list[str]:
    return [name for name, _ in loosened_since(old, new)]


def test_the_same_or_stricter_loosens_nothing() -> None:
    assert names(BASE) == []
    stricter = document(
        "metric: accuracy, min: 0.9, min_samples: 200",
        "document: dpia, max_age_days: 30",
        "metric: f1, min: 0.5",
        header="valid_days: 10\nmax_candidates: 3",
    )
    assert names(stricter) == []


@pytest.mark.parametrize(
    "rules",
    [
        ("metric: accuracy, min: 0.7, min_samples: 100", "document: dpia, max_age_days: 90"),
        ("metric: accuracy, min: 0.8", "document: dpia, max_age_days: 90"),
        (f"{RULE}, on_fail: advise", "document: dpia, max_age_days: 90"),
        (f"{RULE}, waivable: true, confidence: 0.9", "document: dpia, max_age_days: 90"),
        ("metric: recall, min: 0.8", "document: dpia, max_age_days: 90"),
    ],
)
def test_a_looser_or_missing_rule_is_named(rules: tuple[str, ...]) -> None:
    assert names(document(*rules)) == ["quality/accuracy"]


def test_a_dropped_document_is_named() -> None:
    assert names(document(RULE)) == ["quality/document-dpia"]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("", "valid_days: 365", "valid_days"),
        ("max_candidates: 3", "max_candidates: 9", "max_candidates"),
        ("max_candidates: 3", "", "max_candidates"),
        ("registered_before_results: true", "", "registered_before_results"),
        ("escalation: {reviews: [{role: security, min: 2}]}", "", "escalation"),
        ("", "defaults: {confidence: 0.9}", "quality/accuracy"),
        ("", "defaults: {on_missing: escalate}", "quality/accuracy"),
    ],
)
def test_a_looser_header_is_named(old: str, new: str, what: str) -> None:
    assert what in names(document(RULE, header=new), document(RULE, header=old))
    assert names(document(RULE, header=old), document(RULE, header=old)) == []


def test_covering_less_is_looser_and_covering_more_is_not() -> None:
    narrow = {**BASE, "applies_to": {"model": "m", "stage": ["a", "b"]}}
    assert names(narrow) == ["applies_to"]
    assert names(BASE, narrow) == []
