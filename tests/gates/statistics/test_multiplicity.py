"""Weighted Holm: against statsmodels, in any order, with ties and NaN."""

from math import nan
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from gates.statistics.multiplicity import holm

p_values = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.02])), max_size=12)


@settings(deadline=None, max_examples=25)  # statsmodels takes 50 ms
@given(p_values.filter(bool), st.sampled_from([0.05, 0.01, 0.5]))
def test_equal_weights_are_plain_holm(ps: list[float], alpha: float) -> None:
    expected = multipletests(ps, alpha, method="holm")[0]
    got = [rejected for rejected, _ in holm([(p, 1.0) for p in ps], alpha)]
    near = any(abs(p * k - alpha) < 1e-12 for p in ps for k in range(1, len(ps) + 1))
    assert near or got == list(expected)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from([1.0, 0.5, 1 / 3, 0.25])), max_size=10),
    st.integers(0, 10**6),
)
def test_order_changes_nothing(pairs: list[tuple[float, float]], seed: int) -> None:
    order = list(range(len(pairs)))
    Random(seed).shuffle(order)
    answers = holm(pairs, 0.05)
    assert holm([pairs[i] for i in order], 0.05) == [answers[i] for i in order]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.01, 1)), min_size=1, max_size=10))
def test_levels_agree_with_answers(pairs: list[tuple[float, float]]) -> None:
    for (p, weight), (rejected, level) in zip(pairs, holm(pairs, 0.05), strict=True):
        assert rejected == (p <= level)
        assert 0.05 * weight / sum(w for _, w in pairs) <= level * (1 + 1e-12)
        assert level <= 0.05


def test_levels_grow_as_weight_is_spent() -> None:
    answers = holm([(0.04, 1), (0.001, 1), (0.02, 1)], 0.05)
    assert [rejected for rejected, _ in answers] == [True, True, True]
    assert [level for _, level in answers] == pytest.approx([0.05, 0.05 / 3, 0.025])


def test_what_is_kept_shows_the_level_it_missed() -> None:
    answers = holm([(0.001, 0.5), (0.3, 0.25), (0.9, 0.25)], 0.05)
    assert [rejected for rejected, _ in answers] == [True, False, False]
    assert [level for _, level in answers] == pytest.approx([0.025, 0.025, 0.025])


def test_a_rule_alone_has_the_whole_alpha() -> None:
    assert holm([(0.05, 1 / 3)], 0.05) == [(True, 0.05)]
    assert holm([], 0.05) == []


def test_nan_rejects_nothing_and_keeps_its_weight() -> None:
    answers = holm([(nan, 1.0), (0.03, 1.0)], 0.05)
    assert answers == [(False, 0.025), (False, 0.025)]


@pytest.mark.parametrize("weight", [0.0, -1.0, nan, float("inf")])
def test_a_weight_must_be_positive(weight: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        holm([(0.01, weight)], 0.05)


def test_alpha_must_be_a_number() -> None:
    with pytest.raises(ValueError, match="alpha"):
        holm([(0.01, 1.0)], nan)
