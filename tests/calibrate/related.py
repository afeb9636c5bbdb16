"""Evidence about pairs, ratios, events, areas, agreement, correlation, calibration and drift.

As in `samples`, each population is known, and the truth stands exactly at the limit.
"""

from math import asin, exp, log, pi, sqrt
from statistics import NormalDist

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gates.statistics import (
    agreement,
    auc,
    bootstrap,
    calibration,
    correlation,
    drift,
    fieller,
    paired_means,
)
from gates.statistics.binomial import Rate
from gates.statistics.bootstrap import Rows
from gates.statistics.exposure import EventRate
from gates.statistics.f1 import F1
from gates.statistics.hybrid import HybridDifference
from gates.statistics.paired_rates import PairedRates
from gates.statistics.ratio_of_rates import RateRatio
from tests.calibrate.model import Sampled

SMALL = (20, 50, 100, 200, 500, 1000, 2000, 5000)
LARGE = (100, 200, 500, 1000, 2000, 5000)
SLOW = (100, 500, 2000)

_WON, _LOST = 0.04, 0.06
_STEPS = np.array([-1.0, -0.5, 0.0, 0.5])
_STEP_SHARES = np.array([0.05, 0.1, 0.75, 0.1])
_APART = NormalDist().inv_cdf(0.85) * sqrt(2.0)
"""How far the scores of positives lie above those of negatives for an AUC of 0.85."""
_JUDGES = np.array([[0.45, 0.06, 0.02], [0.05, 0.2, 0.03], [0.01, 0.03, 0.15]])
_RHO = 0.6
_CENTRES = (np.arange(15) + 0.5) / 15
_TRUE = np.clip(_CENTRES - 0.06, 0.0, 1.0)
"""Real frequencies of a model that is overconfident by six points."""
_OLD = np.full(10, 0.1)
_NEW = np.array([0.06, 0.07, 0.08, 0.09, 0.1, 0.1, 0.11, 0.12, 0.13, 0.14])
_CLASSES = np.array([[0.52, 0.05, 0.03], [0.03, 0.2, 0.02], [0.02, 0.02, 0.11]])


def _pairs(dice: Generator, n: int) -> PairedRates:
    won, lost, right, _ = dice.multinomial(n, [_WON, _LOST, 0.8, 1.0 - _WON - _LOST - 0.8])
    return PairedRates(int(won), int(lost), int(right + won), n)


def _steps(dice: Generator, n: int) -> list[float]:
    found: list[float] = dice.choice(_STEPS, size=n, p=_STEP_SHARES).tolist()
    return found


def _clustered_steps(dice: Generator, n: int) -> tuple[list[float], list[str]]:
    """Ten questions a document; half of what a document gains or loses is its own."""
    groups = n // 10
    own = dice.choice(_STEPS, size=groups, p=_STEP_SHARES).repeat(10)
    each = dice.choice(_STEPS, size=groups * 10, p=_STEP_SHARES)
    mixed = np.where(dice.random(groups * 10) < 0.5, own, each)
    return mixed.tolist(), [str(place // 10) for place in range(groups * 10)]


def _cost_differences(dice: Generator, n: int) -> list[float]:
    """What two versions cost on one request, beyond what they share."""
    found: list[float] = (dice.lognormal(0.0, 1.0, n) - dice.lognormal(0.0, 1.0, n)).tolist()
    return found


def _cost_per_success(dice: Generator, n: int) -> fieller.RatioOfSums:
    costs, wins = dice.lognormal(0.0, 1.0, n), (dice.random(n) < 0.8).astype(float)
    return fieller.of_scores(costs.tolist(), wins.tolist())


def _labels(n: int) -> list[float]:
    return [1.0] * (n // 2) + [0.0] * (n - n // 2)


def _scored(dice: Generator, labels: list[float]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = dice.normal(size=len(labels)) + _APART * np.array(labels)
    return found


def _area(dice: Generator, n: int) -> auc.PlacementMean:
    labels = _labels(n)
    return auc.of_scores(_scored(dice, labels).tolist(), labels)


def _two_areas(dice: Generator, n: int) -> auc.PlacementMean:
    labels = _labels(n)
    common = dice.normal(size=n)
    one, two = ((common + _scored(dice, labels)).tolist() for _ in range(2))
    return auc.paired(one, two, labels)


def _table(dice: Generator, n: int, shares: NDArray[np.float64]) -> list[list[int]]:
    counts = dice.multinomial(n, shares.ravel()).reshape(shares.shape)
    return [[int(count) for count in row] for row in counts]


def _series(dice: Generator, n: int) -> tuple[list[float], list[float]]:
    one = dice.normal(size=n)
    two = _RHO * one + sqrt(1.0 - _RHO * _RHO) * dice.normal(size=n)
    return one.tolist(), two.tolist()


def _calibrated(dice: Generator, n: int) -> tuple[list[float], list[float]]:
    places = dice.integers(0, 15, n)
    labels = (dice.random(n) < _TRUE[places]).astype(float)
    return _CENTRES[places].tolist(), labels.tolist()


def _macro_f1(table: NDArray[np.float64]) -> float:
    hits = np.diag(table)
    return float(np.mean(2 * hits / (table.sum(axis=0) + table.sum(axis=1))))


def _rows(dice: Generator, n: int) -> Rows:
    cells = dice.choice(9, size=n, p=_CLASSES.ravel())
    truth, said = (cells // 3).astype(float), (cells % 3).astype(float)
    return Rows(tuple(truth.tolist()), (tuple(said.tolist()),))


def _f1(dice: Generator, n: int) -> F1:
    x = int(dice.binomial(n, 0.8))
    return F1(Rate(x, x, n))


def _shares(dice: Generator, n: int, rate: float) -> Rate:
    x = int(dice.binomial(n, rate))
    return Rate(x, x, n)


CASES: tuple[Sampled, ...] = (
    Sampled(
        "right or wrong, on the same examples",
        "4% only the candidate right, 6% only the baseline; margin 2 points",
        SMALL,
        _pairs,
        _WON - _LOST,
        ceiling=0.06,
    ),
    Sampled(
        "graded answers on the same examples",
        "differences of 0, 0.5 or 1, mean -0.05",
        SMALL,
        lambda dice, n: paired_means.of_differences(_steps(dice, n), (-1.0, 1.0)),
        float(_STEPS @ _STEP_SHARES),
        ceiling=0.06,
    ),
    Sampled(
        "graded answers on the same clustered examples",
        "documents of ten questions, half of a difference shared",
        (200, 500, 1000, 2000, 5000),
        lambda dice, n: paired_means.of_clusters(*_clustered_steps(dice, n), (-1.0, 1.0)),
        float(_STEPS @ _STEP_SHARES),
        ceiling=0.06,
    ),
    Sampled(
        "cost on the same requests",
        "differences of lognormal costs, mean 0",
        LARGE,
        lambda dice, n: paired_means.of_differences(_cost_differences(dice, n), None),
        0.0,
        "upper",
        ceiling=0.06,
    ),
    Sampled(
        "cost per success",
        "lognormal costs, 80% succeed",
        LARGE,
        _cost_per_success,
        exp(0.5) / 0.8,
        "upper",
        ceiling=0.06,
    ),
    Sampled(
        "incidents per hour",
        "Poisson, 0.02 an hour, n hours",
        LARGE,
        lambda dice, n: EventRate(int(dice.poisson(0.02 * n)), float(n)),
        0.02,
        "upper",
    ),
    Sampled(
        "four-fifths rule",
        "rates 0.4 and 0.5, separate samples of the same size",
        SMALL,
        lambda dice, n: RateRatio(_shares(dice, n, 0.4), _shares(dice, n, 0.5)),
        0.8,
        ceiling=0.07,
    ),
    Sampled("area under the ROC curve", "two normals, AUC 0.85", LARGE, _area, 0.85, ceiling=0.06),
    Sampled(
        "difference of two areas",
        "two correlated scores of one AUC on the same examples",
        LARGE,
        _two_areas,
        0.0,
        ceiling=0.06,
    ),
    Sampled(
        "kappa",
        "two judges, three classes",
        LARGE,
        lambda dice, n: agreement.of_table(_table(dice, n, _JUDGES)),
        agreement.kappa(_JUDGES.tolist())[0],
        ceiling=0.06,
    ),
    Sampled(
        "Pearson's correlation",
        "bivariate normal, 0.6",
        SMALL,
        lambda dice, n: correlation.of_pairs(*_series(dice, n), ranks=False),
        _RHO,
        ceiling=0.06,
    ),
    Sampled(
        "Spearman's correlation",
        "the same, by ranks",
        SMALL,
        lambda dice, n: correlation.of_pairs(*_series(dice, n), ranks=True),
        6.0 / pi * asin(_RHO / 2.0),
        ceiling=0.07,
    ),
    Sampled(
        "expected calibration error",
        "overconfident by six points, 15 bins",
        LARGE,
        lambda dice, n: calibration.of_scores(*_calibrated(dice, n)),
        float(np.abs(_CENTRES - _TRUE).mean()),
        "upper",
        ceiling=0.06,
    ),
    Sampled(
        "population stability index",
        "ten bins, a real shift, two samples of the same size",
        LARGE,
        lambda dice, n: drift.of_counts(
            dice.multinomial(n, _OLD).tolist(), dice.multinomial(n, _NEW).tolist()
        ),
        float(sum((q - p) * log(q / p) for p, q in zip(_OLD, _NEW, strict=True))),
        "upper",
        ceiling=0.06,
    ),
    Sampled(
        "F1 against a baseline",
        "separate samples, equal truths",
        SMALL,
        lambda dice, n: HybridDifference(_f1(dice, n), _f1(dice, n)),
        0.0,
        ceiling=0.06,
    ),
    Sampled(
        "macro-F1 by the bootstrap",
        "three classes, one of them rare",
        SLOW,
        lambda dice, n: bootstrap.of_rows("macro_f1", _rows(dice, n)),
        _macro_f1(_CLASSES),
        ceiling=0.06,
    ),
)
