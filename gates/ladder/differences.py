"""The evidence ladder for candidate - baseline: the sharpest difference that two samples allow.

Paired wherever example ids match; separate samples otherwise. It says which it was, and what
pairing gained.
"""

from dataclasses import dataclass, replace

from gates.evidence import Measurement
from gates.ladder.labelled import compared_by_label, per_example, range_of
from gates.ladder.pairing import Pairs, pairs_of
from gates.ladder.quantiles import ASK
from gates.ladder.screening import UNIT, Range, Unsettled, finite
from gates.ladder.single import estimate
from gates.ladder.strict import guaranteed
from gates.statistics import moments, paired_means, paired_rates
from gates.statistics.arrays import minus
from gates.statistics.betting import BettingMean, by_digest
from gates.statistics.binomial import Rate
from gates.statistics.chernoff import ChernoffMean
from gates.statistics.difference import RateDifference
from gates.statistics.estimate import Estimate
from gates.statistics.hybrid import HybridDifference
from gates.statistics.interval import SuppliedInterval, Widest
from gates.statistics.mean import BoundedMean, StudentEstimate
from gates.statistics.moments import Moments
from gates.statistics.separate import ScaledDifference
from gates.statistics.skewed import SkewedMean
from gates.statistics.welch import MeanDifference


@dataclass(frozen=True, slots=True)
class Compared:
    """A difference, how it came about, and whether a share of the baseline means nothing."""

    estimate: Estimate | Unsettled
    flags: tuple[str, ...] = ()
    relative_to_zero: bool = False
    sides: tuple[float, float] | None = None
    """The point estimates of candidate and baseline."""


def difference(
    candidate: Measurement, baseline: Measurement, *, kind: str, value_range: Range | None
) -> Estimate | Unsettled:
    """The estimate of candidate - baseline; see `compare`."""
    return compare(candidate, baseline, kind=kind, value_range=value_range).estimate


def compare(
    candidate: Measurement,
    baseline: Measurement,
    *,
    kind: str,
    value_range: Range | None,
    quantile: float | None = None,
    share: float | None = None,
    strict: bool = False,
) -> Compared:
    """The estimate of candidate - baseline, or of candidate - baseline - share * |baseline|.

    Same examples: Tango for rates, t on the differences for means, DeLong or the bootstrap for
    statistics of labelled examples. Separate ones: Miettinen-Nurminen for two counted rates,
    Welch for two means, otherwise the bounds of each (MOVER, or at half of alpha where a bound is
    only known at some levels).

    Args:
        candidate: Its measurement, in the rule's unit.
        baseline: The other, in the same unit.
        kind: The metric's kind.
        value_range: What each score lies in, where declared.
        quantile: The q asked for, for kind "quantile".
        share: The relative margin as a signed fraction; the result is then compared with 0.
        strict: Only bounds that keep their level for every n and distribution.

    Raises:
        ImpossibleEvidence: for values that no sample can have.
        ValueError: for an unknown kind, or kind "quantile" without a quantile.
    """
    value_range = range_of(candidate, value_range)
    candidate, baseline = per_example(candidate), per_example(baseline)
    sides = []
    for name, m in (("candidate", candidate), ("baseline", baseline)):
        known = estimate(
            m, kind=kind, value_range=value_range, quantile=quantile, limit=0.0, side="lower"
        )
        if kind == "quantile" and isinstance(known, Rate):
            known = Unsettled("no_uncertainty", f"A difference of quantiles needs values. {ASK}")
        if isinstance(known, Unsettled):
            return Compared(Unsettled(known.reason, f"The {name}: {known.detail}"))
        sides.append(known)
    one, two = sides
    asked = _strictly if strict else _compared
    found = asked((one, two), (candidate, baseline), kind, finite(value_range), share)
    return replace(found, sides=(one.value, two.value))


def _compared(
    sides: tuple[Estimate, Estimate],
    sent: tuple[Measurement, Measurement],
    kind: str,
    value_range: Range | None,
    share: float | None,
) -> Compared:
    one, two = sides
    candidate, baseline = sent
    factor = 1.0
    if share is not None:
        fallback = ScaledDifference(one, two, share, relative=True)
        if fallback.is_relative_to_zero():
            return Compared(fallback, relative_to_zero=True)
        factor = 1.0 + share if two.value > 0.0 else 1.0 - share
    bounds = UNIT if kind == "proportion" else value_range
    pairs = pairs_of(candidate, baseline)
    if isinstance(pairs, Pairs):
        paired = _paired(pairs, candidate.metric, kind, bounds, factor)
        if paired is not None:
            return paired
    flags = (f"not paired: {pairs}",) if isinstance(pairs, str) else ()
    errors = (candidate.n_errored, baseline.n_errored)
    return Compared(_separate(one, two, bounds, errors, factor, kind), flags)


def _strictly(
    sides: tuple[Estimate, Estimate],
    sent: tuple[Measurement, Measurement],
    kind: str,
    value_range: Range | None,
    share: float | None,
) -> Compared:
    """Bets on the differences of pairs, else the guaranteed bounds of both at half the error."""
    bounds = UNIT if kind == "proportion" else value_range
    pairs = pairs_of(*sent)
    if isinstance(pairs, Pairs) and bounds is not None and kind in {"proportion", "mean"}:
        # A share of the baseline is a factor wherever the baseline cannot be negative.
        is_factor = share is None or bounds[0] >= 0.0
        if pairs.clusters is None and not pairs.questions and is_factor:
            factor = 1.0 + (share or 0.0)
            apart = minus(pairs.candidate, pairs.baseline, factor)
            ends = (bounds[0] - factor * bounds[1], bounds[1] - factor * bounds[0])
            known = BettingMean(by_digest(apart, pairs.ids), *ends, pairs.n_errored)
            return Compared(known, _paired_flag(pairs, None))
    found = [guaranteed(side, m, kind, bounds) for side, m in zip(sides, sent, strict=True)]
    for name, side in zip(("candidate", "baseline"), found, strict=True):
        if isinstance(side, Unsettled):
            return Compared(Unsettled(side.reason, f"The {name}: {side.detail}"))
    one, two = (side for side in found if not isinstance(side, Unsettled))
    scaled = ScaledDifference(one, two, share or 0.0, relative=share is not None)
    flags = (f"not paired: {pairs}",) if isinstance(pairs, str) else ()
    return Compared(scaled, flags, relative_to_zero=scaled.is_relative_to_zero())


def _paired(
    pairs: Pairs, metric: str, kind: str, bounds: Range | None, factor: float
) -> Compared | None:
    """The paired estimate, or None where the kind or the data have none."""
    if kind == "ratio":
        known, more = compared_by_label(pairs, metric, factor)
        return None if known is None else Compared(known, _paired_flag(pairs, more))
    if kind not in {"proportion", "mean"}:
        return None
    plain = pairs.clusters is None and not pairs.questions and factor == 1.0
    if kind == "proportion" and plain and _is_binary(pairs):
        rates = paired_rates.of_scores(pairs.candidate, pairs.baseline, pairs.n_errored)
        return Compared(rates, _paired_flag(pairs, rates.gain))
    apart = minus(pairs.candidate, pairs.baseline, factor)
    ends = (bounds[0] - factor * bounds[1], bounds[1] - factor * bounds[0]) if bounds else None
    if pairs.clusters is not None:
        if ends is None:
            return None
        clustered = paired_means.of_clusters(apart, pairs.clusters, ends, pairs.n_errored)
        return Compared(clustered, _paired_flag(pairs, None))
    try:
        means = paired_means.of_differences(apart, ends, pairs.n_errored)
    except ValueError:
        return None
    one, two = moments.of_scores(pairs.candidate), moments.of_scores(pairs.baseline)
    more = paired_means.gain(one, two, means.moments)
    return Compared(means, _paired_flag(pairs, more))


def _is_binary(pairs: Pairs) -> bool:
    return all(s.count(0.0) + s.count(1.0) == len(s) for s in (pairs.candidate, pairs.baseline))


def _paired_flag(pairs: Pairs, more: float | None) -> tuple[str, ...]:
    what = "questions" if pairs.questions else "examples"
    text = f"paired: {pairs.n} {what} match by id"
    return (text if more is None else f"{text}, worth {more:.2g} times as many separate ones",)


def _separate(
    one: Estimate,
    two: Estimate,
    bounds: Range | None,
    errors: tuple[int, int],
    factor: float,
    kind: str,
) -> Estimate | Unsettled:
    if factor == 1.0 and isinstance(one, Rate) and isinstance(two, Rate) and kind != "quantile":
        return RateDifference(one, two)
    first, second = _moments(one), _moments(two)
    if factor == 1.0 and kind in {"proportion", "mean"} and first and second:
        try:
            return MeanDifference(first, second, bounds, *errors)
        except ValueError as error:
            return Unsettled("too_few_samples", f"{str(error).capitalize()}")
    at_some_levels = (SuppliedInterval, Widest, ChernoffMean)
    if isinstance(one, at_some_levels) or isinstance(two, at_some_levels):
        # A relative margin on a baseline of known sign is a factor; |share| = |factor - 1|.
        share = factor - 1.0 if two.value > 0.0 else 1.0 - factor
        return ScaledDifference(one, two, share, relative=factor != 1.0)
    return HybridDifference(one, two, factor)


def _moments(known: Estimate) -> Moments | None:
    """The moments behind an estimate of a mean, where a difference can use them."""
    match known:
        case BoundedMean() | SkewedMean():
            return known.moments
        case StudentEstimate():
            return moments.of_stderr(known.value, known.stderr, known.n)
        case _:
            return None
