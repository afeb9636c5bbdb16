"""The short way of a plain count (gates.rules.counted) answers as the general way does."""

from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.decision import Decision, decide
from gates.evidence import Measurement, Source
from gates.history import History
from gates.rules.counted import Counted
from tests.gates.build import AT, m, policy, submission

SIDES = st.sampled_from(
    ["min: 0.5", "min: 0.85", "min: 0.999", "max: 0.02", "max: 0.15", "min: 0.6, max: 0.95"]
)
BESIDE = st.sampled_from(
    [
        *[""] * 6,
        ", confidence: 0.99",
        ", min_samples: 50",
        ", max_error_share: 0.1",
        ", mode: guard, notice: 0.05",
        ", strict: true",
        ", needs: n_errored",
        ", on_fail: advise",
        ", on_fail: escalate",
        ", unit: fraction",
    ]
)
KINDS = st.sampled_from(["kind: proportion", "kind: mean, range: [0, 1]", "kind: mean"])
LOOKS = ("single", "planned(2)", "planned(4)")


@st.composite
def counts(draw: st.DrawFn, slices: int) -> list[Measurement]:
    found = []
    for number in range(slices):
        n = draw(st.sampled_from([1, 2, 3, 20, 61, 200, 431, 5000, 10**6]))
        near = round(n * draw(st.sampled_from([0.0, 0.015, 0.02, 0.15, 0.5, 0.85, 0.9, 1.0])))
        more: dict[str, Any] = draw(
            st.sampled_from(
                [
                    *[{}] * 8,
                    {"n_errored": 1},
                    {"errors_stated": True},
                    {"unit": "fraction"},
                    {"unit": "percent"},
                    {"task": "faq"},
                    {"source": Source(tool="lm-eval", dataset_digest="sha256:ab", file_digest="f")},
                    {"incomplete": "the run was limited"},
                ]
            )
        )
        count = min(n, max(0, near + draw(st.integers(-3, 3))))
        where = {"lang": f"l{number}"} if slices > 1 else {}
        found.append(m("agreement", count=count, n=n, slice=where, **more))
    return found


def _generally(*given: Any) -> Decision:
    with patch.object(Counted, "of", return_value=None):
        return decide(*given)


@given(st.data())
def test_both_ways_lead_to_the_same_bytes(data: st.DataObject) -> None:
    slices = data.draw(st.sampled_from([1, 1, 4]))
    by = ", by: [lang]" if slices > 1 else ""
    rules = [
        f"metric: agreement, {side}{by}{data.draw(BESIDE)}, {data.draw(KINDS)}, id: r{number}, "
        f"direction: {'lower' if side.startswith('max') else 'higher'}"
        for number, side in enumerate(data.draw(st.lists(SIDES, min_size=1, max_size=3)))
    ]
    asked = policy(*rules, header=f"defaults: {{looks: {data.draw(st.sampled_from(LOOKS))}}}")
    history = History()
    for _ in range(2):  # the second look is the general way's, whichever way the first one went
        sent = submission(*data.draw(counts(slices)))
        plain, general = (
            decide(asked, sent, history, (), AT),
            _generally(asked, sent, history, (), AT),
        )
        assert plain == general
        assert plain.digest == general.digest
        history = History(looks=plain.looks)


@pytest.mark.parametrize(("count", "n"), [(190, 200), (172, 200), (120, 200)])
def test_a_plain_count_takes_the_short_way(count: int, n: int) -> None:
    asked = policy("metric: accuracy, min: 0.85")
    sent = submission(m("accuracy", count=count, n=n))
    with patch("gates.rules.threshold.tested_claim", side_effect=AssertionError):
        found = decide(asked, sent, History(), (), AT)
    assert found.findings[0].observed is not None
    with patch("gates.rules.counted.Counted.claim", side_effect=AssertionError):
        assert found == _generally(asked, sent, History(), (), AT)
