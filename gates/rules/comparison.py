"""How a candidate is compared with a baseline by a margin, for every kind of rule that asks it.

Judges the difference candidate - baseline, paired wherever example ids match: the finding says so
and what it gained. A relative margin is a difference too, candidate - (1 + share) baseline, and
needs no division. It is no kind of rule itself.
"""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from gates.evidence import Measurement
from gates.finding import Finding, Observed, finish
from gates.ladder import Compared, Unsettled, compare
from gates.rules.base import Number, Strict
from gates.rules.context import Claim, Context
from gates.rules.measured import (
    Absent,
    JudgedRule,
    Picked,
    Subject,
    has_few_clusters,
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
from gates.rules.selection import Target, targets
from gates.verdict import Mode

Margin = Annotated[Number, Field(ge=0)]


class Margins(Strict):
    """Exactly one margin, in the metric's unit or in percent of |baseline|."""

    max_drop: Margin | None = None
    max_rise: Margin | None = None
    min_gain: Margin | None = None
    max_drop_percent: Margin | None = None
    max_rise_percent: Margin | None = None
    min_gain_percent: Margin | None = None

    def given(self) -> list[tuple[str, float]]:
        """The margins that were written."""
        return [(name, value) for name, value in self if value is not None]


class Comparison(JudgedRule):
    """A rule about a margin to the baseline; each kind names itself."""

    versus_baseline: Margins

    def problems(self) -> list[tuple[str, str]]:
        """Exactly one margin, a direction for `min_gain`, and sampled evidence."""
        found = [*super().problems(), *metric_problems(self)]
        if len(self.versus_baseline.given()) != 1:
            names = ", ".join(Margins.model_fields)
            found.append(("versus_baseline", f"needs exactly one of {names}"))
        if found:
            return found
        subject = self.subject
        name, _ = self.versus_baseline.given()[0]
        if name.startswith("min_gain") and subject.direction == "info":
            found.append(("versus_baseline", "declare `direction`: is a gain higher or lower?"))
        if name.startswith("max_drop") and subject.direction == "lower":
            detail = f"lower is better for {subject.metric}; a drop is welcome. Use `max_rise`"
            found.append(("versus_baseline", detail))
        if name.startswith("max_rise") and subject.direction == "higher":
            detail = f"higher is better for {subject.metric}; a rise is welcome. Use `max_drop`"
            found.append(("versus_baseline", detail))
        if (
            self.mode is Mode.EXACT
            and self.accepts_point_estimate is None
            and not (subject.exact_allowed)
        ):
            found.append(("mode", "`exact` needs `accepts_point_estimate: <reason>` here"))
        return found

    def warnings(self) -> list[str]:
        """Margins add up over releases."""
        return [f"{self.id}: a margin alone lets quality slide release by release; add a `min`"]

    def asked(self) -> tuple[float | None, float | None, float | None]:
        """Least and most of candidate - baseline, and the signed share of a relative margin.

        With a share the limits are about candidate - baseline - share * |baseline|.
        """
        subject = self.subject
        name, margin = self.versus_baseline.given()[0]
        relative = name.endswith("_percent")
        limit = 0.0 if relative else _signed(name, margin, subject)
        upward = _wants_at_least(name, subject)
        share = _signed(name, margin / 100, subject) if relative else None
        return limit if upward else None, None if upward else limit, share

    def check(self, ctx: Context, gate: str) -> list[Claim]:
        """One claim per (task, slice)."""
        subject = self.subject
        base = {
            (target.task, target.slice): target
            for target in targets(self, subject.metric, ctx.baseline)
        }
        return each_target(
            ctx,
            self,
            lambda target: self._claim(ctx, gate, subject, target, base),
            lambda target: self._draft(gate, target),
        )

    def _draft(self, gate: str, target: Target) -> Finding:
        return draft(self, gate, target, dict(self.versus_baseline.given()))

    def _claim(
        self,
        ctx: Context,
        gate: str,
        subject: Subject,
        target: Target,
        base: dict[tuple[str | None, tuple[tuple[str, str], ...]], Target],
    ) -> Claim:
        finding = self._draft(gate, target)
        picked = pick(self, subject, target, None)
        if isinstance(picked, Absent):
            return absent_claim(finding, picked, subject)
        other = base.get((target.task, target.slice))
        against = pick(self, subject, other, None) if other else Absent("no_baseline", "")
        if isinstance(against, Absent):
            absent = Absent("no_baseline", _why_no_baseline(ctx, subject, against))
            return absent_claim(finding, absent, subject)
        finding = finish(
            finding,
            candidate=_side(picked, subject),
            baseline=_side(against, subject),
            flags=_comparability_flags(picked.measurement, against.measurement),
        )
        name, margin = self.versus_baseline.given()[0]
        minimum, maximum, share = self.asked()
        compared = self._compared(subject, picked, against, share)
        known = compared.estimate
        finding = _with_sides(finding, compared)
        asked = Asked(
            f"versus_baseline:{name}",
            minimum,
            maximum,
            (picked.measurement, against.measurement),
            value=self._plain(finding, name, margin, subject),
            scale="difference",
            voids=_voids(picked.measurement, against.measurement, compared),
            blocks=("too_few_samples",) if has_few_clusters(against.measurement) else (),
        )
        if self.mode is Mode.EXACT:
            return compared_claim(finding, self, subject, picked, asked)
        if isinstance(known, Unsettled):
            return unsettled_claim(finding, self, subject, picked, asked, known)
        if flags := clustered_flags(known):
            finding = finish(finding, flags=(*finding.flags, *flags))
        return tested_claim(ctx, self, subject, finding, picked, known, asked)

    def _plain(self, finding: Finding, name: str, margin: float, subject: Subject) -> float | None:
        """Candidate - baseline as plain values, less a relative margin."""
        one = finding.candidate.value if finding.candidate else None
        two = finding.baseline.value if finding.baseline else None
        if one is None or two is None:
            return None
        if name.endswith("_percent"):
            return one - two - _signed(name, margin / 100, subject) * abs(two)
        return one - two

    def _compared(
        self, subject: Subject, picked: Picked, against: Picked, share: float | None
    ) -> Compared:
        return compare(
            picked.measurement,
            against.measurement,
            kind=subject.kind,
            value_range=subject.value_range,
            quantile=subject.quantile,
            share=share,
            strict=self.strict,
        )


def _with_sides(finding: Finding, compared: Compared) -> Finding:
    """The finding with how its samples were compared, and both values where none were stated."""
    finding = finish(finding, flags=(*finding.flags, *compared.flags))
    if compared.sides is None or finding.candidate is None or finding.baseline is None:
        return finding
    one, two = finding.candidate, finding.baseline
    return finish(
        finding,
        candidate=one if one.value is not None else replace(one, value=compared.sides[0]),
        baseline=two if two.value is not None else replace(two, value=compared.sides[1]),
    )


def _wants_at_least(name: str, subject: Subject) -> bool:
    if name.startswith("max_drop"):
        return True
    return name.startswith("min_gain") and subject.direction != "lower"


def _signed(name: str, margin: float, subject: Subject) -> float:
    """The margin as a limit on candidate - baseline (or as a share of |baseline|)."""
    if name.startswith("max_drop"):
        return -margin
    if name.startswith("max_rise"):
        return margin
    return -margin if subject.direction == "lower" else margin


def _side(picked: Picked, subject: Subject) -> Observed:
    m = picked.measurement
    return Observed(value=point_value(m, subject), n=picked.n, count=m.count, n_errored=m.n_errored)


def _why_no_baseline(ctx: Context, subject: Subject, absent: Absent) -> str:
    if ctx.submission.baseline is None:
        return "no baseline was given; name one with `baseline` or let the policy choose one"
    if absent.reason in {"no_baseline", "not_measured", "no_slice"}:
        return f"the baseline has no {subject.metric} here"
    return f"the baseline's {subject.metric} cannot be used: {absent.detail}"


def _digests(m: Measurement) -> tuple[str | None, str | None]:
    return (m.source.dataset_digest, m.source.prompt_set_digest) if m.source else (None, None)


def _comparability_flags(one: Measurement, two: Measurement) -> tuple[str, ...]:
    declared = any(a is not None and b is not None for a, b in _pairs(one, two))
    return () if declared else ("comparability: undeclared",)


def _pairs(one: Measurement, two: Measurement) -> list[tuple[str | None, str | None]]:
    return list(zip(_digests(one), _digests(two), strict=True))


def _voids(one: Measurement, two: Measurement, compared: Compared) -> tuple[str, ...]:
    found = []
    if any(a is not None and b is not None and a != b for a, b in _pairs(one, two)):
        found.append("not_comparable")
    if compared.relative_to_zero:
        found.append("relative_to_zero")
    return tuple(found)
