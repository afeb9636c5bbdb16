"""threshold: a metric's bound clears `min` and/or `max`, on every slice that is asked for."""

from collections.abc import Mapping
from functools import cached_property, partial
from typing import ClassVar

from gates.finding import Finding, finish
from gates.ladder import Unsettled, estimate, guaranteed
from gates.rules.base import Number
from gates.rules.context import Claim, Context
from gates.rules.counted import Counted
from gates.rules.measured import (
    Absent,
    JudgedRule,
    Picked,
    Subject,
    metric_problems,
    pick,
)
from gates.rules.sampled import (
    Asked,
    absent_claim,
    clustered_flags,
    compared_claim,
    draft,
    each_target,
    point_value,
    tested_claim,
    unsettled_claim,
)
from gates.rules.selection import Target
from gates.statistics.estimate import Estimate, Side
from gates.verdict import Mode


class Threshold(JudgedRule):
    """`{metric: accuracy, min: 0.85}`; with `by`, one finding per slice."""

    KIND: ClassVar[str] = "threshold"

    min: Number | None = None
    max: Number | None = None
    target: Number | None = None

    def problems(self) -> list[tuple[str, str]]:
        """Limits that contradict the metric, each other, or are always true."""
        found = [*super().problems(), *metric_problems(self)]
        if found:
            return found
        subject = self.subject
        if self.min is None and self.max is None:
            return [("metric", "a threshold needs `min` or `max`")]
        if self.min is not None and self.max is not None and self.min > self.max:
            found.append(("min", f"{self.min:g} is above max {self.max:g}"))
        found += _direction_problems(self, subject)
        return found + _range_problems(self, subject)

    def warnings(self) -> list[str]:
        """Limits that no sample can prove."""
        subject = self.subject
        found = []
        if self.mode is Mode.PROVE and subject.value_range is not None:
            low, high = subject.value_range
            if (self.min is not None and self.min >= high) or (
                self.max is not None and self.max <= low
            ):
                found.append(
                    f"{self.id}: no sample proves a limit at the end of the range; "
                    "for events that must not happen use `max_count: 0` with `rate_below`"
                )
        if self.unit is None and (subject.unit not in {None, "fraction"} or subject.money):
            found.append(f"{self.id}: without `unit` the limit is read in the measurement's unit")
        return found

    def check(self, ctx: Context, gate: str) -> list[Claim]:
        """One claim per (task, slice)."""
        draft = partial(self._draft, gate)
        general = partial(self._claim, ctx, gate, self.subject)
        counted = Counted.of(ctx, self, gate, self.min, self.max)
        if counted is None:
            return each_target(ctx, self, general, draft)
        plain = counted.claim
        return each_target(ctx, self, lambda target: plain(ctx, target) or general(target), draft)

    @cached_property
    def limits(self) -> Mapping[str, float]:
        """The limits as the policy writes them."""
        given = {"min": self.min, "max": self.max}
        return {name: value for name, value in given.items() if value is not None}

    @cached_property
    def comparison(self) -> str:
        """What is compared, as the name of the hypothesis says it: `min`, `max` or `min+max`."""
        return "+".join(self.limits)

    def _draft(self, gate: str, target: Target) -> Finding:
        return draft(self, gate, target, self.limits)

    def _claim(self, ctx: Context, gate: str, subject: Subject, target: Target) -> Claim:
        finding = self._draft(gate, target)
        side: Side = "lower" if self.max is None else "upper"
        limit = self.min if self.max is None else self.max
        assert limit is not None
        picked = pick(self, subject, target, limit)
        if isinstance(picked, Absent):
            return absent_claim(finding, picked, subject)
        asked = self._asked(subject, picked)
        if self.mode is Mode.EXACT:
            return compared_claim(finding, self, subject, picked, asked)
        known = estimate(
            picked.measurement,
            kind=subject.kind,
            value_range=subject.value_range,
            quantile=subject.quantile,
            limit=limit,
            side=side,
            related=picked.related,
        )
        if self.strict:
            known = guaranteed(known, picked.measurement, subject.kind, subject.value_range)
        if isinstance(known, Unsettled):
            return unsettled_claim(finding, self, subject, picked, asked, known)
        if _is_share(known) and self.min is not None and self.max is not None:
            why = Unsettled("no_uncertainty", _RANGE_OF_QUANTILE)
            return unsettled_claim(finding, self, subject, picked, asked, why)
        if flags := clustered_flags(known):
            finding = finish(finding, flags=(*finding.flags, *flags))
        asked = self._on_scale_of(known, asked, subject)
        return tested_claim(ctx, self, subject, finding, picked, known, asked)

    def _asked(self, subject: Subject, picked: Picked) -> Asked:
        inputs = (picked.measurement, *picked.related)
        value = point_value(picked.measurement, subject)
        return Asked(self.comparison, self.min, self.max, inputs, value)

    def _on_scale_of(self, known: Estimate, asked: Asked, subject: Subject) -> Asked:
        """A count over the limit speaks of a share: p95 <= T means share within T >= 95%."""
        if not _is_share(known):
            return asked
        at_least = subject.quantile if self.max is not None else None
        at_most = subject.quantile if self.max is None else None
        return asked._replace(minimum=at_least, maximum=at_most, scale="share_within_limit")


_RANGE_OF_QUANTILE = (
    "a count over one limit, or percentiles, say nothing about both ends of a range; send "
    "per-example values"
)


def _is_share(known: Estimate) -> bool:
    return getattr(known, "scale", "metric") == "share_within_limit"


def _direction_problems(rule: Threshold, subject: Subject) -> list[tuple[str, str]]:
    found = []
    if subject.direction == "lower" and rule.min is not None and rule.max is None:
        detail = f"lower is better for {subject.metric}; `min` would reward the worse. Use `max`"
        found.append(("min", detail))
    if subject.direction == "higher" and rule.max is not None and rule.min is None:
        detail = f"higher is better for {subject.metric}; `max` would reward the worse. Use `min`"
        found.append(("max", detail))
    if rule.target is not None:
        floor, ceiling = rule.min, rule.max
        if floor is not None and ceiling is None and rule.target < floor:
            found.append(("target", f"{rule.target:g} lies below min {floor:g}"))
        if ceiling is not None and floor is None and rule.target > ceiling:
            found.append(("target", f"{rule.target:g} lies above max {ceiling:g}"))
    return found


def _range_problems(rule: Threshold, subject: Subject) -> list[tuple[str, str]]:
    """A limit outside what the metric can be, or one that every value meets."""
    if subject.value_range is None:
        return []
    low, high = subject.value_range
    found = []
    if rule.min is not None and not low < rule.min <= high:
        always = "always true" if rule.min <= low else "never true"
        detail = f"{rule.min:g} is {always}: {subject.metric} lies in {low:g} to {high:g}"
        found.append(("min", detail))
    if rule.max is not None and not low <= rule.max < high:
        always = "always true" if rule.max >= high else "never true"
        detail = f"{rule.max:g} is {always}: {subject.metric} lies in {low:g} to {high:g}"
        found.append(("max", detail))
    return found
