"""Sample-ratio mismatch: whether arms got the units that their shares say they should.

A split that is off by more than chance means that units were lost or doubled on the way, and then
no comparison of the arms can be trusted (Fabijan et al., KDD 2019). It refuses shares that do not
add up to something; it says nothing about why.
"""

from collections.abc import Sequence
from math import fsum

from gates.statistics import binomial
from gates.statistics.binomial import Rate
from gates.statistics.sequence_rate import SequentialRate
from gates.statistics.special import chi2_tail

DEFAULT_MIN_P = 0.001
"""GrowthBook's default: one false alarm in a thousand sound experiments."""


def p_value(units: Sequence[int], shares: Sequence[float], n_plan: float | None = None) -> float:
    """p-value of "the arms were filled in these shares".

    Two arms: exact binomial, twice the smaller tail, or with `n_plan` an e-process that holds at
    every look. More: Pearson's chi-square with one degree of freedom less than arms; with `n_plan`
    each arm against the rest by an e-process, times the number of arms (Bonferroni).

    Args:
        units: Units that were counted in each arm.
        shares: What each arm was meant to get; positive, in any scale.
        n_plan: Units in all for which sequences are tuned, where looks are anytime.

    Raises:
        ValueError: for fewer than two arms, shares that are not positive, or negative counts.
    """
    if len(units) != len(shares) or len(units) < 2 or min(units) < 0 or not min(shares) > 0.0:
        raise ValueError("a split needs two arms or more, each with a positive share")
    n, total = sum(units), fsum(shares)
    if n == 0:
        return 1.0
    if n_plan is not None:
        found = [
            _sequential(count, n, share / total, n_plan)
            for count, share in zip(units, shares, strict=True)
        ]
        return min(1.0, (1 if len(units) == 2 else len(units)) * min(found))
    if len(units) == 2:
        expected = shares[0] / total
        tails = (binomial.p_below(units[0], n, expected), binomial.p_above(units[0], n, expected))
        return min(1.0, 2.0 * min(tails))
    wanted = [n * share / total for share in shares]
    distance = fsum((k - e) ** 2 / e for k, e in zip(units, wanted, strict=True))
    return chi2_tail(distance, len(units) - 1)


def _sequential(count: int, n: int, share: float, n_plan: float) -> float:
    known = SequentialRate(Rate(count, count, n), n_plan)
    return min(1.0, 2.0 * min(known.p_below(share), known.p_above(share)))
