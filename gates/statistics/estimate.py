"""What every estimator offers to the rules, whatever it was computed from.

An estimate knows one unknown quantity theta from one sample. All bounds are one-sided; `alpha` is
the chance that the bound lies on the wrong side of theta.
"""

from typing import Literal, Protocol

Side = Literal["lower", "upper"]


class Estimate(Protocol):
    """One quantity known from one sample.

    `errors=True` counts every errored example against the claim that the bound supports: as the
    worst low value for a lower bound, as the worst high value for an upper bound. A pass is
    judged with errors, a fail without.
    """

    @property
    def value(self) -> float:
        """The point estimate, in the metric's unit."""

    @property
    def n(self) -> int | None:
        """Scored examples (the method's own denominator)."""

    @property
    def count(self) -> int | None:
        """Successes of `n` where the quantity is a share; None elsewhere."""

    @property
    def method(self) -> str:
        """The estimator's name in snake_case, e.g. `clopper_pearson`."""

    @property
    def approximate(self) -> bool:
        """True where the error rate is asymptotic or simulated instead of guaranteed."""

    def lower(self, alpha: float, *, errors: bool) -> float:
        """Lower bound with error probability `alpha`; -inf where nothing can be said."""

    def upper(self, alpha: float, *, errors: bool) -> float:
        """Upper bound with error probability `alpha`; +inf where nothing can be said."""

    def p_below(self, limit: float) -> float:
        """p-value of H0 "theta >= limit" from scored examples: small means shown to be below.

        Dual to `upper(alpha, errors=False) <= limit` up to rounding.
        """

    def p_above(self, limit: float) -> float:
        """p-value of H0 "theta <= limit" from scored examples: small means shown to be above."""

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """Examples in all for an 80% chance that the bound on `side` clears `limit`.

        Assumes the truth is what was seen; None where no realistic sample (1,000,000) would do,
        in particular where the estimate itself is on the wrong side.
        """
