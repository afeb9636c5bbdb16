"""How many examples, and which truth: both by the engine's own estimators on imagined samples.

The imagined sample is the unlucky one: it lies as many standard errors on the bad side of the truth
as only `1 - power` of all samples do. If the rule clears on it, it clears with the planned power.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gates.planning.terms import AtN, Terms
from gates.statistics import power
from gates.statistics.anytime import sequence
from gates.statistics.estimate import Estimate
from gates.statistics.separate import ScaledDifference
from gates.statistics.special import z_quantile

Draw = Callable[[int, float, float], Estimate | None]
"""(n, truth, luck) -> the estimate from a sample of n that lies `luck` standard errors above the
truth; None where so small a sample shows nothing."""
CAUTION = 0.85
"""Which part of the planned chance of missing is used up: how an imagined sample spreads is known
only about (simulated: 20% planned come out as 19 to 24%)."""
UNBOUNDED = 0.6
"""The same for values without a range: their farthest counts twice, and one skewed sample in twenty
is too skewed to be trusted at all."""
CLUSTERED = 0.45
"""The same for clusters: there are few, and where sums are low they vary more (25% without it)."""
_DOUBLINGS = 60
_STEPS = 18


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of an estimate: limits, relaxed by `notice` on the pass side (guard)."""

    minimum: float | None
    maximum: float | None
    terms: Terms
    notice: float = 0.0
    caution: float = CAUTION

    def samples(self, draw: Draw, truth: float) -> int | None:
        """The least n that clears with the planned power; None above a million."""
        return power.first(lambda n: self.clears(draw, n, truth))

    def clears(self, draw: Draw, n: int, truth: float) -> bool:
        """Whether every limit is cleared by the sample that is unlucky for it."""
        return all(self._clears(draw, n, truth, is_low=is_low) for is_low in self._sides)

    @property
    def _sides(self) -> tuple[bool, ...]:
        both = ((True, self.minimum), (False, self.maximum))
        return tuple(is_low for is_low, limit in both if limit is not None)

    def _clears(self, draw: Draw, n: int, truth: float, *, is_low: bool) -> bool:
        beta = self.caution * (1.0 - self.terms.power) / len(self._sides)
        luck = z_quantile(beta)
        known = self._known(draw, n, truth, -luck if is_low else luck)
        if known is None:
            return False
        if is_low:
            assert self.minimum is not None
            return known.lower(self.terms.alpha, errors=False) >= self.minimum - self.notice
        assert self.maximum is not None
        return known.upper(self.terms.alpha, errors=False) <= self.maximum + self.notice

    def _refutes(self, draw: Draw, n: int, truth: float, *, is_low: bool) -> bool:
        """Whether a violation is shown with 80% probability."""
        known = self._known(draw, n, truth, power.Z_POWER if is_low else -power.Z_POWER)
        if known is None:
            return False
        level = self.terms.fail / len(self._sides)
        if isinstance(known, ScaledDifference):  # whose p-values are a hundred bounds each
            if is_low:
                return known.upper(level, errors=False) <= (self.minimum or 0.0)
            return known.lower(level, errors=False) >= (self.maximum or 0.0)
        if is_low:
            assert self.minimum is not None
            return known.p_below(self.minimum) <= level
        assert self.maximum is not None
        return known.p_above(self.maximum) <= level

    def _known(self, draw: Draw, n: int, truth: float, luck: float) -> Estimate | None:
        known = draw(n, truth, luck)
        if known is None or self.terms.n_plan is None:
            return known
        return sequence(known, self.terms.n_plan, 1)

    def at(self, draw: Draw, step: float, ends: tuple[float, float], middle: float) -> AtN:
        """Which truths `terms.n` examples tell apart.

        `passes_from` is the worst truth with a likely pass; with two limits `passes_from` and
        `passes_to` enclose such truths. `fails_from` (with two limits also `fails_to`) is the
        truth nearest to the limit whose violation is likely shown. None where there is none.

        Args:
            draw: The imagined sample.
            step: About one standard error: where the search starts.
            ends: What a truth lies in.
            middle: A truth between two limits; not used with one.
        """
        n = self.terms.n
        if n is None:
            return {}
        low, high = ends
        found: AtN = {"n": n}
        two = len(self._sides) == 2
        if two and not self.clears(draw, n, middle):
            found |= {"passes_from": None, "passes_to": None}
        for is_low in self._sides:
            limit = self.minimum if is_low else self.maximum
            assert limit is not None
            sign, end, other = (1.0, high, low) if is_low else (-1.0, low, high)
            name = "from" if is_low or not two else "to"
            if f"passes_{name}" not in found:
                start = limit - sign * self.notice
                likely = partial(self._clears, draw, n, is_low=is_low)
                found[f"passes_{name}"] = turning(likely, start, sign * step, end)
            shown = partial(self._refutes, draw, n, is_low=is_low)
            found[f"fails_{name}"] = turning(shown, limit, -sign * step, other)
        return found


def turning(holds: Callable[[float], bool], start: float, step: float, end: float) -> float | None:
    """The first truth from `start` on, in steps of the sign of `step`, for which a condition holds.

    It must stay true once it is. None where it does not hold up to `end`.
    """
    sign, room = (1.0, end - start) if step > 0.0 else (-1.0, start - end)
    near, far = 0.0, abs(step)
    for _ in range(_DOUBLINGS):
        far = min(far, room)
        if far > 0.0 and holds(start + sign * far):
            break
        if far >= room:
            return None
        near, far = far, 2.0 * far
    else:
        return None
    for _ in range(_STEPS):
        middle = (near + far) / 2.0
        near, far = (near, middle) if holds(start + sign * middle) else (middle, far)
    return start + sign * far
