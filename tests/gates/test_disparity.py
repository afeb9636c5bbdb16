"""The disparity rule: groups against each other or a reference, by ratio and by gap."""

from typing import Any

import numpy as np
import pytest

from gates.evidence import Measurement
from gates.finding import Finding
from gates.problems import PolicyError
from gates.statistics.binomial import Rate
from gates.statistics.difference import RateDifference
from gates.statistics.disparity import Least, Size, largest
from gates.statistics.ratio_of_rates import RateRatio
from tests.gates.build import judge, m, policy

FIFTHS = "disparity: selection_rate, groups: [sex], min_ratio: 0.8, min_samples: 200"


def rate(count: int, n: int, **slice_: str) -> Measurement:
    return m("selection_rate", count=count, n=n, slice=slice_)


def found(rule: str, *sent: Measurement, **rest: Any) -> dict[str, Finding]:
    decision = judge(rule, *sent, **rest)
    return {",".join(f"{k}={v}" for k, v in f.slice): f for f in decision.findings}


def test_four_fifths_is_shown_missed_or_open() -> None:
    shown = found(FIFTHS, rate(500, 1000, sex="f"), rate(500, 1000, sex="m"))
    assert {f.outcome.value for f in shown.values()} == {"pass"}
    missed = found(FIFTHS, rate(300, 1000, sex="f"), rate(500, 1000, sex="m"))
    assert missed["sex=f"].outcome.value == "fail"
    assert missed["sex=m"].outcome.value == "pass"
    assert missed["sex=f"].observed is not None
    assert missed["sex=f"].observed.value == pytest.approx(0.6)
    open_ = found(FIFTHS, rate(84, 200, sex="f"), rate(100, 200, sex="m"))
    assert open_["sex=f"].outcome.value == "inconclusive"


def test_the_sentence_names_both_groups() -> None:
    missed = found(FIFTHS, rate(300, 1000, sex="f"), rate(500, 1000, sex="m"))["sex=f"]
    assert "sex=m" in missed.message
    assert "30.0% against 50.0%" in missed.message
    assert "at least 0.8" in missed.message


def test_a_small_group_cannot_pass() -> None:
    small = found(FIFTHS, rate(100, 150, sex="f"), rate(500, 1000, sex="m"))
    assert small["sex=f"].outcome.value == "inconclusive"
    assert small["sex=f"].reason == "too_few_samples"


def test_one_group_alone_is_missing() -> None:
    assert found(FIFTHS, rate(500, 1000, sex="f"))["sex=f"].outcome.value == "missing"
    named = FIFTHS + ", reference: f"
    assert found(named, rate(500, 1000, sex="f"))["sex=f"].outcome.value == "missing"


def test_required_groups_must_be_there() -> None:
    rule = FIFTHS + ", require: {sex: [f, m, x]}"
    seen = found(rule, rate(500, 1000, sex="f"), rate(500, 1000, sex="m"))
    assert seen["sex=x"].outcome.value == "missing"


def test_a_named_reference_is_not_judged_itself() -> None:
    rule = FIFTHS + ", reference: m"
    seen = found(rule, rate(300, 1000, sex="f"), rate(500, 1000, sex="m"))
    assert list(seen) == ["sex=f"]
    gone = found(FIFTHS + ", reference: other", rate(3, 1000, sex="f"), rate(5, 1000, sex="m"))
    assert {f.outcome.value for f in gone.values()} == {"missing"}


def test_crossed_groups_are_compared_with_all_others() -> None:
    rule = "disparity: selection_rate, groups: [sex, age], crossed: true, min_ratio: 0.8"
    cells = [
        rate(900, 2000, sex="f", age="old"),
        rate(1000, 2000, sex="f", age="young"),
        rate(1000, 2000, sex="m", age="old"),
        rate(1000, 2000, sex="m", age="young"),
    ]
    seen = found(rule, *cells, rate(1, 4000, sex="f"))
    assert len(seen) == 4
    assert {f.outcome.value for f in seen.values()} == {"pass"}
    plain = found("disparity: selection_rate, groups: [sex, age], min_ratio: 0.8", *cells)
    assert {f.outcome.value for f in plain.values()} == {"missing"}


def test_gaps_of_either_sign() -> None:
    rule = "disparity: recall, groups: [sex], reference: m, max_gap: 0.1"
    sent = [m("recall", count=850, n=1000, slice={"sex": s}) for s in "fm"]
    assert found(rule, *sent)["sex=f"].outcome.value == "pass"
    for count in (600, 990):
        other = m("recall", count=count, n=1000, slice={"sex": "f"})
        base = m("recall", count=800, n=1000, slice={"sex": "m"})
        assert found(rule, other, base)["sex=f"].outcome.value == "fail"


def test_gaps_of_means_and_to_the_highest() -> None:
    rule = "disparity: faithfulness, groups: [language], max_gap: 0.1"
    scores = tuple(0.7 + (i % 5) / 20 for i in range(500))
    worse = tuple(score - 0.3 for score in scores)
    sent = [
        m("faithfulness", scores=s, slice={"language": x})
        for s, x in ((scores, "en"), (scores, "de"), (worse, "fr"))
    ]
    seen = found(rule, *sent)
    assert seen["language=en"].outcome.value == "pass"
    assert seen["language=fr"].outcome.value == "fail"


def test_nobody_selected_anywhere_is_inconclusive() -> None:
    seen = found(FIFTHS, rate(0, 1000, sex="f"), rate(0, 1000, sex="m"))
    assert {f.reason for f in seen.values()} == {"relative_to_zero"}


@pytest.mark.parametrize(
    "rule",
    [
        "disparity: selection_rate, groups: [sex]",
        "disparity: selection_rate, groups: [sex], min_ratio: 0.8, max_gap: 0.1",
        "disparity: selection_rate, groups: [sex, age], reference: f, min_ratio: 0.8",
        "disparity: selection_rate, groups: [sex], by: [sex], min_ratio: 0.8",
        "disparity: latency_p95, groups: [sex], max_gap: 0.1",
        "disparity: faithfulness, groups: [sex], min_ratio: 0.8",
        "disparity: selection_rate, metric: accuracy, groups: [sex], min_ratio: 0.8",
        "disparity: selection_rate, groups: [sex], min_ratio: 1.2",
        "disparity: selection_rate, groups: [sex], min_ratio: 0.8, require: {age: [old]}",
    ],
)
def test_contradictions_do_not_load(rule: str) -> None:
    with pytest.raises(PolicyError):
        policy(rule)


def test_false_passes_and_fails_at_the_limit() -> None:
    dice = np.random.default_rng(11)
    passed = failed = 0
    for _ in range(600):
        rates = [Rate(int(x), int(x), 400) for x in dice.binomial(400, [0.4, 0.5, 0.5, 0.5])]
        known = Least(tuple(RateRatio(rates[0], other) for other in rates[1:]))
        passed += known.lower(0.05, errors=False) >= 0.8
        failed += known.upper(0.05, errors=False) <= 0.8
    assert passed <= 42  # at most 30 expected of 600, 5.3 to a standard deviation
    assert failed <= 46


@pytest.mark.parametrize("counts", [(50, 60), (0, 90), (90, 90), (100, 0)])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("limit", [0.0, 0.05, 0.3])
def test_sizes_and_largest_keep_their_duals(
    counts: tuple[int, int], alpha: float, limit: float
) -> None:
    one, two = (Rate(x, x, 100) for x in counts)
    apart = RateDifference(one, two)
    for known in (Size(apart), largest([apart, RateDifference(two, one)])):
        low, high = known.lower(alpha, errors=False), known.upper(alpha, errors=False)
        assert low <= known.value <= high
        assert (low > limit) == (known.p_above(limit) <= alpha) or abs(low - limit) < 1e-9
        assert (high < limit) == (known.p_below(limit) <= alpha) or abs(high - limit) < 1e-9
