"""The evidence ladder for one measurement: from what was sent to the sharpest estimate it supports.

It takes what was sent for what it is (statistics.md section 3, policy.md section 3) and refuses to
invent the spread that was not sent: then it says what to send instead.
"""

from collections.abc import Sequence
from math import isfinite

from gates.evidence import Measurement
from gates.ladder.labelled import per_example, range_of
from gates.ladder.means import mean, proportion
from gates.ladder.quantiles import quantile_of
from gates.ladder.ratios import ratio
from gates.ladder.screening import (
    UNIT,
    Range,
    Unsettled,
    finite,
    refuse_impossible,
    sample_size,
    unsettled_by,
)
from gates.statistics.binomial import Rate
from gates.statistics.estimate import Estimate, Side
from gates.statistics.exposure import EventRate


def estimate(
    m: Measurement,
    *,
    kind: str,
    value_range: Range | None,
    quantile: float | None,
    limit: float,
    side: Side,
    related: Sequence[Measurement] = (),
) -> Estimate | Unsettled:
    """The estimate behind a measurement.

    Args:
        m: The measurement, in the rule's unit.
        kind: The metric's kind (gates.catalogue.metric).
        value_range: What each score lies in, where declared.
        quantile: The q that the rule asks for, for kind "quantile".
        limit: The rule's limit; an `exceed` count must be about the same.
        side: The side that must clear it.
        related: Other quantiles of the same series.

    Returns:
        An Estimate of the metric, or with `scale` "share_within_limit" of the share of values
        within `limit`; Unsettled where the evidence carries no uncertainty.

    Raises:
        ImpossibleEvidence: for values that no sample can have.
        ValueError: for an unknown kind, or kind "quantile" without a quantile.
    """
    if kind == "proportion" and (counted := _counted(m)) is not None:
        return counted
    return _estimate(m, kind, value_range, quantile, (limit, side, related))


def _estimate(
    m: Measurement,
    kind: str,
    value_range: Range | None,
    quantile: float | None,
    asked: tuple[float, Side, Sequence[Measurement]],
) -> Estimate | Unsettled:
    if not _is_finite(m):
        return Unsettled("not_a_number", f"{m.metric} was reported, but not as a finite number")
    value_range = range_of(m, value_range)
    m = per_example(m)
    refuse_impossible(m, UNIT if kind == "proportion" else finite(value_range), kind)
    if sample_size(m) == 0:
        return Unsettled("no_samples", f"{m.metric} was measured on no example")
    if kind in {"proportion", "mean"} and (m.labels is not None or m.denominators is not None):
        kind = "ratio"
    match kind:
        case "proportion":
            return proportion(m)
        case "mean":
            return mean(m, finite(value_range))
        case "ratio":
            return ratio(m, finite(value_range))
        case "quantile" if quantile is not None:
            return quantile_of(m, quantile, *asked)
        case "count":
            return _count(m)
        case "point":
            detail = f"{m.metric} is one number without a sample; compare it with `mode: exact`"
            return Unsettled("no_uncertainty", detail)
        case _:
            raise ValueError(f"no estimator for {kind} at quantile {quantile}")


def _counted(m: Measurement) -> Rate | None:
    """The commonest evidence at a glance: a count of n and nothing beside it."""
    if m.count is None or m.n is None or m.value is not None or m.scores is not None:
        return None
    if m.stderr is not None or m.ci is not None or m.confidence is not None:
        return None
    if m.labels is not None or m.denominators is not None or m.table is not None:
        return None
    if not 0 <= m.count <= m.n or m.n == 0 or m.n_errored < 0:
        return None
    return Rate(m.count, m.count, m.n, m.n_errored)


def _count(m: Measurement) -> Estimate | Unsettled:
    if m.count is not None and m.exposure is not None:
        try:
            return EventRate(m.count, m.exposure, m.n_errored)
        except ValueError as error:
            return unsettled_by(error)
    detail = "A count needs its `exposure`, or `max_count` with `rate_below` or `min_samples`"
    return Unsettled("no_uncertainty", detail)


def _is_finite(m: Measurement) -> bool:
    """Whether every number of a measurement is one; a sum finds any that is not."""
    if m.value is not None and not isfinite(m.value):
        return False
    for row in (m.scores, m.labels, m.denominators):
        if row is not None and not (isfinite(sum(row)) or all(map(isfinite, row))):
            return False
    return True
