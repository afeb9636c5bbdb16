"""Every estimator by name: what it is built from, where it comes from, what it claims.

For whoever enumerates or simulates them all (`make calibrate`, the benchmark): the data are theirs,
bounds and p-values are the estimate's. It decides nothing; gates.ladder picks an estimator.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gates.statistics import (
    agreement,
    auc,
    betting,
    bootstrap,
    calibration,
    clustered,
    correlation,
    drift,
    fieller,
    moments,
    paired_means,
    paired_rates,
)
from gates.statistics.arrays import ordered
from gates.statistics.binomial import Rate, from_value
from gates.statistics.chernoff import ChernoffMean
from gates.statistics.difference import RateDifference
from gates.statistics.exposure import EventRate
from gates.statistics.f1 import F1
from gates.statistics.hybrid import HybridDifference
from gates.statistics.mean import BoundedMean, StudentEstimate
from gates.statistics.quantile import OrderStatistic, from_exceed
from gates.statistics.ratio_of_rates import RateRatio
from gates.statistics.skewed import SkewedMean
from gates.statistics.welch import MeanDifference

Claim = Literal["exact", "approximate"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One estimator: `build(*takes)` gives an Estimate; `source` is in its module's docstring."""

    build: Callable[..., Any]
    takes: tuple[str, ...]
    claim: Claim
    source: str


def _count(successes: int, n: int) -> Rate:
    return Rate(successes, successes, n)


def _bounded(scores: Any, low: float, high: float) -> BoundedMean:
    return BoundedMean(moments.of_scores(tuple(scores)), low, high)


def _welch(one: Any, two: Any, low: float, high: float) -> MeanDifference:
    return MeanDifference(moments.of_scores(tuple(one)), moments.of_scores(tuple(two)), (low, high))


_SCORES = ("scores",)
_RANGE = ("low", "high")
_TWO_COUNTS = ("successes 1", "n 1", "successes 0", "n 0")
_LABELLED = ("scores", "labels")

ESTIMATORS: Mapping[str, Entry] = {
    "rate": Entry(_count, ("successes", "n"), "exact", "Clopper and Pearson 1934"),
    "rate_from_value": Entry(from_value, ("value", "n"), "exact", "Clopper and Pearson 1934"),
    "count_over_limit": Entry(
        lambda over, n: from_exceed(over, n, 0), ("over", "n"), "exact", "Clopper and Pearson 1934"
    ),
    "f1_from_counts": Entry(
        lambda hits, either: F1(_count(hits, either)), ("TP", "TP + FP + FN"), "exact", "binomial"
    ),
    "events": Entry(EventRate, ("events", "exposure"), "exact", "Garwood 1936"),
    "quantile": Entry(
        lambda values, q: OrderStatistic(ordered(values), q),
        ("values", "q"),
        "exact",
        "David and Nagaraja 2003, 7.1",
    ),
    "mean_by_betting": Entry(
        lambda scores, low, high: betting.BettingMean(tuple(scores), low, high),
        (*_SCORES, *_RANGE),
        "exact",
        "Waudby-Smith and Ramdas 2024",
    ),
    "mean_of_range": Entry(
        ChernoffMean, ("value", "n", *_RANGE), "exact", "Hoeffding 1963, theorem 1"
    ),
    "bounded_mean": Entry(
        _bounded, (*_SCORES, *_RANGE), "approximate", "Student 1908, pseudo-score"
    ),
    "unbounded_mean": Entry(
        lambda scores: SkewedMean(moments.of_scores(tuple(scores))),
        _SCORES,
        "approximate",
        "Hall 1992",
    ),
    "stated_stderr": Entry(
        StudentEstimate, ("value", "stderr", "n"), "approximate", "Student 1908"
    ),
    "clustered_mean": Entry(
        clustered.of_scores, (*_SCORES, "clusters", *_RANGE), "approximate", "statistics.md, 4"
    ),
    "ratio_of_sums": Entry(
        fieller.of_scores, ("numerators", "denominators"), "approximate", "Fieller 1954, Hall 1992"
    ),
    "auc": Entry(auc.of_scores, _LABELLED, "approximate", "DeLong et al. 1988"),
    "kappa": Entry(agreement.of_table, ("table",), "approximate", "Fleiss et al. 1969"),
    "correlation": Entry(
        lambda one, two: correlation.of_pairs(one, two, ranks=False),
        ("series 1", "series 0"),
        "approximate",
        "Fisher 1921",
    ),
    "rank_correlation": Entry(
        lambda one, two: correlation.of_pairs(one, two, ranks=True),
        ("series 1", "series 0"),
        "approximate",
        "Bonett and Wright 2000",
    ),
    "calibration_error": Entry(
        calibration.of_scores, _LABELLED, "approximate", "Naeini et al. 2015"
    ),
    "stability_index": Entry(
        drift.of_counts, ("reference", "current"), "approximate", "Yurdakul and Naranjo 2020"
    ),
    "of_labels": Entry(
        lambda name, labels, scores: bootstrap.of_rows(
            name, bootstrap.Rows(tuple(labels), (tuple(scores),))
        ),
        ("metric", "labels", "scores"),
        "approximate",
        "Efron 1987",
    ),
    "rate_difference": Entry(
        lambda x1, n1, x0, n0: RateDifference(_count(x1, n1), _count(x0, n0)),
        _TWO_COUNTS,
        "approximate",
        "Miettinen and Nurminen 1985",
    ),
    "rate_ratio": Entry(
        lambda x1, n1, x0, n0: RateRatio(_count(x1, n1), _count(x0, n0)),
        _TWO_COUNTS,
        "approximate",
        "Koopman 1984",
    ),
    "mean_difference": Entry(
        _welch, ("scores 1", "scores 0", *_RANGE), "approximate", "Welch 1947, pseudo-scores"
    ),
    "separate_difference": Entry(
        HybridDifference, ("estimate 1", "estimate 0", "factor"), "approximate", "Zou, Donner 2008"
    ),
    "paired_rates": Entry(
        paired_rates.of_scores, ("scores 1", "scores 0"), "approximate", "Tango 1998"
    ),
    "paired_means": Entry(
        lambda apart, low, high: paired_means.of_differences(apart, (low, high)),
        ("differences", *_RANGE),
        "approximate",
        "Student 1908, pseudo-difference",
    ),
    "paired_clusters": Entry(
        lambda apart, clusters, low, high: paired_means.of_clusters(apart, clusters, (low, high)),
        ("differences", "clusters", *_RANGE),
        "approximate",
        "statistics.md, 4",
    ),
    "paired_auc": Entry(
        auc.paired, ("scores 1", "scores 0", "labels"), "approximate", "DeLong et al. 1988"
    ),
}
"""Name -> estimator. Bounds: `.lower(alpha, errors=False)`, `.upper(…)`; tests: `.p_above(T)`."""
