"""`strict: true`: only bounds that keep their level for every n and every distribution.

It exchanges an approximate estimate for one with a guarantee, or says what that would take; it
never lets an approximate one through.
"""

from gates.evidence import Measurement
from gates.ladder.screening import Range, Unsettled, clusters_of
from gates.statistics.betting import BettingMean, by_digest
from gates.statistics.chernoff import ChernoffMean
from gates.statistics.estimate import Estimate


def guaranteed(
    known: Estimate | Unsettled, m: Measurement, kind: str, bounds: Range | None
) -> Estimate | Unsettled:
    """The estimate if it is exact, else the betting test, else Chernoff's bound."""
    if isinstance(known, Unsettled) or not known.approximate:
        return known
    fits = kind in {"proportion", "mean"} and not (m.labels or m.denominators)
    if not fits or bounds is None or clusters_of(m) is not None:
        return Unsettled("no_uncertainty", _why(kind, m))
    if m.scores is not None:
        if m.ids is None:
            detail = "`strict` bets on scores in the order of their ids; send `ids`"
            return Unsettled("no_uncertainty", detail)
        return BettingMean(by_digest(m.scores, m.ids), *bounds, m.n_errored)
    if m.value is None or m.n is None:
        return Unsettled("no_uncertainty", "`strict` needs scores with `ids`, or `n` and a range")
    return ChernoffMean(m.value, m.n, *bounds, m.n_errored)


def _why(kind: str, m: Measurement) -> str:
    """What bars a guarantee, and what would serve instead."""
    if clusters_of(m) is not None:
        return (
            "`strict` needs independent examples, and these share clusters or ids; send one score "
            "for each cluster, or leave `strict` out"
        )
    if kind == "ratio" or m.labels or m.denominators:
        return (
            "`strict` has no bound for a ratio or a statistic of labels; ask for a rate or a mean "
            "with a `range`, or leave `strict` out"
        )
    return (
        "`strict` bounds a mean only where its scores have an end: declare `range`, ask for a "
        "quantile, or leave `strict` out"
    )
