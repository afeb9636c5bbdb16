"""Evidence of candidates whose truth is known, for whole decisions."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gates.evidence import Measurement, SliceKey, Submission
from tests.gates.build import submission

Floats = NDArray[np.float64]


def count(dice: Generator, metric: str, rate: float, n: int, slice_: SliceKey = ()) -> Measurement:
    return Measurement(metric, count=int(dice.binomial(n, rate)), n=n, slice=slice_)


def scores(metric: str, values: Floats, **fields: object) -> Measurement:
    return Measurement.stated({"metric": metric, "scores": tuple(values.tolist()), **fields})


def beta(dice: Generator, mean: float, sd: float, ends: tuple[float, float], n: int) -> Floats:
    """Scores in a range with a given mean and spread."""
    width = ends[1] - ends[0]
    m, s = (mean - ends[0]) / width, sd / width
    k = m * (1.0 - m) / (s * s) - 1.0
    return ends[0] + width * dice.beta(m * k, (1.0 - m) * k, n)


def judged(dice: Generator, n: int) -> Measurement:
    """Judge scores from 1 to 5 about 4 that vary by 1."""
    return scores("relevance", beta(dice, 4.0, 1.0, (1, 5), n))


def lognormal(dice: Generator, mean: float, share: float, n: int) -> Floats:
    """Values whose standard deviation is `share` of their mean."""
    sigma = np.sqrt(np.log1p(share * share))
    return dice.lognormal(np.log(mean) - sigma * sigma / 2.0, sigma, n)


def against(one: Measurement, two: Measurement) -> Submission:
    return submission(one, baseline=[two])


def two_latencies(dice: Generator, n: int) -> Submission:
    """Times about a second that vary by half of that, the same on both sides."""
    one, two = (scores("latency", lognormal(dice, 1.0, 0.5, n), unit="s") for _ in range(2))
    return against(one, two)


def ids(n: int) -> tuple[str, ...]:
    return tuple(f"e{i}" for i in range(n))


def paired_rates(dice: Generator, n: int) -> Submission:
    """Two systems right 85 times in 100 that differ on one example in ten."""
    kind = dice.choice(4, n, p=(0.05, 0.05, 0.80, 0.10))
    sides = [np.isin(kind, rights).astype(float) for rights in ((0, 2), (1, 2))]
    one, two = (scores("accuracy", side, ids=ids(n)) for side in sides)
    return against(one, two)


def paired_scores(dice: Generator, n: int) -> Submission:
    """Judge scores about 3 that vary by 1 and correlate by a half."""
    shared, own, other = (dice.normal(0.0, np.sqrt(0.5), n) for _ in range(3))
    one, two = (
        scores("relevance", np.clip(3.0 + shared + mine, 1.0, 5.0), ids=ids(n))
        for mine in (own, other)
    )
    return against(one, two)


def separate_rates(dice: Generator, n: int) -> Submission:
    """Right 85% of the time, on other examples on either side."""
    return against(count(dice, "accuracy", 0.85, n), count(dice, "accuracy", 0.85, n))


def separate_scores(dice: Generator, n: int) -> Submission:
    """Judge scores about 3 that vary by 1, of other examples on either side."""
    names = ids(2 * n)
    one, two = (
        scores("relevance", beta(dice, 3.0, 1.0, (1, 5), n), ids=part)
        for part in (names[:n], names[n:])
    )
    return against(one, two)


def labelled(dice: Generator, n: int, area: float) -> Measurement:
    """Binormal scores with a given area under the curve, half of them positive."""
    from scipy.special import ndtri

    half = n // 2
    apart = float(ndtri(area)) * np.sqrt(2.0)
    values = np.concatenate([dice.normal(apart, 1.0, half), dice.normal(0.0, 1.0, n - half)])
    labels = (1.0,) * half + (0.0,) * (n - half)
    return scores("roc_auc", values, labels=labels)


def paired_auc(dice: Generator, n: int) -> Submission:
    """Two scorers of the same examples with area .8 whose placements correlate by about a half."""
    from scipy.special import ndtri

    half = n // 2
    apart = float(ndtri(0.8)) * np.sqrt(2.0)
    shift = np.concatenate([np.full(half, apart), np.zeros(n - half)])
    shared = dice.normal(0.0, np.sqrt(0.5), n)
    labels = (1.0,) * half + (0.0,) * (n - half)
    one, two = (
        scores(
            "roc_auc",
            shift + shared + dice.normal(0.0, np.sqrt(0.5), n),
            labels=labels,
            ids=ids(n),
        )
        for _ in range(2)
    )
    return against(one, two)


def kappa(dice: Generator, n: int, value: float) -> Measurement:
    agreed = (1.0 + value) / 2.0
    cells = dice.multinomial(n, (agreed / 2, (1 - agreed) / 2, (1 - agreed) / 2, agreed / 2))
    a, b, c, d = (int(cell) for cell in cells)
    return Measurement("kappa", table=((a, b), (c, d)))


def series(dice: Generator, n: int, value: float) -> Measurement:
    one = dice.normal(0.0, 1.0, n)
    two = value * one + np.sqrt(1.0 - value * value) * dice.normal(0.0, 1.0, n)
    return scores("pearson", one, labels=tuple(two.tolist()))


def groups(dice: Generator, metric: str, rate: float, n: int, groups: str) -> Submission:
    return submission(
        *(count(dice, metric, rate, n, (("sex", group),)) for group in groups.split())
    )


def ratio(dice: Generator, n: int) -> Measurement:
    """Costs per success: a cost of 1 each, success in 80 of 100."""
    costs = lognormal(dice, 1.0, 0.5, n)
    wins = dice.binomial(1, 0.8, n).astype(float)
    return scores("cost_per_success", costs, denominators=tuple(wins.tolist()), unit="USD")


def experiment(dice: Generator, n: int) -> Submission:
    """An arm that gains twice what is asked, at an unchanged cost."""
    one = [
        count(dice, "task_completion", 0.24, n),
        scores("cost_per_task", lognormal(dice, 1.0, 0.5, n), unit="USD"),
    ]
    two = [
        count(dice, "task_completion", 0.20, n),
        scores("cost_per_task", lognormal(dice, 1.0, 0.5, n), unit="USD"),
    ]
    return submission(*one, baseline=two)


def clustered(dice: Generator, rate: float, n: int) -> Measurement:
    """Right or wrong on documents of ten questions each, which correlate by 0.2."""
    each = 10
    documents = -(-n // each)
    k = 1.0 / 0.2 - 1.0  # the correlation of a beta-binomial is 1 / (a + b + 1)
    rates = np.repeat(dice.beta(rate * k, (1.0 - rate) * k, documents), each)[:n]
    right = (dice.random(n) < rates).astype(float)
    names = tuple(f"d{i // each}" for i in range(n))
    return scores("accuracy", right, clusters=names)
