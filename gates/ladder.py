"""The evidence ladder: from one measurement to the sharpest estimate that it supports.

It takes what was sent for what it is (statistics.md section 3, policy.md section 3) and refuses to
invent the spread that was not sent: then it says what to send instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isclose, isfinite, sqrt

from gates.evidence import ImpossibleEvidence, Measurement
from gates.metrics import resolve
from gates.statistics import binomial, clustered, moments
from gates.statistics.binomial import Rate
from gates.statistics.chernoff import ChernoffMean
from gates.statistics.difference import RateDifference
from gates.statistics.estimate import Estimate, Side
from gates.statistics.f1 import F1
from gates.statistics.interval import SuppliedInterval, Widest
from gates.statistics.mean import BoundedMean, StudentEstimate
from gates.statistics.moments import Moments
from gates.statistics.quantile import OrderStatistic, from_exceed, from_order
from gates.statistics.separate import ScaledDifference
from gates.statistics.skewed import MIN_SCORES, SkewedMean
from gates.statistics.welch import MeanDifference

Range = tuple[float, float]
_UNIT: Range = (0.0, 1.0)
_HUGE = 1e150
_OWN_DENOMINATOR = {"precision": "TP + FP", "recall": "TP + FN"}
_AVERAGES = frozenset({"nps", "bleu", "chrf", "ter", "word_error_rate", "character_error_rate"})
"""Ratios whose per-example scores average to a value of their own meaning."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Why no bound can be computed: a reason of policy.md section 4, and what to send instead."""

    reason: str
    detail: str


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
    if any(number is not None and not isfinite(number) for number in (m.value, *(m.scores or ()))):
        return Unsettled("not_a_number", f"{m.metric} was reported, but not as a finite number")
    _refuse_impossible(m, _UNIT if kind == "proportion" else _finite(value_range), kind)
    if sample_size(m) == 0:
        return Unsettled("no_samples", f"{m.metric} was measured on no example")
    match kind:
        case "proportion":
            return _proportion(m)
        case "mean":
            return _mean(m, _finite(value_range))
        case "ratio":
            return _ratio(m, _finite(value_range))
        case "quantile" if quantile is not None:
            return _quantile(m, quantile, limit, side, related)
        case "count":
            detail = "A count has no bound here; use `max_count` with `rate_below` or `min_samples`"
            return Unsettled("no_uncertainty", detail)
        case "point":
            detail = f"{m.metric} is one number without a sample; compare it with `mode: exact`"
            return Unsettled("no_uncertainty", detail)
        case _:
            raise ValueError(f"no estimator for {kind} at quantile {quantile}")


def difference(
    candidate: Measurement,
    baseline: Measurement,
    *,
    kind: str,
    value_range: Range | None,
) -> Estimate | Unsettled:
    """The estimate of candidate - baseline from separate samples, for proportions and means.

    Miettinen-Nurminen for two counted rates, Welch for two means with a known spread, otherwise
    the separate bounds of each at half of alpha. Examples paired by id are not used as pairs.

    Raises:
        ImpossibleEvidence: for values that no sample can have.
        ValueError: for any other kind.
    """
    if kind not in {"proportion", "mean"}:
        raise ValueError(f"no difference is defined for kind {kind}")
    sides = []
    for name, m in (("candidate", candidate), ("baseline", baseline)):
        known = estimate(
            m, kind=kind, value_range=value_range, quantile=None, limit=0.0, side="lower"
        )
        if isinstance(known, Unsettled):
            return Unsettled(known.reason, f"The {name}: {known.detail}")
        sides.append(known)
    one, two = sides
    if isinstance(one, Rate) and isinstance(two, Rate):
        return RateDifference(one, two)
    bounds = _UNIT if kind == "proportion" else _finite(value_range)
    first, second = _moments(one), _moments(two)
    if first is None or second is None:
        return ScaledDifference(one, two, 0.0, relative=False)
    try:
        errors = (candidate.n_errored, baseline.n_errored)
        return MeanDifference(first, second, bounds, *errors)
    except ValueError as error:
        return Unsettled("too_few_samples", f"{str(error).capitalize()}")


def sample_size(m: Measurement) -> int | None:
    """Scored examples, stated or counted."""
    return m.n if m.n is not None else (len(m.scores) if m.scores is not None else None)


def _finite(value_range: Range | None) -> Range | None:
    """A range with two ends in order whose squares are numbers, or None: half a range is none."""
    if value_range is None:
        return None
    low, high = value_range
    return value_range if -_HUGE < low < high < _HUGE else None


def _refuse_impossible(m: Measurement, bounds: Range | None, kind: str) -> None:
    """Raise ImpossibleEvidence for what the estimators would refuse less clearly."""
    n = sample_size(m)
    spread = [m.stderr, *(m.ci or ()), m.confidence]
    if any(number is not None and not isfinite(number) for number in spread):
        _impossible(m, "its spread is not a finite number")
    if n is not None and not 0 <= (m.count or 0) <= n:
        _impossible(m, f"{m.count} of {n} is no count")
    if (n is not None and n < 0) or m.n_errored < 0 or (m.stderr is not None and m.stderr < 0):
        _impossible(m, "a size or a standard error cannot be negative")
    if bounds is not None and kind != "quantile":
        values = m.scores if m.scores is not None else (m.value,)
        outside = [v for v in values if v is not None and not bounds[0] <= v <= bounds[1]]
        if outside:
            _impossible(m, f"{outside[0]:g} does not lie in {bounds[0]:g} to {bounds[1]:g}")


def _impossible(m: Measurement, detail: str) -> None:
    raise ImpossibleEvidence("impossible-value", "/measurements", f"{m.metric}: {detail}")


def _moments(known: Estimate) -> Moments | None:
    """The moments behind an estimate of a mean, where a difference can use them."""
    match known:
        case BoundedMean() | SkewedMean():
            return known.moments
        case StudentEstimate():
            return moments.of_stderr(known.value, known.stderr, known.n)
        case _:
            return None


def _proportion(m: Measurement) -> Estimate | Unsettled:
    if m.scores is not None:
        if m.clusters is not None:
            return clustered.of_scores(m.scores, m.clusters, *_UNIT, m.n_errored)
        if set(m.scores) <= {0.0, 1.0}:
            hits = sum(1 for score in m.scores if score)
            return Rate(hits, hits, len(m.scores), m.n_errored)
        return BoundedMean(moments.of_scores(m.scores), *_UNIT, m.n_errored)
    if m.n is None or (m.count is None and m.value is None):
        return _no_spread(m, "Send `count` and `n`, or `n` beside the value")
    if m.count is not None:
        return _widened(Rate(m.count, m.count, m.n, m.n_errored), m)
    assert m.value is not None
    rate = binomial.from_value(m.value, m.n, m.n_errored)
    known = resolve(m.metric)
    own = _OWN_DENOMINATOR.get(known.metric.id) if known else None
    if own and rate.count is None:
        detail = f"value x n is no whole number, so n is not {own}; send `count` = TP, `n` = {own}"
        return Unsettled("no_uncertainty", detail)
    return _widened(rate, m)


def _widened(rate: Rate, m: Measurement) -> Estimate | Unsettled:
    """The exact rate, widened by a standard error or interval that claims more spread."""
    value, n = rate.value, rate.n
    others: list[Estimate] = []
    if m.stderr is not None and m.stderr > 1.01 * sqrt(value * (1.0 - value) / max(1, n - 1)):
        spread = moments.of_stderr(value, m.stderr, n)
        others.append(BoundedMean(spread, *_UNIT, m.n_errored))
    interval = _interval(m, value, _UNIT, stretched=True)
    if isinstance(interval, Unsettled):
        return interval
    if interval is not None:
        others.append(interval)
    return Widest(rate, tuple(others)) if others else rate


def _mean(m: Measurement, bounds: Range | None) -> Estimate | Unsettled:
    if bounds is None:
        return _unbounded(m)
    if m.scores is not None:
        if m.clusters is not None:
            return clustered.of_scores(m.scores, m.clusters, *bounds, m.n_errored)
        return BoundedMean(moments.of_scores(m.scores), *bounds, m.n_errored)
    if m.count is not None and m.n is not None and bounds == _UNIT:
        return _widened(Rate(m.count, m.count, m.n, m.n_errored), m)
    if m.value is None or m.n is None:
        return _no_spread(m, "Send per-example scores, or `stderr` and `n` beside the value")
    if m.stderr and bounds == _UNIT and _is_rate(m.value, m.n, m.stderr):
        return _widened(binomial.from_value(m.value, m.n, m.n_errored), m)
    if m.stderr:
        known = BoundedMean(moments.of_stderr(m.value, m.stderr, m.n), *bounds, m.n_errored)
        return _beside(known, m, bounds)
    # A stderr of zero is data without spread, or none computed: it adds nothing to value and n.
    alone = ChernoffMean(m.value, m.n, *bounds, m.n_errored)
    return _interval(m, m.value, bounds, stretched=False) or alone


def _is_rate(value: float, n: int, stderr: float) -> bool:
    """Whether the spread is that of zeros and ones, which no other scores in [0, 1] reach."""
    if n < 2 or binomial.from_value(value, n).count is None:
        return False
    return any(
        isclose(stderr, sqrt(value * (1.0 - value) / size), rel_tol=1e-3) for size in (n - 1, n)
    )


def _unbounded(m: Measurement) -> Estimate | Unsettled:
    wanted = f"at least {MIN_SCORES} per-example scores, or declare the metric's `range`"
    if m.clusters is not None:
        return Unsettled("no_uncertainty", "Clustered scores need a declared `range`")
    if m.scores is not None:
        if len(m.scores) < MIN_SCORES:
            return Unsettled("too_few_samples", f"A mean without a range needs {wanted}")
        spread = moments.of_scores(m.scores)
        if not 0.0 < spread.stderr < inf:
            return Unsettled("no_uncertainty", f"All scores are equal, or too huge; send {wanted}")
        return SkewedMean(spread, m.n_errored)
    return _supplied(m, None, "per-example scores, or `stderr` and `n` beside the value")


def _ratio(m: Measurement, bounds: Range | None) -> Estimate | Unsettled:
    known = resolve(m.metric)
    name = known.metric.id if known else m.metric
    if m.count is not None and m.n is not None and name in {"f1", "jaccard"}:
        jaccard = Rate(m.count, m.count, m.n, m.n_errored)
        return F1(jaccard) if name == "f1" else jaccard
    if m.scores is not None and name in _AVERAGES:
        return _mean(m, bounds)
    if m.scores is not None:
        detail = f"Scores of single examples do not average to {name}; send `stderr` or `ci` and n"
        return Unsettled("no_uncertainty", detail)
    if m.count is not None:
        return Unsettled(
            "no_uncertainty", f"Counts do not bound {name}; send `stderr` or `ci`, and n"
        )
    better = "TP as `count`, TP + FP + FN as `n`" if name == "f1" else "`stderr` or `ci`, and `n`"
    return _supplied(m, bounds, better)


def _supplied(m: Measurement, bounds: Range | None, better: str) -> Estimate | Unsettled:
    """A statistic whose spread the tool states; what an error would have done is unknown."""
    if m.value is None or m.n is None or (not m.stderr and m.ci is None):
        return _no_spread(m, f"Send {better}")
    if not m.stderr:
        return _interval(m, m.value, None, stretched=False) or _no_spread(m, f"Send {better}")
    if m.n < MIN_SCORES:
        detail = f"A standard error of {m.metric} is trusted from {MIN_SCORES} examples on"
        return Unsettled("too_few_samples", f"{detail}; send {better}")
    student = StudentEstimate(m.value, m.stderr, m.n, m.n_errored, *(bounds or ()))
    return _beside(student, m, None)


def _beside(known: Estimate, m: Measurement, bounds: Range | None) -> Estimate | Unsettled:
    """An estimate from a standard error, which an interval beside it can only widen."""
    if m.ci is None or m.value is None:
        return known
    interval = _interval(m, m.value, bounds, stretched=True)
    if isinstance(interval, Unsettled):
        return interval
    return known if interval is None else Widest(known, (interval,))


def _quantile(
    m: Measurement, q: float, limit: float, side: Side, related: Sequence[Measurement]
) -> Estimate | Unsettled:
    ask = "Ask for the number of requests over the limit (`exceed`), or for every value (`scores`)"
    if m.clusters is not None:
        return Unsettled("no_uncertainty", "Quantiles of clustered values are not estimated")
    if m.scores is not None:
        return OrderStatistic(tuple(sorted(m.scores)), q, m.n_errored)
    if m.exceed is not None:
        if m.n is None:
            return Unsettled("no_uncertainty", "A count over a limit needs `n` beside it")
        if not isclose(m.exceed.limit, limit, rel_tol=1e-9):
            detail = f"Requests over {m.exceed.limit:g} were counted; the limit is {limit:g}. {ask}"
            return Unsettled("exceed_limit_mismatch", detail)
        if not 0 <= m.exceed.count <= m.n:
            _impossible(m, f"{m.exceed.count} of {m.n} over the limit is no count")
        return from_exceed(m.exceed.count, m.n, m.n_errored)
    if m.quantile == q and m.value is not None and m.ci is not None and m.n is not None:
        return _interval(m, m.value, None, stretched=False) or _no_spread(m, ask)
    return _order(m, q, limit, side, related) or _no_spread(m, ask)


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


def _interval(
    m: Measurement, value: float, bounds: Range | None, *, stretched: bool
) -> SuppliedInterval | Unsettled | None:
    """The interval that came with a measurement; None without one."""
    if m.ci is None:
        return None
    if m.n is None or m.confidence is None:
        return Unsettled("no_uncertainty", "An interval needs its `confidence` and `n` beside it")
    try:
        return SuppliedInterval(
            value, m.ci, m.confidence, m.n, m.n_errored, bounds, stretched=stretched
        )
    except ValueError as error:
        return Unsettled("no_uncertainty", f"{str(error).capitalize()}; send `stderr` or scores")


def _no_spread(m: Measurement, ask: str) -> Unsettled:
    """The answer to a value that stands alone."""
    lacking = "n" if m.n is None else "spread"
    return Unsettled("no_uncertainty", f"{m.metric} came without its {lacking}. {ask}")
