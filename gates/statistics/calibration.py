"""Expected calibration error over 15 equal bins, honest about its bias in small samples.

Naeini, Cooper and Hauskrecht, AAAI 2015. The binned error of a sample is too large on average,
also for a perfect model (.088 at n = 100): for an upper bound that errs on the safe side; for a
lower bound each bin gives up sqrt(2 / pi) standard errors, the most that chance adds to it. What it
estimates is the binned error; it refuses scores that are no probabilities.
"""

from collections.abc import Sequence
from math import fsum, pi, sqrt

from gates.statistics.pivot import Pivot

BINS = 15


def of_scores(
    scores: Sequence[float], labels: Sequence[float], n_errored: int = 0, bins: int = BINS
) -> Pivot:
    """The expected calibration error of probabilities whose outcomes are `labels` (1 and 0).

    Raises:
        ValueError: for fewer than two scores, scores outside 0 to 1, or other labels.
    """
    if not set(labels) <= {0.0, 1.0} or len(labels) != len(scores):
        raise ValueError("calibration needs one label, 0 or 1, for each score")
    if not all(0.0 <= score <= 1.0 for score in scores):
        raise ValueError("calibration needs probabilities, from 0 to 1")
    n = len(scores)
    grouped: dict[int, list[tuple[float, float]]] = {}
    for score, label in zip(scores, labels, strict=True):
        # A bin holds its upper end, as in the paper: (0, 1/15], (1/15, 2/15], ...
        place = min(bins - 1, max(0, -int(-score * bins // 1) - 1))
        grouped.setdefault(place, []).append((score, label))
    value = chance = variance = squares = 0.0
    for group in grouped.values():
        size = len(group)
        gap = abs(fsum(label - score for score, label in group)) / size
        share = (fsum(label for _, label in group) + 1.0) / (size + 2.0)
        noise = share * (1.0 - share) / size
        weight = size / n
        value += weight * gap
        squares += weight * gap * gap
        chance += weight * sqrt(2.0 / pi * noise)
        variance += weight * weight * noise
    stderr = sqrt(variance + max(0.0, squares - value * value) / n)
    low = (max(0.0, value - chance), stderr)
    return Pivot(value, n, low, (value, stderr), 0.0, 1.0, "binned_ece", n_errored)


def expected_of_perfect(scores: Sequence[float], bins: int = BINS) -> float:
    """The error that perfectly calibrated probabilities of this sample would show on average."""
    n = len(scores)
    grouped: dict[int, list[float]] = {}
    for score in scores:
        place = min(bins - 1, max(0, -int(-score * bins // 1) - 1))
        grouped.setdefault(place, []).append(score * (1.0 - score))
    return fsum(sqrt(2.0 / pi * fsum(group)) for group in grouped.values()) / n
