"""The betting test: its level, its order, and the rule that asks for it."""

import numpy as np
import pytest

from gates.statistics.betting import BettingMean, by_digest
from tests.gates.build import judge, m, only

STARS = [0.0, 0.25, 0.5, 0.75, 1.0]
SHARES = [0.02, 0.03, 0.05, 0.2, 0.7]
TRUTH = float(np.dot(SHARES, STARS))


@pytest.mark.parametrize("n", [20, 100, 500])
def test_it_keeps_its_level(n: int) -> None:
    # statistics.md section 4: judge scores, betting: 0 / 1.9 / 3.7% at n = 20 / 100 / 500.
    dice = np.random.default_rng(n)
    above = below = 0
    for _ in range(500):
        known = BettingMean(tuple(dice.choice(STARS, size=n, p=SHARES).tolist()), 0.0, 1.0)
        above += known.p_above(TRUTH) <= 0.05
        below += known.p_below(TRUTH) <= 0.05
    assert max(above, below) <= 25  # Ville: at most 5% whatever the scores


def test_bounds_and_p_values_are_dual_and_mirrored() -> None:
    scores = tuple((i * 7 % 11) / 10 for i in range(200))
    known = BettingMean(scores, 0.0, 1.0)
    turned = BettingMean(tuple(1.0 - s for s in scores), 0.0, 1.0)
    for alpha in (0.2, 0.05, 1e-4):
        low, high = known.lower(alpha, errors=False), known.upper(alpha, errors=False)
        assert low < known.value < high
        assert known.p_above(low - 1e-6) <= alpha < known.p_above(low + 1e-6)
        assert known.p_below(high + 1e-6) <= alpha < known.p_below(high - 1e-6)
        assert turned.lower(alpha, errors=False) == pytest.approx(1.0 - high, abs=1e-9)


def test_an_error_never_helps() -> None:
    scores = (1.0,) * 150 + (0.5,) * 50
    clean, dirty = (BettingMean(scores, 0.0, 1.0, e) for e in (0, 3))
    assert dirty.lower(0.05, errors=True) < clean.lower(0.05, errors=True)
    assert dirty.lower(0.05, errors=False) == clean.lower(0.05, errors=False)


@pytest.mark.parametrize("scores", [(0.0,), (1.0,), (0.0,) * 9, (1.0,) * 9, (0.5,) * 9])
def test_extremes_have_an_answer(scores: tuple[float, ...]) -> None:
    known = BettingMean(scores, 0.0, 1.0)
    for alpha in (0.0, 1e-300, 0.5):
        assert 0.0 <= known.lower(alpha, errors=True) <= known.upper(alpha, errors=True) <= 1.0
    for limit in (-1.0, 0.0, 0.5, 1.0, 2.0):
        assert 0.0 <= known.p_above(limit) <= 1.0
        assert 0.0 <= known.p_below(limit) <= 1.0


def test_the_order_is_that_of_the_ids_digests() -> None:
    ids = ["a", "b", "c"]
    assert by_digest([1.0, 2.0, 3.0], ids) == by_digest([3.0, 1.0, 2.0], ["c", "a", "b"])


def test_a_strict_rule_bets_and_needs_ids() -> None:
    scores = (1.0,) * 280 + (0.5,) * 20
    rule = "metric: faithfulness, min: 0.9, strict: true"
    ids = tuple(f"q{i}" for i in range(300))
    strict = only(judge(rule, m("faithfulness", scores=scores, ids=ids)))
    assert strict.observed is not None
    assert strict.observed.method == "betting"
    assert not strict.observed.approximate
    assert strict.outcome.value == "pass"
    without = only(judge(rule, m("faithfulness", scores=scores)))
    assert without.reason == "no_uncertainty"
    assert "ids" in without.message


def test_strict_leaves_exact_methods_alone_and_refuses_approximate_ones() -> None:
    exact = only(judge("metric: accuracy, min: 0.8, strict: true", m("accuracy", count=95, n=100)))
    assert exact.observed is not None
    assert exact.observed.method == "clopper_pearson"
    alone = only(
        judge(
            "metric: faithfulness, min: 0.8, strict: true",
            m("faithfulness", value=0.95, stderr=0.01, n=500),
        )
    )
    assert alone.observed is not None
    assert alone.observed.method == "kl_chernoff"
    spread = {"value": 0.9, "stderr": 0.01, "n": 500}
    auc = only(judge("metric: roc_auc, min: 0.8, strict: true", m("roc_auc", **spread)))
    assert auc.outcome.value == "inconclusive"
