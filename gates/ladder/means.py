"""Rates and means: from scores, counts, or a value with what stands beside it."""

from math import inf, isclose, sqrt

from gates.evidence import Measurement
from gates.ladder.screening import UNIT, Range, Unsettled, clusters_of, no_spread
from gates.ladder.supplied import beside, interval, supplied
from gates.metrics import resolve
from gates.statistics import binomial, clustered, moments
from gates.statistics.binomial import Rate
from gates.statistics.chernoff import ChernoffMean
from gates.statistics.estimate import Estimate
from gates.statistics.interval import Widest
from gates.statistics.mean import BoundedMean
from gates.statistics.skewed import MIN_SCORES, SkewedMean, needed

_OWN_DENOMINATOR = {"precision": "TP + FP", "recall": "TP + FN"}


def proportion(m: Measurement) -> Estimate | Unsettled:
    """The estimate of a share of examples."""
    if m.scores is not None:
        if (clusters := clusters_of(m)) is not None:
            return clustered.of_scores(m.scores, clusters, *UNIT, m.n_errored)
        hits = m.scores.count(1.0)
        if hits + m.scores.count(0.0) == len(m.scores):
            return Rate(hits, hits, len(m.scores), m.n_errored)
        return BoundedMean(moments.of_scores(m.scores), *UNIT, m.n_errored)
    if m.n is None or (m.count is None and m.value is None):
        return no_spread(m, "Send `count` and `n`, or `n` beside the value")
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
    if m.stderr is None and m.ci is None:
        return rate
    value, n = rate.value, rate.n
    others: list[Estimate] = []
    if m.stderr is not None and m.stderr > 1.01 * sqrt(value * (1.0 - value) / max(1, n - 1)):
        spread = moments.of_stderr(value, m.stderr, n)
        others.append(BoundedMean(spread, *UNIT, m.n_errored))
    beside_it = interval(m, value, UNIT, stretched=True)
    if isinstance(beside_it, Unsettled):
        return beside_it
    if beside_it is not None:
        others.append(beside_it)
    return Widest(rate, tuple(others)) if others else rate


def mean(m: Measurement, bounds: Range | None) -> Estimate | Unsettled:
    """The estimate of a mean of scores within `bounds`, or without any."""
    if bounds is None:
        return _unbounded(m)
    if m.scores is not None:
        if (clusters := clusters_of(m)) is not None:
            return clustered.of_scores(m.scores, clusters, *bounds, m.n_errored)
        return BoundedMean(moments.of_scores(m.scores), *bounds, m.n_errored)
    if m.count is not None and m.n is not None and bounds == UNIT:
        return _widened(Rate(m.count, m.count, m.n, m.n_errored), m)
    if m.value is None or m.n is None:
        return no_spread(m, "Send per-example scores, or `stderr` and `n` beside the value")
    if m.stderr and bounds == UNIT and _is_rate(m.value, m.n, m.stderr):
        return _widened(binomial.from_value(m.value, m.n, m.n_errored), m)
    if m.stderr:
        known = BoundedMean(moments.of_stderr(m.value, m.stderr, m.n), *bounds, m.n_errored)
        return beside(known, m, bounds)
    # A stderr of zero is data without spread, or none computed: it adds nothing to value and n.
    alone = ChernoffMean(m.value, m.n, *bounds, m.n_errored)
    return interval(m, m.value, bounds, stretched=False) or alone


TOO_SKEWED = (
    "A few values make up so much of it that its mean is known only from about {least} examples "
    "on; send as many, declare a `range`, or ask for a quantile"
)


def _is_rate(value: float, n: int, stderr: float) -> bool:
    """Whether the spread is that of zeros and ones, which no other scores in [0, 1] reach."""
    if n < 2 or binomial.from_value(value, n).count is None:
        return False
    return any(
        isclose(stderr, sqrt(value * (1.0 - value) / size), rel_tol=1e-3) for size in (n - 1, n)
    )


def _unbounded(m: Measurement) -> Estimate | Unsettled:
    wanted = f"at least {MIN_SCORES} per-example scores, or declare the metric's `range`"
    if clusters_of(m) is not None:
        return Unsettled("no_uncertainty", "Clustered scores need a declared `range`")
    if m.scores is not None:
        if len(m.scores) < MIN_SCORES:
            return Unsettled("too_few_samples", f"A mean without a range needs {wanted}")
        spread = moments.of_scores(m.scores)
        if not 0.0 < spread.stderr < inf:
            return Unsettled("no_uncertainty", f"All scores are equal, or too huge; send {wanted}")
        if spread.n < (least := needed(spread.skewness)):
            return Unsettled("too_few_samples", TOO_SKEWED.format(least=f"{least:,}"))
        return SkewedMean(spread, m.n_errored)
    return supplied(m, None, "per-example scores, or `stderr` and `n` beside the value")
