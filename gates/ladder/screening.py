"""What every rung of the evidence ladder needs: what a measurement lacks, and what cannot be.

It refuses impossible numbers and words what to send instead; it computes no bound.
"""

from dataclasses import dataclass
from itertools import islice
from math import isfinite
from operator import lt

from gates.evidence import ImpossibleEvidence, Measurement

Range = tuple[float, float]
UNIT: Range = (0.0, 1.0)
_HUGE = 1e150


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Why no bound can be computed: a reason of policy.md section 4, and what to send instead."""

    reason: str
    detail: str


def sample_size(m: Measurement) -> int | None:
    """Scored examples, stated or counted; None where only a value or an exposure is known."""
    if m.n is not None:
        return m.n
    if m.scores is not None:
        return len(m.scores)
    return None if m.table is None else sum(map(sum, m.table))


def clusters_of(m: Measurement) -> tuple[str, ...] | None:
    """What examples share; where ids repeat, one question asked several times is a cluster."""
    if m.clusters is not None or m.ids is None:
        return m.clusters
    return m.ids if repeats(m.ids) else None


def repeats(ids: tuple[str, ...]) -> bool:
    """Whether an id stands twice; ids in order, as most files have them, cost no set."""
    return not all(map(lt, ids, islice(ids, 1, None))) and len(set(ids)) != len(ids)


def finite(value_range: Range | None) -> Range | None:
    """A range with two ends in order whose squares are numbers, or None: half a range is none."""
    if value_range is None:
        return None
    low, high = value_range
    return value_range if -_HUGE < low < high < _HUGE else None


def refuse_impossible(m: Measurement, bounds: Range | None, kind: str) -> None:
    """Raise ImpossibleEvidence for what the estimators would refuse less clearly."""
    n = sample_size(m)
    spread = (m.stderr or 0.0, m.confidence or 0.0, *(m.ci or ()))
    if not all(map(isfinite, spread)):
        impossible(m, "its spread is not a finite number")
    if n is not None and not 0 <= (m.count or 0) <= n:
        impossible(m, f"{m.count} of {n} is no count")
    if (n is not None and n < 0) or m.n_errored < 0 or (m.stderr is not None and m.stderr < 0):
        impossible(m, "a size or a standard error cannot be negative")
    plain = m.labels is None and m.denominators is None
    if bounds is not None and kind != "quantile" and plain:
        values = m.scores if m.scores is not None else (m.value,)
        if m.scores and bounds[0] <= min(m.scores) and max(m.scores) <= bounds[1]:
            return  # at the speed of built-in functions; scores were found finite before
        outside = [v for v in values if v is not None and not bounds[0] <= v <= bounds[1]]
        if outside:
            impossible(m, f"{outside[0]:g} does not lie in {bounds[0]:g} to {bounds[1]:g}")


def impossible(m: Measurement, detail: str) -> None:
    """Raise ImpossibleEvidence about a measurement."""
    raise ImpossibleEvidence("impossible-value", "/measurements", f"{m.metric}: {detail}")


def no_spread(m: Measurement, ask: str) -> Unsettled:
    """The answer to a value that stands alone."""
    lacking = "n" if m.n is None else "spread"
    return Unsettled("no_uncertainty", f"{m.metric} came without its {lacking}. {ask}")


def unsettled_by(error: ValueError) -> Unsettled:
    """What an estimator refused, in its own words: too few examples, or none of the right kind."""
    detail = str(error)
    if "fsum" in detail:  # Python's own words where infinities of both signs are added up
        detail = "its numbers are too huge to be added up"
    reason = "too_few_samples" if " needs " in detail and "examples" in detail else None
    return Unsettled(reason or "no_uncertainty", f"{detail[:1].upper()}{detail[1:]}")
