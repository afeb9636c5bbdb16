"""The evidence ladder for candidate - baseline: the sharpest difference that two samples allow."""

from gates.evidence import Measurement
from gates.ladder.screening import UNIT, Range, Unsettled, finite
from gates.ladder.single import estimate
from gates.statistics import moments
from gates.statistics.binomial import Rate
from gates.statistics.difference import RateDifference
from gates.statistics.estimate import Estimate
from gates.statistics.mean import BoundedMean, StudentEstimate
from gates.statistics.moments import Moments
from gates.statistics.separate import ScaledDifference
from gates.statistics.skewed import SkewedMean
from gates.statistics.welch import MeanDifference


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
    bounds = UNIT if kind == "proportion" else finite(value_range)
    first, second = _moments(one), _moments(two)
    if first is None or second is None:
        return ScaledDifference(one, two, 0.0, relative=False)
    try:
        errors = (candidate.n_errored, baseline.n_errored)
        return MeanDifference(first, second, bounds, *errors)
    except ValueError as error:
        return Unsettled("too_few_samples", f"{str(error).capitalize()}")


def _moments(known: Estimate) -> Moments | None:
    """The moments behind an estimate of a mean, where a difference can use them."""
    match known:
        case BoundedMean() | SkewedMean():
            return known.moments
        case StudentEstimate():
            return moments.of_stderr(known.value, known.stderr, known.n)
        case _:
            return None
