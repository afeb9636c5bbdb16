"""Evidence behind strict rules, disparities and distributions, and skewed costs at their worst.

As in `samples`, each population is known, and the truth stands exactly at the limit. A sample that
the gate refuses for its skewness neither passes nor fails, as there.
"""

from math import exp, inf

import numpy as np
from numpy.random import Generator

from gates.statistics import fieller, moments
from gates.statistics.betting import BettingMean
from gates.statistics.binomial import Rate
from gates.statistics.difference import RateDifference
from gates.statistics.disparity import Least, Size
from gates.statistics.estimate import Estimate
from gates.statistics.mean import StudentEstimate
from gates.statistics.rank_shift import RankShift
from gates.statistics.ratio_of_rates import RateRatio
from gates.statistics.skewed import SkewedMean, needed
from tests.calibrate.model import Sampled

LARGE = (100, 200, 500, 1000, 2000, 5000)
SLOW = (20, 100, 500, 2000)
RANKED = (20, 50, 100, 200)
_STARS = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
_LENIENT = np.array([0.02, 0.02, 0.06, 0.20, 0.70])
_APART = np.array([-1.0, -0.5, 0.0, 0.5])
_APART_SHARES = np.array([0.05, 0.1, 0.75, 0.1])
_SIGMA = 1.5
_GAP = 0.05
_TOLERANCE = 0.25


def _rate(dice: Generator, n: int, rate: float) -> Rate:
    x = int(dice.binomial(n, rate))
    return Rate(x, x, n)


def _bets(dice: Generator, n: int) -> BettingMean:
    return BettingMean(tuple(dice.choice(_STARS, size=n, p=_LENIENT).tolist()), 1.0, 5.0)


def _four_fifths(dice: Generator, n: int) -> Estimate:
    """A group selected at 0.8 of the rate of one group, and a little more of another's."""
    group = _rate(dice, n, 0.4)
    return Least(tuple(RateRatio(group, _rate(dice, n, rate)) for rate in (0.5, 0.48)))


def _costs(dice: Generator, n: int, sigma: float = _SIGMA) -> list[float]:
    found: list[float] = dice.lognormal(0.0, sigma, n).tolist()
    return found


def _unless_skewed(known: Estimate, skewness: float, n: int) -> Estimate:
    """The estimate, or one that says nothing where the ladder refuses it."""
    return known if n >= needed(skewness) else StudentEstimate(known.value, inf, n)


def _cost(dice: Generator, n: int, sigma: float) -> Estimate:
    seen = moments.of_scores(_costs(dice, n, sigma))
    return _unless_skewed(SkewedMean(seen), seen.skewness, n)


def _per_success(dice: Generator, n: int) -> Estimate:
    known = fieller.of_scores(_costs(dice, n), (dice.random(n) < 0.8).astype(float).tolist())
    return _unless_skewed(known, known.skewness, known.size)


def _steps(dice: Generator, n: int) -> BettingMean:
    return BettingMean(tuple(dice.choice(_APART, size=n, p=_APART_SHARES).tolist()), -1.0, 1.0)


def _shifted(dice: Generator, n: int) -> RankShift:
    """Latencies exactly as much longer as is tolerated."""
    one = np.sort(dice.lognormal(0.0, 0.6, n) * (1.0 + _TOLERANCE))
    return RankShift(
        tuple(one.tolist()), tuple(np.sort(dice.lognormal(0.0, 0.6, n)).tolist()), _TOLERANCE
    )


CASES: tuple[Sampled, ...] = (
    Sampled(
        "judge scores, strict",
        "1 to 5 stars, 70% of them 5; the betting test",
        SLOW,
        _bets,
        float(_STARS @ _LENIENT),
    ),
    Sampled(
        "four-fifths rule over three groups",
        "ratios to both others, one exactly at 0.8",
        LARGE,
        _four_fifths,
        0.8,
        ceiling=0.06,
    ),
    Sampled(
        "gap between groups",
        "two one-sided tests, the gap exactly at 5 points",
        LARGE,
        lambda dice, n: Size(RateDifference(_rate(dice, n, 0.85), _rate(dice, n, 0.85 - _GAP))),
        _GAP,
        "upper",
        ceiling=0.06,
    ),
    Sampled(
        "distribution (Mann-Whitney)",
        "lognormal latencies, 25% longer where 25% is tolerated",
        RANKED,
        _shifted,
        0.0,
        "upper",
        ceiling=0.06,
    ),
    Sampled(
        "graded answers on the same examples, strict",
        "differences of 0, 0.5 or 1, mean -0.05; the betting test",
        SLOW,
        _steps,
        float(_APART @ _APART_SHARES),
    ),
    Sampled(
        "cost, very skewed",
        "lognormal, sigma 1.5; what is too skewed for its size is refused",
        LARGE,
        lambda dice, n: _cost(dice, n, _SIGMA),
        exp(_SIGMA * _SIGMA / 2.0),
        "upper",
        ceiling=0.06,
    ),
    Sampled(
        "cost, as skewed as it gets",
        "lognormal, sigma 2; what is too skewed for its size is refused",
        LARGE,
        lambda dice, n: _cost(dice, n, 2.0),
        exp(2.0),
        "upper",
        ceiling=0.08,
    ),
    Sampled(
        "cost per success, very skewed",
        "costs of sigma 1.5, 80% successes; refused likewise",
        LARGE,
        _per_success,
        exp(_SIGMA * _SIGMA / 2.0) / 0.8,
        "upper",
        ceiling=0.07,
    ),
)
