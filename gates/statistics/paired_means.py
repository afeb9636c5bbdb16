"""The difference of two means on the same examples: a one-sample test on the differences.

Bounded: Student's t on the differences plus one worst pseudo-difference (statistics.md,
correction 6). Unbounded: Hall's t, which refuses fewer than a hundred differences and ones that
are all equal. Where examples share a cluster, or one question was asked several times: the t
test over clusters (correction 4).
"""

from collections.abc import Sequence
from dataclasses import replace

from gates.statistics import clustered, moments
from gates.statistics.clustered import ClusteredMean
from gates.statistics.mean import BoundedMean
from gates.statistics.moments import Moments
from gates.statistics.skewed import SkewedMean


def of_differences(
    differences: Sequence[float], ends: tuple[float, float] | None, n_errored: int = 0
) -> BoundedMean | SkewedMean:
    """The mean of candidate - baseline over examples.

    Args:
        differences: One per example.
        ends: What each difference lies in; None where the scores have no range.
        n_errored: Examples on which either errored: the worst difference.

    Raises:
        ValueError: without a range, for fewer than a hundred differences or equal ones.
    """
    known = moments.of_scores(differences)
    if ends is None:
        return SkewedMean(known, n_errored, method="paired_hall_t")
    return BoundedMean(known, *ends, n_errored, method="paired_t")


def of_clusters(
    differences: Sequence[float],
    clusters: Sequence[str],
    ends: tuple[float, float],
    n_errored: int = 0,
) -> ClusteredMean:
    """The mean of candidate - baseline over examples that come in clusters."""
    known = clustered.of_scores(differences, clusters, *ends, n_errored)
    return replace(known, method="paired_clustered_t")


def gain(one: Moments, two: Moments, differences: Moments) -> float | None:
    """How many times as many separate examples would tell as much; None without spread."""
    if differences.variance <= 0.0:
        return None
    return (one.variance + two.variance) / differences.variance
