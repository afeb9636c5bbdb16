"""coverage: each named category was tested on enough examples, with few errors.

Without `require` it asks the same of whatever was measured, so it can be asked of any file.
"""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from gates.finding import Finding, Observed, finish
from gates.ladder import sample_size
from gates.rules.base import MeasuredRule, Name, Names, Share, Strict, Whole, as_texts
from gates.rules.context import Claim, Context, plain_finding
from gates.rules.selection import Row, canonical_name
from gates.verdict import Mode, Outcome
from gates.wording import coverage_sentence

TASK = "task"


class Wanted(Strict):
    """What coverage asks for."""

    dimension: Name
    require: Annotated[Names | None, BeforeValidator(as_texts)] = None
    min_samples: Annotated[Whole, Field(ge=1)]
    max_error_share: Share | None = None


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
        groups: dict[str, list[Row]] = {}
        for row in ctx.evidence.all():
            m = row.measurement
            if m.aggregate or (metric is not None and row.metric != metric):
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
        if min(sizes) < self.coverage.min_samples:
            return self._finding(gate, name, Outcome.INCONCLUSIVE, "too_few_samples", observed, [])
        return self._finding(gate, name, Outcome.PASS, "limit_met", observed, [])

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
            limit={"dimension": dimension, "min_samples": self.coverage.min_samples},
            to_settle=(
                {"samples": self.coverage.min_samples} if reason == "too_few_samples" else None
            ),
        )
        detail = details[0] if details else ""
        return finish(finding, message=coverage_sentence(finding, name, detail))
