"""disparity: no group fares worse than a reference by more than a ratio or a gap allows.

The four-fifths rule is `min_ratio: 0.8`. With `reference: highest` each group is compared with
every other one, so that the data choosing the reference cost nothing. A group that nobody measured
is missing, never fair.
"""

from typing import Annotated, Any, ClassVar

from pydantic import Field, StrictBool, model_validator

from gates.finding import Finding, Observed, finish
from gates.ladder import Unsettled, difference, estimate
from gates.rules.base import MeasuredRule, Name, Names, Number
from gates.rules.context import Claim, Context
from gates.rules.measured import (
    Absent,
    JudgedRule,
    Picked,
    Subject,
    has_few_clusters,
    known_slices,
    metric_problems,
    pick,
)
from gates.rules.sampled import (
    Asked,
    absent_claim,
    draft,
    point_value,
    tested_claim,
    unsettled_claim,
)
from gates.rules.selection import Target, missing_values, targets
from gates.statistics.binomial import Rate
from gates.statistics.disparity import Least, Size, largest
from gates.statistics.estimate import Estimate
from gates.statistics.ratio_of_rates import RateRatio
from gates.verdict import Mode

HIGHEST = "highest"
Groups = list[tuple[Target, Picked | Absent]]
_ALONE = Absent("no_slice", "one group alone cannot be compared; send the others")


class Disparity(JudgedRule):
    """`{disparity: selection_rate, groups: [sex], min_ratio: 0.8, min_samples: 200}`."""

    KIND: ClassVar[str] = "disparity"

    disparity: Name
    groups: Names
    crossed: StrictBool = False
    reference: Name = HIGHEST
    min_ratio: Annotated[Number | None, Field(gt=0, le=1)] = None
    max_gap: Annotated[Number | None, Field(gt=0)] = None

    @model_validator(mode="before")
    @classmethod
    def _metric_is_disparity(cls, written: Any) -> Any:
        """The metric stands in `disparity`, so that it marks the kind."""
        if isinstance(written, dict) and "disparity" in written:
            if "metric" in written:
                raise ValueError("the metric stands in `disparity`; leave `metric` out")
            return {**written, "metric": written["disparity"]}
        return written

    def problems(self) -> list[tuple[str, str]]:
        """One limit, a metric that groups can be compared by, and no `by` beside `groups`."""
        whole = self.model_copy(update={"by": self.groups})
        found = [*MeasuredRule.problems(whole), *metric_problems(self)]
        if self.by is not None:
            found.append(("by", "`groups` says which slices are compared"))
        if (self.min_ratio is None) == (self.max_gap is None):
            found.append(("disparity", "needs exactly one of min_ratio, max_gap"))
        if self.reference != HIGHEST and len(self.groups) > 1 and not self.crossed:
            detail = "a named group is of one dimension: write one rule each, or `crossed: true`"
            found.append(("reference", detail))
        if self.mode is Mode.EXACT:
            found.append(("mode", "groups are samples; `exact` has no meaning here"))
        if found:
            return found
        kind = self.subject.kind
        if kind not in {"proportion", "mean"}:
            found.append(("disparity", f"groups are not compared by a {kind}; name a rate or mean"))
        if kind == "mean" and self.min_ratio is not None:
            found.append(("min_ratio", "a ratio needs a rate; for a mean write `max_gap`"))
        return found

    def warnings(self) -> list[str]:
        """What no sample of usual size settles, and groups that may vanish unseen."""
        found = []
        if self.min_samples is None:
            found.append(f"{self.id}: without `min_samples` small groups stay inconclusive")
        if self.require is None:
            found.append(f"{self.id}: without `require` a group that nobody measured goes unseen")
        return found

    def check(self, ctx: Context, gate: str) -> list[Claim]:
        """One claim for each group of each dimension, or of their crossing."""
        scopes = [self.groups] if self.crossed else [(name,) for name in self.groups]
        return [claim for scope in scopes for claim in self._scope(ctx, gate, scope)]

    def _scope(self, ctx: Context, gate: str, by: tuple[str, ...]) -> list[Claim]:
        subject = self.subject
        wanted = {k: v for k, v in (self.require or {}).items() if k in by} or None
        rule = self.model_copy(update={"by": by, "require": wanted})
        found = targets(rule, subject.metric, ctx.evidence, known_slices(ctx, subject.metric))
        claims = []
        for task in dict.fromkeys(target.task for target in found):
            picked = [(t, pick(self, subject, t, None)) for t in found if t.task == task]
            judged = [group for group in picked if not self._is_reference(*group)]
            claims += [self._claim(ctx, gate, subject, group, picked) for group in judged]
            if not judged:
                finding = self._draft(gate, picked[0][0])
                claims.append(absent_claim(finding, _ALONE, subject))
        for name, value in missing_values(rule, found):
            detail = f"{subject.metric} was expected for {name}={value} and is not there"
            finding = self._draft(gate, Target(None, ((name, value),)))
            claims.append(absent_claim(finding, Absent("not_measured", detail), subject))
        return claims

    def _draft(self, gate: str, target: Target) -> Finding:
        fields = {"min_ratio": self.min_ratio, "max_gap": self.max_gap}
        limit = {name: value for name, value in fields.items() if value is not None}
        finding = draft(self, gate, target, limit)
        return finish(finding, unit=None) if self.min_ratio is not None else finding

    def _claim(
        self,
        ctx: Context,
        gate: str,
        subject: Subject,
        group: tuple[Target, Picked | Absent],
        picked: Groups,
    ) -> Claim:
        target, own = group
        finding = self._draft(gate, target)
        if isinstance(own, Absent):
            return absent_claim(finding, own, subject)
        others = self._others(target, picked)
        if isinstance(others, Absent):
            return absent_claim(finding, others, subject)
        known = self._estimate(subject, own, [other for _, other in others])
        against = max(others, key=lambda item: _rate(item[1], subject))
        finding = finish(
            finding,
            candidate=_side(own, subject),
            baseline=_side(against[1], subject),
            flags=(*finding.flags, f"compared with {_name(against[0])}{self._kind_of_reference}"),
        )
        kind = "min_ratio" if self.min_ratio is not None else "max_gap"
        asked = Asked(
            f"disparity:{kind}:{'*'.join(self.groups) if self.crossed else ''}:{self.reference}",
            self.min_ratio,
            self.max_gap,
            (own.measurement, *(other.measurement for _, other in others)),
            scale="ratio" if self.min_ratio is not None else "gap",
            blocks=("too_few_samples",)
            if any(has_few_clusters(other.measurement) for _, other in others)
            else (),
        )
        if isinstance(known, Unsettled):
            return unsettled_claim(finding, self, subject, own, asked, known)
        return tested_claim(ctx, self, subject, finding, own, known, asked)

    @property
    def _kind_of_reference(self) -> str:
        return ", the highest other group" if self.reference == HIGHEST else ", the reference"

    def _is_reference(self, target: Target, picked: Picked | Absent) -> bool:
        return isinstance(picked, Picked) and self.reference in _names(target)

    def _others(self, target: Target, picked: Groups) -> list[tuple[Target, Picked]] | Absent:
        """The groups that this one is compared with."""
        present = [(t, p) for t, p in picked if isinstance(p, Picked) and t is not target]
        if self.reference == HIGHEST:
            return present or _ALONE
        named = [(t, p) for t, p in present if self.reference in _names(t)]
        if not named:
            return Absent("not_measured", f"the reference group {self.reference} was not measured")
        return named

    def _estimate(
        self, subject: Subject, own: Picked, others: list[Picked]
    ) -> Estimate | Unsettled:
        one = own.measurement
        if self.min_ratio is not None:
            return self._ratios(subject, own, others)
        gaps = []
        for other in others:
            sides = (one, other.measurement)
            first, second = sides[::-1] if self.reference == HIGHEST else sides
            gap = difference(first, second, kind=subject.kind, value_range=subject.value_range)
            if isinstance(gap, Unsettled):
                return gap
            gaps.append(gap)
        return largest(gaps) if self.reference == HIGHEST else Size(gaps[0])

    def _ratios(self, subject: Subject, own: Picked, others: list[Picked]) -> Estimate | Unsettled:
        rates = []
        for picked in (own, *others):
            known = estimate(
                picked.measurement,
                kind=subject.kind,
                value_range=subject.value_range,
                quantile=None,
                limit=0.0,
                side="lower",
            )
            if isinstance(known, Unsettled):
                return known
            if not isinstance(known, Rate):
                detail = "a ratio of groups needs `count` and `n` of each, without clusters"
                return Unsettled("no_uncertainty", detail)
            rates.append(known)
        if not any(rate.count_high for rate in rates[1:]):
            return Unsettled("relative_to_zero", "the rate of the reference may be zero")
        return Least(tuple(RateRatio(rates[0], rate) for rate in rates[1:]))


def _rate(picked: Picked, subject: Subject) -> float:
    value = point_value(picked.measurement, subject)
    return float("-inf") if value is None else value


def _side(picked: Picked, subject: Subject) -> Observed:
    m = picked.measurement
    return Observed(value=point_value(m, subject), n=picked.n, count=m.count, n_errored=m.n_errored)


def _name(target: Target) -> str:
    return ",".join(f"{name}={value}" for name, value in target.slice)


def _names(target: Target) -> set[str]:
    """How a policy may name a group: `male`, `sex=male`, or `age_band=25-40,sex=male`."""
    values = [value for _, value in target.slice]
    return {_name(target), *(values if len(values) == 1 else [])}
