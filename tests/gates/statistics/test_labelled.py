"""Statistics of labelled examples against scikit-learn, statsmodels, scipy and their own theory."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics
from statsmodels.stats.inter_rater import cohens_kappa

from gates.ladder import Unsettled, estimate
from gates.statistics import agreement, auc, bootstrap, calibration, correlation, labelled
from gates.statistics.bootstrap import Rows
from gates.statistics.estimate import Estimate
from tests.gates.build import judge, m, only

DICE = np.random.default_rng(20261126)
TRUTH = tuple(float(x) for x in DICE.random(600) < 0.4)
SCORES = tuple((DICE.normal(size=600) + np.array(TRUTH)).round(2).tolist())
GUESSES = tuple(float(x) for x in (np.array(SCORES) > 0.5))
CLASSES = tuple(DICE.integers(0, 4, size=600).astype(float).tolist())
SAID = tuple(np.where(DICE.random(600) < 0.7, CLASSES, DICE.integers(0, 4, size=600)).tolist())


def on(metric: str, kind: str, **sent: object) -> Estimate:
    found = estimate(
        m(metric, **sent), kind=kind, value_range=None, quantile=None, limit=0.0, side="lower"
    )
    assert not isinstance(found, Unsettled), found
    return found


def test_auc_is_scikit_learns_and_its_variance_delongs() -> None:
    known = auc.of_scores(SCORES, TRUTH)
    assert known.value == pytest.approx(metrics.roc_auc_score(TRUTH, SCORES), abs=1e-12)
    # DeLong's variance by definition, pair by pair.
    one = [s for s, y in zip(SCORES, TRUTH, strict=True) if y]
    two = [s for s, y in zip(SCORES, TRUTH, strict=True) if not y]
    wins = np.array([[(a > b) + 0.5 * (a == b) for b in two] for a in one])
    first, second = wins.mean(axis=1).var(ddof=1), wins.mean(axis=0).var(ddof=1)
    assert known.variance == pytest.approx(first / len(one) + second / len(two), rel=1e-9)


def test_a_paired_auc_difference_is_narrower_than_two() -> None:
    noisy = tuple(s + 0.1 * (i % 3) for i, s in enumerate(SCORES))
    known = auc.paired(SCORES, noisy, TRUTH)
    apart = auc.of_scores(SCORES, TRUTH).variance + auc.of_scores(noisy, TRUTH).variance
    assert known.variance < apart / 20
    assert known.value == pytest.approx(
        metrics.roc_auc_score(TRUTH, SCORES) - metrics.roc_auc_score(TRUTH, noisy), abs=1e-12
    )


def test_perfect_separation_proves_no_more_than_its_sample() -> None:
    perfect = auc.of_scores([1.0] * 60 + [0.0] * 60, [1.0] * 60 + [0.0] * 60)
    assert perfect.value == 1.0
    assert 0.9 < perfect.lower(0.05, errors=False) < 0.97


def test_kappa_and_its_error_are_statsmodels() -> None:
    table = agreement.table_of(CLASSES, SAID)
    theirs = cohens_kappa(np.array(table))
    value, stderr = agreement.kappa(table)
    assert value == pytest.approx(theirs.kappa, abs=1e-12)
    assert stderr == pytest.approx(theirs.std_kappa, rel=1e-9)


def test_kappa_of_fleiss_cohen_and_everitt() -> None:
    # Fleiss, Statistical Methods for Rates and Proportions (1981), table 13.1: kappa .68, SE .087.
    value, stderr = agreement.kappa([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    assert value == pytest.approx(0.68, abs=0.005)
    assert stderr == pytest.approx(0.087, abs=0.001)


@pytest.mark.parametrize("ranks", [False, True])
def test_correlations_are_scipys(ranks: bool) -> None:
    known = correlation.of_pairs(SCORES, CLASSES, ranks=ranks)
    theirs: Any = stats.spearmanr(SCORES, CLASSES) if ranks else stats.pearsonr(SCORES, CLASSES)
    assert known.value == pytest.approx(theirs.statistic, abs=1e-12)
    if not ranks:
        interval = theirs.confidence_interval(0.9)
        assert known.lower(0.05, errors=False) == pytest.approx(interval.low, rel=1e-6)
        assert known.upper(0.05, errors=False) == pytest.approx(interval.high, rel=1e-6)


def test_a_perfectly_calibrated_model_is_not_failed_for_its_sample_size() -> None:
    # statistics.md section 4: 15 bins show .088 on average at n = 100 without any error.
    dice = np.random.default_rng(7)
    seen, failed, expected = [], 0, []
    for _ in range(200):
        scores = dice.random(100)
        labels = (dice.random(100) < scores).astype(float)
        known = calibration.of_scores(scores.tolist(), labels.tolist())
        seen.append(known.value)
        expected.append(calibration.expected_of_perfect(scores.tolist()))
        failed += known.p_above(0.02) <= 0.05
    assert np.mean(seen) == pytest.approx(0.13, abs=0.05)
    assert np.mean(expected) == pytest.approx(np.mean(seen), rel=0.15)
    assert failed <= 12


def test_large_samples_prove_calibration() -> None:
    dice = np.random.default_rng(8)
    scores = dice.random(20_000)
    labels = (dice.random(20_000) < scores).astype(float)
    known = calibration.of_scores(scores.tolist(), labels.tolist())
    assert known.upper(0.05, errors=False) < 0.02


@pytest.mark.parametrize(
    ("name", "theirs", "truth", "said"),
    [
        ("f1", metrics.f1_score, TRUTH, GUESSES),
        ("macro_f1", lambda y, s: metrics.f1_score(y, s, average="macro"), CLASSES, SAID),
        ("weighted_f1", lambda y, s: metrics.f1_score(y, s, average="weighted"), CLASSES, SAID),
        ("balanced_accuracy", metrics.balanced_accuracy_score, CLASSES, SAID),
        ("mcc", metrics.matthews_corrcoef, CLASSES, SAID),
        ("kappa", metrics.cohen_kappa_score, CLASSES, SAID),
        ("roc_auc", metrics.roc_auc_score, TRUTH, SCORES),
        ("pr_auc", metrics.average_precision_score, TRUTH, SCORES),
        ("rmse", metrics.root_mean_squared_error, CLASSES, SAID),
        ("r2", metrics.r2_score, CLASSES, SAID),
        ("pearson", lambda y, s: stats.pearsonr(y, s).statistic, CLASSES, SAID),
    ],
)
def test_statistics_are_scikit_learns(
    name: str, theirs: object, truth: object, said: object
) -> None:
    every = {**labelled.OF_CLASSES, **labelled.OF_RANKS, **labelled.OF_NUMBERS}
    y, s = np.array(truth), np.array(said)
    assert callable(theirs)
    assert every[name](np.ones((1, 600)), y, s)[0] == pytest.approx(theirs(y, s), abs=1e-12)
    doubled = every[name](np.full((1, 600), 2.0), y, s)[0]
    assert doubled == pytest.approx(theirs(y, s), abs=1e-12)


def test_the_bootstrap_is_close_to_scipys_and_always_the_same() -> None:
    known = bootstrap.of_rows("macro_f1", Rows(CLASSES, (SAID,)))
    again = bootstrap.of_rows("macro_f1", Rows(CLASSES[::-1], (SAID[::-1],)))
    assert known == again

    def macro(at: np.ndarray) -> float:
        at = at.astype(int)
        found = metrics.f1_score(np.array(CLASSES)[at], np.array(SAID)[at], average="macro")
        return float(found)

    theirs = stats.bootstrap(
        (np.arange(600),), macro, vectorized=False, n_resamples=400, confidence_level=0.9, rng=1
    ).confidence_interval
    assert known.lower(0.05, errors=False) == pytest.approx(theirs.low, abs=0.012)
    assert known.upper(0.05, errors=False) == pytest.approx(theirs.high, abs=0.012)
    assert known.approximate


def test_perfect_classes_still_have_a_bound() -> None:
    known = bootstrap.of_rows("macro_f1", Rows(CLASSES[:80], (CLASSES[:80],)))
    assert known.value == 1.0
    assert known.lower(0.05, errors=False) < 0.97


def test_a_bootstrap_without_spread_is_inconclusive() -> None:
    numbers = tuple(float(i) for i in range(60))
    found = estimate(
        m("rmse", scores=numbers, labels=numbers),
        kind="ratio",
        value_range=None,
        quantile=None,
        limit=0.1,
        side="upper",
    )
    assert isinstance(found, Unsettled)


def test_what_labels_give() -> None:
    sent = {"scores": GUESSES, "labels": TRUTH}
    assert on("accuracy", "proportion", **sent).value == pytest.approx(
        metrics.accuracy_score(TRUTH, GUESSES)
    )
    assert on("precision", "proportion", **sent).value == pytest.approx(
        metrics.precision_score(TRUTH, GUESSES)
    )
    assert on("recall", "proportion", **sent).method == "clopper_pearson"
    assert on("f1", "ratio", **sent).method == "clopper_pearson_f1"
    chances = tuple(min(1.0, max(0.0, 0.5 + s / 6)) for s in SCORES)
    brier = on("brier", "mean", scores=chances, labels=TRUTH)
    assert brier.method == "t_pseudo_score"
    assert brier.value == pytest.approx(metrics.brier_score_loss(TRUTH, chances))
    assert on("mae", "mean", scores=SCORES, labels=TRUTH).method == "hall_t"
    assert on("macro_f1", "ratio", table=agreement.table_of(CLASSES, SAID)).value == pytest.approx(
        metrics.f1_score(CLASSES, SAID, average="macro")
    )
    assert on("pearson", "ratio", value=0.5, n=200).method == "fisher_z"


@pytest.mark.parametrize(
    ("metric", "method"),
    [("roc_auc", "delong_paired"), ("f1", "bca_bootstrap"), ("pr_auc", "bca_bootstrap")],
)
def test_differences_pair_where_ids_match(metric: str, method: str) -> None:
    ids = tuple(f"q{i}" for i in range(600))
    said = GUESSES if metric == "f1" else SCORES
    sent = m(metric, scores=said, labels=TRUTH, ids=ids)
    found = only(
        judge(
            f"metric: {metric}, versus_baseline: {{max_drop: 0.02}}",
            sent,
            baseline=[m(metric, scores=(*said[:590], *said[590:][::-1]), labels=TRUTH, ids=ids)],
        )
    )
    assert found.observed is not None
    assert found.observed.method == method
    assert any(flag.startswith("paired: 600") for flag in found.flags)
    assert found.candidate is not None
    assert found.candidate.value is not None


def test_other_labels_in_the_baseline_are_no_pair() -> None:
    ids = tuple(f"q{i}" for i in range(600))
    flipped = (1.0 - TRUTH[0], *TRUTH[1:])
    found = only(
        judge(
            "metric: roc_auc, versus_baseline: {max_drop: 0.1}",
            m("roc_auc", scores=SCORES, labels=TRUTH, ids=ids),
            baseline=[m("roc_auc", scores=SCORES, labels=flipped, ids=ids)],
        )
    )
    assert "not paired: the same examples have other labels in the baseline" in found.flags
    assert found.observed is not None
    assert found.observed.method == "mover"
