"""A million scores: the fast ways give what the plain ones do, and order changes nothing."""

from dataclasses import replace

import numpy as np
import pytest

from gates.evidence import Measurement
from gates.rules.looks import fingerprints, inputs_digest
from gates.rules.packing import LONG
from gates.rules.selection import within
from gates.statistics import moments
from gates.statistics.arrays import LARGE
from tests.gates.build import judge, m, only

DICE = np.random.default_rng(5)
SCORES = tuple(DICE.random(LARGE + 500).tolist())
IDS = tuple(f"q{i}" for i in range(len(SCORES)))


def test_moments_of_many_are_those_of_few() -> None:
    many = moments.of_scores(SCORES)
    values = np.array(SCORES)
    assert many.mean == pytest.approx(values.mean(), rel=1e-14)
    assert many.variance == pytest.approx(values.var(ddof=1), rel=1e-12)
    shape = ((values - values.mean()) ** 3).mean() / values.std() ** 3
    assert many.skewness == pytest.approx(shape, rel=1e-9)
    huge = moments.of_scores(tuple(score * 1e300 for score in SCORES))
    assert huge.mean == pytest.approx(many.mean * 1e300)


def test_a_long_series_is_one_look_in_any_order() -> None:
    assert len(SCORES) >= LONG
    sent = Measurement("accuracy", scores=SCORES, ids=IDS)
    turned = replace(sent, scores=SCORES[::-1], ids=IDS[::-1])
    other = replace(sent, scores=(SCORES[1], SCORES[0], *SCORES[2:]))
    assert inputs_digest([sent]) == inputs_digest([turned])
    assert inputs_digest([sent]) != inputs_digest([other])
    without = replace(sent, ids=None)
    assert inputs_digest([without]) != inputs_digest([replace(without, scores=SCORES[::-1])])
    labelled = replace(sent, labels=(1.0,) * len(SCORES))
    assert inputs_digest([labelled]) != inputs_digest([sent])


def test_repeated_ids_are_one_look_in_any_order() -> None:
    ids = tuple(f"q{i % 100}" for i in range(len(SCORES)))
    sent = Measurement("accuracy", scores=SCORES, ids=ids)
    turned = replace(sent, scores=SCORES[::-1], ids=ids[::-1])
    assert inputs_digest([sent]) == inputs_digest([turned])


@pytest.mark.parametrize("wrong", [19, 20])
def test_series_that_hardly_vary_name_nobody(wrong: int) -> None:
    scores = (0.0,) * wrong + (1.0,) * 5000
    for given in (scores, scores[::-1]):
        assert bool(fingerprints(Measurement("accuracy", scores=given))) is (wrong >= 20)


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -0.1, 1.1])
def test_one_odd_score_is_found(odd: float) -> None:
    assert not within((0.5, odd, 0.5), 0.0, 1.0)
    assert within((1e308, 1e308, -1e308), -1.7e308, 1.7e308)


def test_large_pairs_are_judged_as_small_ones() -> None:
    first = tuple(float(x) for x in DICE.random(6000) < 0.9)
    second = tuple(float(x) for x in DICE.random(6000) < 0.9)
    ids = tuple(f"q{i}" for i in range(6000))
    rule = "metric: accuracy, versus_baseline: {max_drop: 0.03}"
    found = only(
        judge(
            rule,
            m("accuracy", scores=first, ids=ids),
            baseline=[m("accuracy", scores=second, ids=ids)],
        )
    )
    assert found.observed is not None
    assert found.observed.method == "tango"
    assert found.observed.value == pytest.approx((sum(first) - sum(second)) / 6000)
