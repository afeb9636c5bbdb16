"""F1 from counts: J = TP / (TP + FP + FN) is binomial given its denominator, and F1 = 2J / (1 + J).

Bounds of J map to bounds of F1 because the map increases (statistics.md section 4). It refuses
nothing; F1 without these counts is not its business.
"""

from dataclasses import dataclass

from gates.statistics.estimate import Estimate, Side


@dataclass(frozen=True, slots=True)
class F1:
    """F1 through the rate J; implements Estimate. An error is one more false positive or negative.

    `count` is TP and `n` is TP + FP + FN.
    """

    jaccard: Estimate
    method: str = "clopper_pearson_f1"
    approximate: bool = False

    @property
    def value(self) -> float:
        """2J / (1 + J)."""
        return _to_f1(self.jaccard.value)

    @property
    def n(self) -> int | None:
        """TP + FP + FN."""
        return self.jaccard.n

    @property
    def count(self) -> int | None:
        """TP."""
        return self.jaccard.count

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The mapped lower bound of J."""
        return _to_f1(self.jaccard.lower(alpha, errors=errors))

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The mapped upper bound of J."""
        return _to_f1(self.jaccard.upper(alpha, errors=errors))

    def p_below(self, limit: float) -> float:
        """That of J at the limit mapped back."""
        return self.jaccard.p_below(_to_jaccard(limit))

    def p_above(self, limit: float) -> float:
        """That of J at the limit mapped back."""
        return self.jaccard.p_above(_to_jaccard(limit))

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """TP + FP + FN in all."""
        return self.jaccard.samples_to_settle(_to_jaccard(limit), side, alpha)


def _to_f1(jaccard: float) -> float:
    return 2.0 * jaccard / (1.0 + jaccard)


def _to_jaccard(f1: float) -> float:
    """F1 / (2 - F1), increasing up to F1 = 2; beyond what F1 can be, the limit itself."""
    return f1 / (2.0 - f1) if f1 <= 1.0 else f1
