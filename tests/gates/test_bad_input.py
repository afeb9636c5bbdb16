"""Bad input: a defined outcome each time, no exception, no pass that the data do not carry."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.evidence import ImpossibleEvidence, Measurement
from gates.verdict import Outcome
from tests.gates.build import judge, m, only, policy

RULES = {
    "accuracy": "metric: accuracy, min: 0.9",
    "faithfulness": "metric: faithfulness, min: 0.9",
    "relevance": "metric: relevance, min: 3",
    "relevance, strict": "metric: relevance, range: [1, 5], min: 3, strict: true",
    "latency": "metric: latency, quantile: 0.95, max: 1, unit: s",
    "cost_per_success": "metric: cost_per_success, max: 1, unit: USD",
    "roc_auc": "metric: roc_auc, min: 0.9",
    "macro_f1": "metric: macro_f1, min: 0.9",
    "kappa": "metric: kappa, min: 0.9",
    "pearson": "metric: pearson, min: 0.9",
    "ece": "metric: ece, max: 0.05",
    "brier": "metric: brier, max: 0.05",
    "psi": "metric: psi, max: 0.1",
}
UNITS = {"latency": "s", "cost_per_success": "USD"}
MARGINS = {
    name: f"metric: {name}{', quantile: 0.95' * (name == 'latency')}, versus_baseline: "
    + ("{max_rise: 0.01}" if "max:" in rule else "{max_drop: 0.01}")
    for name, rule in RULES.items()
    if "strict" not in name
}
CONSTANTS = [0.0, 1.0, 1e-300, 1e300, -1e300, 5e-324, 0.5, -7.0]
SIZES = [1, 2, 19, 150]
numbers = st.one_of(
    st.sampled_from([0.0, 1.0, 0.5, -1.0, 5e-324, 1e300, 1e308, 4.0]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(0, 1),
)


def outcomes(rule: str, sent: Measurement, baseline: Measurement | None = None) -> set[Outcome]:
    """What a rule finds; nothing where the evidence is refused as impossible."""
    try:
        decision = judge(rule, sent, baseline=None if baseline is None else [baseline])
    except ImpossibleEvidence:
        return set()
    return {finding.outcome for finding in decision.findings}


def sent_as(name: str, scores: list[float], beside: dict[str, Any]) -> Measurement:
    metric = name.partition(",")[0]
    return m(metric, scores=tuple(scores), unit=UNITS.get(metric), **beside)


@pytest.mark.parametrize("name", RULES)
@settings(deadline=None, max_examples=12)
@given(data=st.data())
def test_no_series_raises(name: str, data: st.DataObject) -> None:
    size = data.draw(st.sampled_from(SIZES))
    series = st.lists(numbers, min_size=size, max_size=size)
    scores = data.draw(series)
    beside: dict[str, Any] = {}
    if data.draw(st.booleans()):
        beside["labels"] = tuple(data.draw(series))
    if data.draw(st.booleans()):
        beside["denominators"] = tuple(map(abs, data.draw(series)))
    if data.draw(st.booleans()):
        beside["ids"] = tuple(f"q{i % data.draw(st.integers(1, size))}" for i in range(size))
    beside["n_errored"] = data.draw(st.sampled_from([0, 1, 10**6]))
    found = outcomes(RULES[name], sent_as(name, scores, beside))
    assert Outcome.ERROR not in found
    if size < 20:
        assert Outcome.PASS not in found


@pytest.mark.parametrize("name", MARGINS)
@settings(deadline=None, max_examples=8)
@given(data=st.data())
def test_no_pair_of_series_raises(name: str, data: st.DataObject) -> None:
    sides = []
    for _ in range(2):
        size = data.draw(st.sampled_from(SIZES))
        scores = data.draw(st.lists(numbers, min_size=size, max_size=size))
        shift = data.draw(st.sampled_from([0, 1]))
        beside: dict[str, Any] = {"ids": tuple(f"q{i + shift}" for i in range(size))}
        if data.draw(st.booleans()):
            beside["labels"] = tuple(float(i % 2) for i in range(size))
        sides.append(sent_as(name, scores, beside))
    found = outcomes(MARGINS[name], sides[0], sides[1])
    assert Outcome.ERROR not in found
    if min(len(side.scores or ()) for side in sides) < 5:
        assert Outcome.PASS not in found


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("value", CONSTANTS)
@pytest.mark.parametrize("size", SIZES)
def test_constant_series_have_an_outcome(name: str, value: float, size: int) -> None:
    labels = tuple(float(i % 2) for i in range(size))
    rows: list[dict[str, Any]] = [{}, {"labels": labels}, {"clusters": ("one",) * size}]
    if name != "latency":  # a quantile has no denominators
        rows.append({"denominators": (0.0,) * size})
    for beside in rows:
        found = outcomes(RULES[name], sent_as(name, [value] * size, beside))
        assert Outcome.ERROR not in found
        if size < 20 or "clusters" in beside or "denominators" in beside:
            assert Outcome.PASS not in found


@pytest.mark.parametrize("value", CONSTANTS)
def test_equal_pairs_without_a_range_prove_nothing(value: float) -> None:
    ids = tuple(f"q{i}" for i in range(200))
    sent = m("relevance", scores=(value,) * 200, ids=ids)
    found = outcomes("metric: relevance, versus_baseline: {max_drop: 1}", sent, sent)
    assert Outcome.PASS not in found


BIG = 2**53
EVENTS = "metric: incidents, kind: count, direction: lower, max: 1"
COUNTED = [
    ("metric: accuracy, min: 0.9", {"count": BIG, "n": BIG}),
    ("metric: accuracy, min: 0.9", {"count": BIG - 1, "n": BIG - 1}),
    (EVENTS, {"count": 0, "exposure": 5e-324}),
    (
        EVENTS,
        {"count": BIG - 1, "exposure": 1e299},
    ),
    ("metric: kappa, min: 0.9", {"table": ((BIG - 1, 0), (0, BIG - 1))}),
    ("metric: kappa, min: 0.9", {"table": ((5, 0), (0, 0))}),
    ("metric: kappa, min: 0.9", {"table": ((0, 0), (0, 0))}),
    ("metric: macro_f1, min: 0.9", {"table": ((BIG - 1, 0), (0, BIG - 1))}),
    ("metric: macro_f1, min: 0.9", {"table": ((1, 2, 3), (4, 5, 6))}),
    ("metric: psi, max: 0.1", {"table": ((BIG - 1, BIG - 1), (BIG - 1, BIG - 1))}),
    ("metric: psi, max: 0.1", {"table": ((0, 0), (0, 0))}),
    ("metric: psi, max: 0.1", {"table": ((1, 0), (0, 1))}),
    ("metric: pearson, min: 0.5", {"value": 1.0, "n": 3}),
    ("metric: pearson, min: 0.5", {"value": 1.0, "n": BIG - 1}),
]


@pytest.mark.parametrize(("rule", "sent"), COUNTED)
def test_counts_of_any_size_have_an_outcome(rule: str, sent: dict[str, Any]) -> None:
    metric = rule.removeprefix("metric: ").partition(",")[0]
    found = outcomes(rule, m(metric, **sent))
    assert Outcome.ERROR not in found


def test_small_samples_of_every_form_do_not_pass() -> None:
    for rule, sent in (
        ("metric: psi, max: 0.1", {"table": ((1, 0), (0, 1))}),
        ("metric: kappa, min: 0.5", {"table": ((2, 0), (0, 2))}),
        ("metric: pearson, min: 0.5", {"value": 1.0, "n": 3}),
        (EVENTS, {"count": 0, "exposure": 1.0}),
    ):
        metric = rule.removeprefix("metric: ").partition(",")[0]
        assert Outcome.PASS not in outcomes(rule, m(metric, **sent))


@pytest.mark.parametrize("looks", ["single", "planned(2)", "anytime, n_plan: 1000"])
def test_a_mean_that_is_its_limit_but_for_noise_is_open(looks: str) -> None:
    rules = policy("metric: relevance, min: 4", header=f"defaults: {{looks: {looks}}}")
    for value in (4.0, 4.0 - 1e-15, 4.0 + 1e-15):
        found = only(judge(rules, m("relevance", value=value, stderr=0.1, n=200)))
        assert found.outcome is Outcome.INCONCLUSIVE, found.message


@pytest.mark.parametrize("looks", ["single", "planned(2)", "anytime, n_plan: 1000"])
def test_a_share_of_a_mean_far_below_its_error_has_an_outcome(looks: str) -> None:
    rules = policy(
        "metric: relevance, versus_baseline: {max_drop_percent: 5}",
        header=f"defaults: {{looks: {looks}}}",
    )
    for value, stderr in ((1e-300, 1e292), (5e-324, 1e299), (-1e-300, 1e290)):
        one = m("relevance", value=value, stderr=stderr, n=BIG - 1)
        for base in (m("relevance", value=-5.0, stderr=1e-8, n=BIG - 1), one):
            found = only(judge(rules, one, baseline=[base]))
            assert found.outcome is Outcome.INCONCLUSIVE, found.message


NO_CONFIDENCE = [0.0, 5e-324, 1e-13, 1 - 1e-13, 1 - 2**-53, 1.0, -0.5, 95.0]


@pytest.mark.parametrize("confidence", NO_CONFIDENCE)
@pytest.mark.parametrize("metric", MARGINS)
def test_an_interval_without_a_sensible_confidence_is_impossible(
    metric: str, confidence: float
) -> None:
    numbers = {"value": 0.9, "n": 500, "stderr": 0.01, "ci": (0.8, 0.95)}
    sent = m(metric, **numbers, confidence=confidence, unit=UNITS.get(metric))
    sound = replace(sent, confidence=0.95)
    with pytest.raises(ImpossibleEvidence, match="a confidence cannot be") as refused:
        judge(RULES[metric], sent)
    assert refused.value.pointer == "/measurements/0/confidence"
    with pytest.raises(ImpossibleEvidence, match="a confidence cannot be") as refused:
        judge(MARGINS[metric], sound, baseline=[sent])
    assert refused.value.pointer == "/baseline/measurements/0/confidence"
    assert outcomes(RULES[metric], sound)


@pytest.mark.parametrize("confidence", [2.1e-12, 1e-9, 1 - 1e-9, 1 - 2.1e-12])
@pytest.mark.parametrize("metric", MARGINS)
def test_a_confidence_that_is_hardly_one_has_an_outcome(metric: str, confidence: float) -> None:
    for stderr in (None, 5e-324, 0.01):
        for ci in ((0.8, 1.0), (0.9 - 1e-16, 0.9 + 2e-16), (-1e299, 1e299)):
            sent = m(
                metric,
                value=0.9,
                n=500,
                stderr=stderr,
                ci=ci,
                confidence=confidence,
                unit=UNITS.get(metric),
            )
            assert Outcome.ERROR not in outcomes(RULES[metric], sent)
            assert Outcome.ERROR not in outcomes(MARGINS[metric], sent, sent)
