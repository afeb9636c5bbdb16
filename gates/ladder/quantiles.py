"""Quantiles from values, from counts over the limit, from other quantiles of the same series."""

from collections.abc import Sequence
from math import isclose

from gates.evidence import ImpossibleEvidence, Measurement
from gates.ladder.screening import Unsettled, clusters_of, impossible, no_spread
from gates.ladder.supplied import interval
from gates.statistics.arrays import ordered
from gates.statistics.binomial import Rate
from gates.statistics.estimate import Estimate, Side
from gates.statistics.quantile import OrderStatistic, from_exceed, from_order

ASK = "Ask for the number of requests over the limit (`exceed`), or for every value (`scores`)"


def quantile_of(
    m: Measurement, q: float, limit: float, side: Side, related: Sequence[Measurement]
) -> Estimate | Unsettled:
    """The estimate of a quantile, or of the share of values within its limit."""
    if clusters_of(m) is not None:
        return Unsettled("no_uncertainty", "Quantiles of clustered values are not estimated")
    if m.scores is not None:
        return OrderStatistic(ordered(m.scores), q, m.n_errored)
    if m.exceed is not None:
        if m.n is None:
            return Unsettled("no_uncertainty", "A count over a limit needs `n` beside it")
        if not isclose(m.exceed.limit, limit, rel_tol=1e-9):
            detail = f"Requests over {m.exceed.limit:g} were counted; the limit is {limit:g}. {ASK}"
            return Unsettled("exceed_limit_mismatch", detail)
        if not 0 <= m.exceed.count <= m.n:
            impossible(m, f"{m.exceed.count} of {m.n} over the limit is no count")
        return from_exceed(m.exceed.count, m.n, m.n_errored)
    if m.quantile == q and m.value is not None and m.ci is not None and m.n is not None:
        return interval(m, m.value, None, stretched=False) or no_spread(m, ASK)
    return _order(m, q, limit, side, related) or no_spread(m, ASK)


def _order(
    m: Measurement, q: float, limit: float, side: Side, related: Sequence[Measurement]
) -> Rate | None:
    """What quantiles of one series, all of the same n and none off a histogram, say together."""
    rows = [
        (row.quantile, row.value)
        for row in (m, *related)
        if row.quantile is not None
        and row.value is not None
        and row.n == m.n
        and row.n_errored == m.n_errored
        and not row.bucketed
    ]
    if m.n is None:
        return None
    try:
        return from_order(rows, q, limit, side, m.n, m.n_errored)
    except ValueError as error:
        raise ImpossibleEvidence(
            "impossible-value", "/measurements", f"{m.metric}: {error}"
        ) from None
