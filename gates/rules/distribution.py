"""distribution: a series does not deviate from the baseline's in the guarded direction.

For canaries: per-request values of candidate and baseline, compared by ranks, so that no shape is
assumed. Both must be sent as `scores`; what cannot be shown is no pass.
"""

from collections.abc import Sequence
from math import inf, isfinite
from statistics import fmean, median
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gates.evidence import Measurement, SliceKey
from gates.finding import Finding, Observed, finish
from gates.ladder import Unsettled, clusters_of
from gates.rules.base import Confidence, Number, Strict
from gates.rules.context import Claim, Context
from gates.rules.measured import (
    Absent,
    JudgedRule,
    Picked,
    UnknownMetricError,
    pick,
    strict_problems,
)
from gates.rules.measured import subject_of as resolved
from gates.rules.sampled import (
    Asked,
    absent_claim,
    draft,
    each_target,
    tested_claim,
    unsettled_claim,
)
from gates.rules.selection import Target, targets
from gates.statistics.rank_shift import RankShift, cles
from gates.verdict import Mode

MIN_VALUES = 10
"""As for means of two arms (gates.statistics.welch): fewer values may fail, and never pass."""

Way = Literal["increase", "decrease"]
Targets = dict[tuple[str | None, SliceKey], Target]


class Effect(Strict):
    """An effect size within [low, high] is too small to fail for."""

    measure: Literal["mean_ratio", "cles"]
    low: Number | None = None
    high: Number | None = None

    @property
    def is_upside_down(self) -> bool:
        """Whether nothing lies between the two ends."""
        return self.low is not None and self.high is not None and self.low > self.high

    def of(self, x: Sequence[float], y: Sequence[float]) -> float | None:
        """The effect size; None where the baseline's mean is zero or too small to divide by."""
        if self.measure == "cles":
            return cles(x, y)
        below = fmean(y)
        ratio = fmean(x) / below if below else inf
        return ratio if isfinite(ratio) else None


class Deviation(Strict):
    """What is compared, and what is tolerated."""

    test: Literal["mann_whitney"] = "mann_whitney"
    direction: Literal["increase", "decrease", "either"]
    tolerance: Annotated[Number, Field(ge=0, lt=1)] = 0.25
    effect: Effect | None = None
    confidence: Confidence | None = None
    nan: Literal["remove", "replace"] | None = None
    outliers: Literal["keep", "remove"] = "keep"


class Distribution(JudgedRule):
    """`{metric: latency, distribution: {direction: increase, tolerance: 0.25}}`."""

    KIND: ClassVar[str] = "distribution"

    distribution: Deviation

    def problems(self) -> list[tuple[str, str]]:
        """Fields that mean nothing here, and effects that contradict themselves."""
        found = [*super().problems(), *strict_problems(self)]
        try:
            resolved(self)
        except UnknownMetricError as error:
            found.append(("metric", str(error)))
        if self.mode is Mode.EXACT:
            found.append(("mode", "a distribution is sampled; `exact` has no meaning here"))
        if (self.mode is Mode.GUARD) != (self.notice is not None):
            found.append(("mode", "`guard` and `notice` belong together"))
        asked = self.distribution
        if asked.confidence is not None and self.confidence is not None:
            found.append(("confidence", "stands in `distribution` as well; say it once"))
        effect = asked.effect
        if effect is not None and effect.low is None and effect.high is None:
            found.append(("distribution", "an effect needs `low` or `high`"))
        if effect is not None and effect.is_upside_down:
            found.append(("distribution", "the effect's `low` lies above its `high`"))
        found += [
            (field, "has no meaning for whole distributions")
            for field in ("quantile", "accepts_point_estimate")
            if getattr(self, field) is not None
        ]
        return found

    def check(self, ctx: Context, gate: str) -> list[Claim]:
        """One claim per (task, slice), two where either direction is guarded."""
        subject = self.subject
        base = {(t.task, t.slice): t for t in targets(self, subject.metric, ctx.baseline)}
        asked = self.distribution.direction
        ways: tuple[Way, ...] = ("increase", "decrease") if asked == "either" else (asked,)
        return [claim for way in ways for claim in self._guarded(ctx, gate, base, way)]

    def _guarded(self, ctx: Context, gate: str, base: Targets, way: Way) -> list[Claim]:
        return each_target(
            ctx,
            self,
            lambda target: self._claim(ctx, gate, target, base, way),
            lambda target: self._draft(gate, target, way),
        )

    def _draft(self, gate: str, target: Target, way: Way) -> Finding:
        name = "max_rise_percent" if way == "increase" else "max_drop_percent"
        limit = {name: round(100.0 * self.distribution.tolerance, 10)}
        return draft(self, gate, target, limit)

    def _claim(
        self,
        ctx: Context,
        gate: str,
        target: Target,
        base: Targets,
        way: Way,
    ) -> Claim:
        subject, finding = self.subject, self._draft(gate, target, way)
        picked = pick(self, subject, target, None)
        if isinstance(picked, Absent):
            return absent_claim(finding, picked, subject)
        other = base.get((target.task, target.slice))
        against = pick(self, subject, other, None) if other else Absent("no_baseline", "")
        if isinstance(against, Absent):
            detail = against.detail or f"there is no baseline with {subject.metric} here"
            return absent_claim(finding, Absent("no_baseline", detail), subject)
        one, two = picked.measurement, against.measurement
        finding = finish(finding, candidate=_side(picked), baseline=_side(against))
        up = way == "increase"
        asked = Asked(
            f"distribution:{way}",
            None if up else 0.0,
            0.0 if up else None,
            (one, two),
            scale="difference",
            voids=_voids(one, two),
            blocks=_blocks(one, two),
        )
        if one.scores is None or two.scores is None:
            why = Unsettled("no_uncertainty", "Send every value of both (`scores`), not summaries")
            return unsettled_claim(finding, self, subject, picked, asked, why)
        if clusters_of(one) is not None or clusters_of(two) is not None:
            return unsettled_claim(finding, self, subject, picked, asked, _CLUSTERED)
        known, flags = self._estimate(one, two, up=up)
        finding = finish(finding, flags=(*finding.flags, *flags))
        rule = self if self.distribution.confidence is None else self._surer()
        return tested_claim(ctx, rule, subject, finding, picked, known, asked)

    def _surer(self) -> "Distribution":
        return self.model_copy(update={"confidence": self.distribution.confidence})

    def _estimate(
        self, one: Measurement, two: Measurement, *, up: bool
    ) -> tuple[RankShift, tuple[str, ...]]:
        asked = self.distribution
        x, y = tuple(sorted(one.scores or ())), tuple(sorted(two.scores or ()))
        flags: tuple[str, ...] = ()
        is_small = False
        if asked.effect is not None:
            size = asked.effect.of(x, y)
            is_small = size is not None and _within(size, asked.effect)
            shown = "unknown" if size is None else f"{size:.4g}"
            flags = (f"{asked.effect.measure}: {shown}",)
            flags += ("too small an effect to fail for",) if is_small else ()
        known = RankShift(
            x,
            y,
            asked.tolerance if up else -asked.tolerance,
            one.n_errored,
            two.n_errored,
            {None: "worst", "remove": "left_out", "replace": "zero"}[asked.nan],
            asked.outliers == "remove",
            is_small,
        )
        return known, flags


def _within(size: float, effect: Effect) -> bool:
    low, high = effect.low, effect.high
    return (low is None or size >= low) and (high is None or size <= high)


def _side(picked: Picked) -> Observed:
    m = picked.measurement
    middle = median(m.scores) if m.scores else m.value
    return Observed(value=middle, n=picked.n, n_errored=m.n_errored, method="median")


_CLUSTERED = Unsettled(
    "no_uncertainty",
    "Ranks take values for separate draws, and these share clusters or ids; send one for each",
)


def _blocks(one: Measurement, two: Measurement) -> tuple[str, ...]:
    few = min(len(one.scores or ()), len(two.scores or ())) < MIN_VALUES
    return ("too_few_samples",) if few else ()


def _voids(one: Measurement, two: Measurement) -> tuple[str, ...]:
    """Series of different data are not compared."""
    if one.source is None or two.source is None:
        return ()
    pairs = (
        (one.source.dataset_digest, two.source.dataset_digest),
        (one.source.prompt_set_digest, two.source.prompt_set_digest),
    )
    differs = any(a is not None and b is not None and a != b for a, b in pairs)
    return ("not_comparable",) if differs else ()
