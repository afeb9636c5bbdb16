"""Many tests in one release: Holm's step-down procedure with weights.

Bounds the chance of any wrong rejection by alpha under every dependence. It refuses weights that
are not positive and reads a NaN p-value as 1: a broken test rejects nothing.
"""

from collections.abc import Sequence
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
    left = sorted(range(len(pairs)), key=ratios.__getitem__)
    for _, tied in groupby(list(left), key=ratios.__getitem__):
        group = list(tied)
        share = fsum(pairs[index][1] for index in left)
        levels = {index: alpha * (pairs[index][1] / share) for index in left}
        if not all(pairs[index][0] <= levels[index] for index in group):
            for index in left:
                answers[index] = (False, levels[index])
            break
        for index in group:
            answers[index] = (True, levels[index])
        left = left[len(group) :]
    return answers
