"""Weighted Holm: against statsmodels, in any order, with ties and NaN."""

from math import nan
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from gates.statistics.multiplicity import benjamini_hochberg, holm, holm_by_bounds

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


# Benjamini and Hochberg (1995), section 4.1: fifteen p-values of a thrombolysis trial, sorted.
THROMBOLYSIS = (
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0),
)


def test_benjamini_hochberg_1995_section_4_1() -> None:
    """Four are rejected at .05 (p_(4) = .0095 <= 4/15 x .05 = .013); Bonferroni rejects three."""
    answers = benjamini_hochberg(THROMBOLYSIS, 0.05)
    assert [rejected for rejected, _ in answers] == [True] * 4 + [False] * 11
    assert answers[0][1] == pytest.approx(4 / 15 * 0.05)
    assert sum(rejected for rejected, _ in holm([(p, 1.0) for p in THROMBOLYSIS], 0.05)) == 3
    turned = benjamini_hochberg(THROMBOLYSIS[::-1], 0.05)
    assert [rejected for rejected, _ in turned] == [False] * 11 + [True] * 4


def test_a_list_of_nothing_and_of_nonsense_names_nobody() -> None:
    assert benjamini_hochberg([], 0.05) == []
    assert benjamini_hochberg([float("nan")], 0.05) == [(False, 0.05)]
    with pytest.raises(ValueError, match="alpha"):
        benjamini_hochberg([0.1], float("nan"))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 3)), max_size=12))
def test_holm_by_bounds_is_holm(pairs: list[tuple[float, float]]) -> None:
    wanted = [rejected for rejected, _ in holm(pairs, 0.05)]
    asks = [lambda level, p=p: p <= level for p, _ in pairs]
    found = holm_by_bounds(asks, [weight for _, weight in pairs], 0.05)
    assert [rejected for rejected, _ in found] == wanted


def test_holm_by_bounds_refuses_weights_that_are_none() -> None:
    with pytest.raises(ValueError, match="weight"):
        holm_by_bounds([lambda level: level > 0], [0.0], 0.05)
