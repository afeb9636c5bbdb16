"""Bounds from a spread that a tool computed: a standard error, an interval.

It trusts them as far as they reach and no further; what an error would have done is unknown.
"""

from gates.evidence import Measurement
from gates.ladder.screening import Range, Unsettled, no_spread
from gates.statistics.estimate import Estimate
from gates.statistics.interval import SuppliedInterval, Widest
from gates.statistics.mean import StudentEstimate
from gates.statistics.skewed import MIN_SCORES


def supplied(m: Measurement, bounds: Range | None, better: str) -> Estimate | Unsettled:
    """A statistic whose spread the tool states; what an error would have done is unknown."""
    if m.value is None or m.n is None or (not m.stderr and m.ci is None):
        return no_spread(m, f"Send {better}")
    if not m.stderr:
        return interval(m, m.value, None, stretched=False) or no_spread(m, f"Send {better}")
    if m.n < MIN_SCORES:
        detail = f"A standard error of {m.metric} is trusted from {MIN_SCORES} examples on"
        return Unsettled("too_few_samples", f"{detail}; send {better}")
    student = StudentEstimate(m.value, m.stderr, m.n, m.n_errored, *(bounds or ()))
    return beside(student, m, None)


def beside(known: Estimate, m: Measurement, bounds: Range | None) -> Estimate | Unsettled:
    """An estimate from a standard error, which an interval beside it can only widen."""
    if m.ci is None or m.value is None:
        return known
    wider = interval(m, m.value, bounds, stretched=True)
    if isinstance(wider, Unsettled):
        return wider
    return known if wider is None else Widest(known, (wider,))


def interval(
    m: Measurement, value: float, bounds: Range | None, *, stretched: bool
) -> SuppliedInterval | Unsettled | None:
    """The interval that came with a measurement; None without one."""
    if m.ci is None:
        return None
    if m.n is None or m.confidence is None:
        return Unsettled("no_uncertainty", "An interval needs its `confidence` and `n` beside it")
    if m.n < 2 and not stretched:
        return Unsettled("too_few_samples", "One example has no spread; send more")
    try:
        return SuppliedInterval(
            value, m.ci, m.confidence, m.n, m.n_errored, bounds, stretched=stretched
        )
    except ValueError as error:
        return Unsettled("no_uncertainty", f"{str(error).capitalize()}; send `stderr` or scores")
