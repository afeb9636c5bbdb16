"""Many tests in one release: Holm's step-down procedure with weights; Benjamini-Hochberg for lists.

Bounds the chance of any wrong rejection by alpha under every dependence. It refuses weights that
are not positive and reads a NaN p-value as 1: a broken test rejects nothing.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from math import fsum, isfinite, isnan


def holm(hypotheses: Sequence[tuple[float, float]], alpha: float) -> list[tuple[bool, float]]:
    """Reject or keep each hypothesis; the answers stand in the order of the input.

    Ascending by p / w, reject while p <= alpha w / W, where W is the weight not yet rejected
    (Holm, Scand. J. Statist. 6, 1979, section 5). Ties in p / w are judged together, so the order
    of the input changes nothing.

    Args:
        hypotheses: (p-value, weight) pairs; weights are positive and finite.
        alpha: The chance of any wrong rejection.

    Returns:
        (rejected, level) per hypothesis: the level at which it was, or in the end could not be,
        rejected.

    Raises:
        ValueError: for a weight that is not positive and finite, or a NaN alpha.
    """
    if isnan(alpha):
        raise ValueError("alpha is not a number")
    if not all(weight > 0 and isfinite(weight) for _, weight in hypotheses):
        raise ValueError("a hypothesis needs a positive weight")
    pairs = [(1.0 if isnan(p) else p, weight) for p, weight in hypotheses]
    ratios = [p / weight for p, weight in pairs]
    answers: list[tuple[bool, float]] = [(False, 0.0)] * len(pairs)
    order = sorted(range(len(pairs)), key=ratios.__getitem__)
    weights = [pairs[index][1] for index in order]
    done = 0
    for _, tied in groupby(order, key=ratios.__getitem__):
        group = list(tied)
        share = fsum(weights[done:])
        if not all(pairs[index][0] <= alpha * (pairs[index][1] / share) for index in group):
            for index in order[done:]:
                answers[index] = (False, alpha * (pairs[index][1] / share))
            break
        for index in group:
            answers[index] = (True, alpha * (pairs[index][1] / share))
        done += len(group)
    return answers


def holm_by_bounds(
    shown: Sequence[Callable[[float], bool]], weights: Sequence[float], alpha: float
) -> list[tuple[bool, float]]:
    """Holm's procedure where only "is it shown at this level?" can be asked, not a p-value.

    `shown[i](level)` must hold at every larger level once it holds. Each round asks all that are
    left at their share of alpha; what is shown leaves its share to the others. The answers are
    those of `holm` for p = the least level at which it is shown.

    Raises:
        ValueError: for a weight that is not positive and finite.
    """
    if not all(weight > 0 and isfinite(weight) for weight in weights):
        raise ValueError("a hypothesis needs a positive weight")
    answers: list[tuple[bool, float]] = [(False, 0.0)] * len(shown)
    left = list(range(len(shown)))
    while left:
        share = fsum(weights[index] for index in left)
        levels = {index: alpha * (weights[index] / share) for index in left}
        found = [index for index in left if shown[index](levels[index])]
        for index in left:
            answers[index] = (index in found, levels[index])
        if not found:
            break
        left = [index for index in left if index not in found]
    return answers


def benjamini_hochberg(ps: Sequence[float], alpha: float) -> list[tuple[bool, float]]:
    """Reject or keep each hypothesis so that on average at most a share alpha is named wrongly.

    The k smallest p-values for the largest k with p_(k) <= k alpha / m (Benjamini and Hochberg,
    J. R. Statist. Soc. B 57, 1995), valid under independence and positive dependence. For lists
    that advise; it does not bound the chance of any wrong name.

    Returns:
        (rejected, level) per hypothesis; the level is k alpha / m, or alpha / m where k is 0.

    Raises:
        ValueError: for a NaN alpha.
    """
    if isnan(alpha):
        raise ValueError("alpha is not a number")
    ordered = sorted(1.0 if isnan(p) else p for p in ps)
    m = len(ordered)
    k = max((i for i, p in enumerate(ordered, 1) if p <= i * alpha / m), default=0)
    level = max(1, k) * alpha / m if m else alpha
    return [(k > 0 and p <= level, level) for p in ps]
