"""Evidence drawn from known populations, one case per estimator and kind of data.

Judge scores, costs, latencies, clustered questions and pairs are made to look like those that
gave other methods trouble in statistics.md: skewed, lumpy, near the edge of their range.
"""

from math import exp

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gates.statistics.binomial import Rate
from gates.statistics.chernoff import ChernoffMean
from gates.statistics.clustered import ClusteredMean
from gates.statistics.difference import RateDifference
from gates.statistics.mean import BoundedMean
from gates.statistics.moments import Moments, of_scores
from gates.statistics.quantile import OrderStatistic
from gates.statistics.skewed import SkewedMean
from gates.statistics.welch import MeanDifference
from tests.calibrate.model import Sampled

SMALL = (20, 50, 100, 200, 500, 1000, 2000, 5000)
LARGE = (100, 200, 500, 1000, 2000, 5000)

_STARS = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
_LENIENT = np.array([0.02, 0.02, 0.06, 0.20, 0.70])
"""A judge that gives five stars to most answers: skewed and close to the top."""
_LENIENT_MEAN = float(_STARS @ _LENIENT)
_CLUSTER = 10


def _stars(dice: Generator, n: int) -> NDArray[np.float64]:
    return dice.choice(_STARS, size=n, p=_LENIENT)


def _shares(dice: Generator, n: int) -> NDArray[np.float64]:
    """Faithfulness as Ragas writes it: most answers 1, some 0, some between; mean 0.9."""
    kind = dice.random(n)
    return np.where(kind < 0.85, 1.0, np.where(kind < 0.95, 0.5, 0.0))


def _cost(dice: Generator, n: int) -> NDArray[np.float64]:
    return dice.lognormal(0.0, 1.0, n)


def _moments(values: NDArray[np.float64]) -> Moments:
    return of_scores(values.tolist())


def _clusters(dice: Generator, n: int, rate: float, spread: float) -> tuple[tuple[float, int], ...]:
    """Documents of ten questions each, whose rates vary: intra-cluster correlation `spread`."""
    groups = n // _CLUSTER
    size = (1.0 - spread) / spread
    rates = dice.beta(rate * size, (1.0 - rate) * size, groups)
    return tuple((float(x), _CLUSTER) for x in dice.binomial(_CLUSTER, rates))


def _rate(dice: Generator, n: int, rate: float) -> Rate:
    x = int(dice.binomial(n, rate))
    return Rate(x, x, n)


CASES: tuple[Sampled, ...] = (
    Sampled(
        "judge scores",
        "1 to 5 stars, 70% of them 5",
        SMALL,
        lambda dice, n: BoundedMean(_moments(_stars(dice, n)), 1.0, 5.0),
        _LENIENT_MEAN,
    ),
    Sampled(
        "graded answers",
        "0, 0.5 or 1, mean 0.9",
        SMALL,
        lambda dice, n: BoundedMean(_moments(_shares(dice, n)), 0.0, 1.0),
        0.9,
    ),
    Sampled(
        "mean of a declared range, n alone",
        "the same, only mean and n known",
        SMALL,
        lambda dice, n: ChernoffMean(float(_shares(dice, n).mean()), n, 0.0, 1.0),
        0.9,
    ),
    Sampled(
        "cost",
        "lognormal, sigma 1",
        LARGE,
        lambda dice, n: SkewedMean(_moments(_cost(dice, n))),
        exp(0.5),
        "upper",
        ceiling=0.06,
    ),
    Sampled(
        "95% latency from every value",
        "lognormal, sigma 1",
        SMALL,
        lambda dice, n: OrderStatistic(tuple(np.sort(_cost(dice, n)).tolist()), 0.95),
        exp(1.6448536269514722),
        "upper",
    ),
    *(
        Sampled(
            f"clustered questions, rate {rate}, correlation {spread}",
            "documents of ten questions each",
            (200, 500, 1000, 2000, 5000),
            lambda dice, n, rate=rate, spread=spread: ClusteredMean(  # type: ignore[misc]  # mypy cannot infer defaults of a lambda
                _clusters(dice, n, rate, spread), 0.0, 1.0
            ),
            rate,
            ceiling=0.06,
        )
        for rate, spread in ((0.85, 0.1), (0.85, 0.3), (0.97, 0.3))
    ),
    *(
        Sampled(
            f"rate against a baseline of {base}",
            "separate samples of the same size, margin 1 point",
            SMALL,
            lambda dice, n, base=base: RateDifference(  # type: ignore[misc]  # mypy cannot infer defaults of a lambda
                _rate(dice, n, base - 0.01), _rate(dice, n, base)
            ),
            -0.01,
            ceiling=0.06,
        )
        for base in (0.7, 0.85, 0.95)
    ),
    Sampled(
        "judge scores against a baseline",
        "separate samples, 1 to 5 stars, equal truths",
        SMALL,
        lambda dice, n: MeanDifference(
            _moments(_stars(dice, n)), _moments(_stars(dice, n)), (1.0, 5.0)
        ),
        0.0,
    ),
    Sampled(
        "cost against a baseline",
        "separate samples, lognormal, sigma 1, equal truths",
        LARGE,
        lambda dice, n: MeanDifference(_moments(_cost(dice, n)), _moments(_cost(dice, n)), None),
        0.0,
        "upper",
    ),
)
