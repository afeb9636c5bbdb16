"""coverage: each named category was tested on enough examples, with few errors.

Without `require` it asks the same of whatever was measured, so it can be asked of any file.
"""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from gates.evidence import Measurement
from gates.finding import Finding, Observed, finish
from gates.ladder import sample_size
from gates.rules.base import MeasuredRule, Name, Names, Share, Strict, Whole, as_texts
from gates.rules.context import Claim, Context, plain_finding
from gates.rules.selection import HUGE, Row, canonical_name, is_number, within
from gates.verdict import Mode, Outcome
from gates.wording import coverage_sentence

TASK = "task"


def _all_right(m: Measurement) -> bool:
    """Whether every known answer was right; a value alone must say exactly so."""
    if m.missing is not None or m.incomplete is not None or m.n_errored:
        return False
    if m.count is not None:
        return m.count == m.n
    if m.scores is not None:
        return all(score >= 1.0 for score in m.scores)  # a NaN is not right, wherever it stands
    return m.value is not None and m.value >= 1.0


def _is_known(m: Measurement) -> bool:
    """Whether what was reported is a number: examples of which none came out test nothing."""
    return (
        m.missing is None
        and (m.value is None or is_number(m.value))
        and (m.scores is None or within(m.scores, -HUGE, HUGE))
    )


Least = Annotated[Whole, Field(ge=1)]


class Judge(Strict):
    """What shows that the judge of these examples is well.

    `canaries` names a rate over examples with known answers, all of which must be right;
    `reviewed` a metric over examples that people judged as well, at least `min_reviewed` of them.
    Each counts for a category by its slice, or for all where it was measured over all.
    """

    canaries: Name | None = None
    reviewed: Name | None = None
    min_reviewed: Least = 50


class Wanted(Strict):
    """What coverage asks for."""

    dimension: Name
    require: Annotated[Names | None, BeforeValidator(as_texts)] = None
    min_samples: Least | Annotated[dict[Name, Least], Field(min_length=1)]
    """For every category, or for each by name; `*` stands for those that are not named."""
    max_error_share: Share | None = None
    judge: Judge | None = None

    def least(self, category: str) -> int:
        """The examples that a category needs; 1 where nobody said."""
        if isinstance(self.min_samples, int):
            return self.min_samples
        return self.min_samples.get(category, self.min_samples.get("*", 1))


class Coverage(MeasuredRule):
    """`{coverage: {dimension: category, require: [cbrne, hate], min_samples: 100}}`.

    The dimension `task` speaks of test sets. `metric` narrows it to one metric's examples.
    """

    KIND: ClassVar[str] = "coverage"

    coverage: Wanted
    metric: Name | None = None

    def problems(self) -> list[tuple[str, str]]:
        """Fields that have their place inside `coverage`, or mean nothing here."""
        found = super().problems()
        judge = self.coverage.judge
        if judge is not None and judge.canaries is None and judge.reviewed is None:
            found.append(("coverage", "`judge` needs `canaries` or `reviewed`"))
        named = self.coverage.min_samples
        if not isinstance(named, int) and "*" not in named:
            unnamed = sorted(set(self.coverage.require or ()) - set(named))
            if unnamed or self.coverage.require is None:
                which = unnamed[0] if unnamed else "what is not named"
                found.append(("coverage", f"`min_samples` says nothing of {which}; add `'*'`"))
        for field in ("by", "require", "min_samples", "max_error_share", "needs"):
            if getattr(self, field) not in (None, ()):
                found.append((field, "has no meaning beside `coverage`; write it inside"))
        return found

    def check(self, ctx: Context, gate: str) -> list[Claim]:
        """One claim per category, in name order; a category that is absent is missing."""
        groups = self._groups(ctx)
        required = self.coverage.require or ()
        names = sorted({*groups, *required}) if not required else sorted(set(required))
        if not names:
            finding = self._finding(gate, None, Outcome.MISSING, "no_slice", None, [])
            return [Claim(finding)]
        return [Claim(self._judge(ctx, gate, name, groups.get(name, []))) for name in names]

    def _groups(self, ctx: Context) -> dict[str, list[Row]]:
        metric = canonical_name(self.metric) if self.metric else None
        where = set((self.where or {}).items())
        judge = self.coverage.judge
        given = (judge.canaries, judge.reviewed) if judge is not None else ()
        about_judge = {canonical_name(name) for name in given if name is not None}
        groups: dict[str, list[Row]] = {}
        for row in ctx.evidence.all():
            m = row.measurement
            if m.aggregate or (metric is not None and row.metric != metric):
                continue
            if row.metric in about_judge:
                continue
            if not where <= set(m.slice):
                continue
            if self.coverage.dimension == TASK:
                groups.setdefault(m.task or "(no task)", []).append(row)
                continue
            for name, value in m.slice:
                if name == self.coverage.dimension:
                    groups.setdefault(value, []).append(row)
        return groups

    def _judge(self, ctx: Context, gate: str, name: str, rows: list[Row]) -> Finding:
        """The smallest sample and the largest error share of a category's metrics decide."""
        if not rows:
            return self._finding(gate, name, Outcome.MISSING, "not_measured", None, [])
        broken = [row.measurement.incomplete for row in rows if row.measurement.incomplete]
        if broken:
            return self._finding(gate, name, Outcome.MISSING, "incomplete_run", None, broken)
        rows = [row for row in rows if _is_known(row.measurement)]
        if not rows:
            return self._finding(gate, name, Outcome.MISSING, "not_a_number", None, [])
        sizes = [size for row in rows if (size := sample_size(row.measurement)) is not None]
        if not sizes:
            return self._finding(gate, name, Outcome.INCONCLUSIVE, "no_uncertainty", None, [])
        errored = max(row.measurement.n_errored for row in rows)
        observed = Observed(n=min(sizes), n_errored=errored, method="count")
        if min(sizes) == 0:
            return self._finding(gate, name, Outcome.MISSING, "no_samples", observed, [])
        allowed = self.coverage.max_error_share
        allowed = ctx.defaults.max_error_share if allowed is None else allowed
        shares = [
            (m.n_errored / (size + m.n_errored))
            for m in (row.measurement for row in rows)
            if (size := sample_size(m)) is not None and size + m.n_errored > 0
        ]
        if max(shares) > allowed:
            return self._finding(gate, name, Outcome.INCONCLUSIVE, "too_many_errors", observed, [])
        if min(sizes) < self.coverage.least(name):
            return self._finding(gate, name, Outcome.INCONCLUSIVE, "too_few_samples", observed, [])
        if (ill := self._judge_is_ill(ctx, name)) is not None:
            outcome, reason, words = ill
            return self._finding(gate, name, outcome, reason, observed, [words])
        return self._finding(gate, name, Outcome.PASS, "limit_met", observed, [])

    def _least(self, name: str | None) -> int | None:
        """None where there is no category to name and each needs its own."""
        given = self.coverage.min_samples
        if name is None:
            return given if isinstance(given, int) else None
        return self.coverage.least(name)

    def _judge_is_ill(self, ctx: Context, category: str) -> tuple[Outcome, str, str] | None:
        """Why what the judge said of a category cannot be relied on; None where it is well."""
        judge = self.coverage.judge
        if judge is None:
            return None
        if judge.canaries is not None:
            known = self._about_judge(ctx, judge.canaries, category)
            if known is None or not sample_size(known):
                words = f"{judge.canaries} was not measured, so nothing shows that the judge works"
                return Outcome.MISSING, "not_measured", words
            if not _all_right(known):
                words = f"the judge got known answers wrong ({judge.canaries})"
                return Outcome.INCONCLUSIVE, "judge_unreliable", words
        if judge.reviewed is not None:
            seen = self._about_judge(ctx, judge.reviewed, category)
            size = 0 if seen is None else sample_size(seen) or 0
            if size < judge.min_reviewed:
                words = f"people reviewed {size} examples; {judge.min_reviewed} are needed"
                return Outcome.INCONCLUSIVE, "judge_unreviewed", words
        return None

    def _about_judge(self, ctx: Context, metric: str, category: str) -> Measurement | None:
        """The measurement of a judge's metric for a category, else over all examples."""
        rows = [row.measurement for row in ctx.evidence.rows(canonical_name(metric))]
        dimension = self.coverage.dimension
        own = [
            m
            for m in rows
            if (m.task == category if dimension == TASK else (dimension, category) in m.slice)
        ]
        found = own or [m for m in rows if not m.slice and (dimension != TASK or m.task is None)]
        return found[0] if len(found) == 1 else None

    def _finding(
        self,
        gate: str,
        name: str | None,
        outcome: Outcome,
        reason: str,
        observed: Observed | None,
        details: list[str],
    ) -> Finding:
        dimension = self.coverage.dimension
        is_task = dimension == TASK
        finding = plain_finding(
            self,
            gate,
            outcome,
            reason,
            mode=Mode.EXACT,
            metric=canonical_name(self.metric) if self.metric else None,
            task=name if is_task else None,
            slice=((dimension, name),) if name is not None and not is_task else (),
            observed=observed,
            limit={"dimension": dimension, "min_samples": self._least(name)},
            to_settle=({"samples": self._least(name)} if reason == "too_few_samples" else None),
        )
        detail = details[0] if details else ""
        return finish(finding, message=coverage_sentence(finding, name, detail))
