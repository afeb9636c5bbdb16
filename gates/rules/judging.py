"""From an estimate and limits to an outcome: the arithmetic that all sampled rules share.

A question is put before Holm has spoken; `settle` answers it once the release-wide level of the
fail side is known. It decides; it words nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf, nextafter
from typing import NamedTuple

from gates.finding import SETTLED_BY_SAMPLES, Observed
from gates.statistics.estimate import Estimate
from gates.verdict import Mode, Outcome


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier looks under `anytime` have shown: it stands, whatever later numbers say.

    `at_least` and `at_most`: the pass side of that limit was shown at this error or a smaller one.
    `p_below` and `p_above`: the smallest p-values of a violation so far.
    """

    at_least: bool = False
    at_most: bool = False
    p_below: float = 1.0
    p_above: float = 1.0


NOTHING = Earlier()


class Question(NamedTuple):
    """Does `estimate` lie within the limits? A tuple, because each slice of a release makes one.

    `alpha` is the pass side's error at this look, `next_alpha` at the next one (None when there
    is none). `blocks` are reasons that bar a pass, `voids` reasons that bar pass and fail;
    `notice` relaxes the limits for guard.
    """

    estimate: Estimate
    minimum: float | None
    maximum: float | None
    alpha: float
    next_alpha: float | None
    mode: Mode = Mode.PROVE
    notice: float = 0.0
    n_errored: int = 0
    blocks: tuple[str, ...] = ()
    voids: tuple[str, ...] = ()
    min_samples: int | None = None
    scale: str = "metric"
    earlier: Earlier = NOTHING

    def p_fail(self) -> float:
        """p-value of "the requirement holds", from scored examples only; two limits share it."""
        if self.voids:
            return 1.0
        below, above = self.p_sides()
        if self.minimum is not None and self.maximum is not None:
            return min(1.0, 2 * min(below, above))
        return min(below, above)

    def p_sides(self) -> tuple[float, float]:
        """p-values of "at least minimum" and "at most maximum"; 1 where there is no such limit."""
        below = above = 1.0
        if self.minimum is not None:
            below = min(self.estimate.p_below(self.minimum), self.earlier.p_below)
        if self.maximum is not None:
            above = min(self.estimate.p_above(self.maximum), self.earlier.p_above)
        return below, above

    def clears(self, low: float, high: float) -> bool:
        """Whether pass-side bounds lie on the good side of (for guard: relaxed) limits."""
        relax = self.notice if self.mode is Mode.GUARD else 0.0
        return (self.minimum is None or self.earlier.at_least or low >= self.minimum - relax) and (
            self.maximum is None or self.earlier.at_most or high <= self.maximum + relax
        )

    def pass_bounds(self, *, errors: bool) -> tuple[float, float]:
        """Both bounds at this look's level, each only where a limit asks for it."""
        low = self.estimate.lower(self.alpha, errors=errors) if self.minimum is not None else inf
        high = self.estimate.upper(self.alpha, errors=errors) if self.maximum is not None else -inf
        return low, high


class Answer(NamedTuple):
    """What `settle` found."""

    outcome: Outcome
    reason: str
    observed: Observed
    proven: bool
    to_settle: int | None = None
    settleable: bool = False
    """True when more examples are the way to settle it; `to_settle` None then means no
    realistic number would."""
    barred: tuple[str, ...] = ()
    """What bars a pass beside `reason`, whatever the numbers were."""


def shown_with(question: Question, share: float) -> bool:
    """Whether the pass side clears with `share` of this look's error, and nothing bars it.

    What earlier looks showed is left out: it was shown with all of the error.
    """
    asked = question._replace(alpha=question.alpha * share, earlier=NOTHING)
    barred = question.voids or question.blocks
    return not barred and asked.clears(*asked.pass_bounds(errors=True))


def settle(question: Question, *, rejected: bool, level: float) -> Answer:
    """The outcome, with both bounds at their own confidence.

    Args:
        question: What was asked.
        rejected: Whether Holm rejects "the requirement holds".
        level: The alpha at which it did, or at which it could not.
    """
    fails = rejected and not question.voids
    bounds = question.pass_bounds(errors=True)
    observed = _observed(question, bounds, fails=fails, level=level)
    if fails:
        return Answer(Outcome.FAIL, "limit_missed", observed, proven=True, barred=question.blocks)
    clears = question.clears(*bounds)
    blocks = [b for b in question.blocks if clears or b != "contradicts_attempt"]
    reasons: Sequence[str] = (*question.voids, *blocks)
    if clears and not reasons:
        proven = question.mode is not Mode.GUARD
        reason = "limit_met" if proven else "no_violation_found"
        return Answer(Outcome.PASS, reason, observed, proven=proven)
    if not reasons:
        with_errors_only = question.n_errored > 0 and question.clears(
            *question.pass_bounds(errors=False)
        )
        reasons = ("too_many_errors",) if with_errors_only else ("interval_straddles_limit",)
    reason = reasons[0]
    barred = tuple(b for b in (*question.voids, *question.blocks) if b != reason)
    wants_samples = (
        reason in SETTLED_BY_SAMPLES
        and question.next_alpha is not None
        and "contradicts_attempt" not in barred
    )
    samples = _samples(question) if wants_samples else None
    return Answer(
        Outcome.INCONCLUSIVE,
        reason,
        observed,
        proven=False,
        to_settle=samples,
        settleable=wants_samples,
        barred=barred,
    )


def _samples(question: Question) -> int | None:
    """Examples in all that would settle the question at the next look, seen rates being true."""
    alpha = question.next_alpha
    if alpha is None:
        return None
    relax = question.notice if question.mode is Mode.GUARD else 0.0
    needed = [question.min_samples or 0]
    for limit, side in ((question.minimum, "lower"), (question.maximum, "upper")):
        if limit is None:
            continue
        if side == "lower":
            n = question.estimate.samples_to_settle(limit - relax, "lower", alpha)
        else:
            n = question.estimate.samples_to_settle(limit + relax, "upper", alpha)
        if n is None:
            return None
        needed.append(n)
    return max(needed)


def _observed(
    question: Question, bounds: tuple[float, float], *, fails: bool, level: float
) -> Observed:
    """Bounds that never contradict the outcome: the fail side is nudged by one ulp at most."""
    estimate, minimum, maximum = question.estimate, question.minimum, question.maximum
    two = minimum is not None and maximum is not None
    fail_level = level / 2 if two else level
    shows_low, shows_high = minimum is not None, maximum is not None
    if two and fails:
        below = question.p_sides()[0] <= fail_level
        shows_low, shows_high = below, not below
    lower = bounds[0] if shows_low else estimate.lower(fail_level, errors=False)
    upper = bounds[1] if shows_high else estimate.upper(fail_level, errors=False)
    relax = question.notice if question.mode is Mode.GUARD else 0.0
    if minimum is not None and shows_low and question.earlier.at_least:
        lower = max(lower, minimum - relax)
    if maximum is not None and shows_high and question.earlier.at_most:
        upper = min(upper, maximum + relax)
    if minimum is not None and not shows_high and not question.voids:
        upper = fail_upper(upper, minimum, fails=fails)
    if maximum is not None and not shows_low and not question.voids:
        lower = fail_lower(lower, maximum, fails=fails)
    return Observed.drafted(
        value=estimate.value,
        n=estimate.n,
        count=estimate.count,
        n_errored=question.n_errored,
        lower=lower if lower > -inf else None,
        lower_confidence=confidence_of(question.alpha if shows_low else fail_level),
        upper=upper if upper < inf else None,
        upper_confidence=confidence_of(question.alpha if shows_high else fail_level),
        method=estimate.method,
        approximate=estimate.approximate,
        scale=question.scale,
    )


@lru_cache(maxsize=1024)  # the slices of a release share their levels
def confidence_of(alpha: float) -> float:
    """The confidence of a bound with error alpha, as it is written."""
    return round(1 - alpha, 12)


def fail_upper(bound: float, minimum: float, *, fails: bool) -> float:
    """The upper bound beside a minimum, on the side of it that the outcome says."""
    if fails:
        return min(bound, minimum)
    return bound if bound > minimum else nextafter(minimum, inf)


def fail_lower(bound: float, maximum: float, *, fails: bool) -> float:
    """The mirror image, beside a maximum."""
    if fails:
        return max(bound, maximum)
    return bound if bound < maximum else nextafter(maximum, -inf)


def pointwise(
    value: float, minimum: float | None, maximum: float | None, observed: Observed, reason: str
) -> Answer:
    """A plain comparison: `exact`, or a point estimate that the policy accepts."""
    holds = (minimum is None or value >= minimum) and (maximum is None or value <= maximum)
    if holds:
        return Answer(Outcome.PASS, reason, observed, proven=False)
    return Answer(Outcome.FAIL, "limit_missed", observed, proven=False)


def as_proven(answer: Answer) -> Answer:
    """The same answer about something that was not sampled."""
    return answer._replace(proven=True)
