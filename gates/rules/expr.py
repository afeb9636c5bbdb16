"""expr: a boolean CEL expression over metrics, for what the other kinds cannot say.

It compares values, so it controls no error by itself; `lower` and `upper` bring bounds in.
"""

from dataclasses import replace
from typing import Any, ClassVar

from gates.evidence import Measurement
from gates.expressions import ExpressionError, metric_uses, run
from gates.finding import Finding
from gates.ladder import Unsettled, estimate
from gates.metrics import nearest, resolve
from gates.rules.base import MeasuredRule, MetricRule, Text
from gates.rules.context import Claim, Context
from gates.rules.measured import Absent, Picked, Subject, blocks, pick, subject_of
from gates.rules.sampled import point_value
from gates.rules.selection import EvidenceIndex, targets
from gates.verdict import Mode, Outcome
from gates.wording import expression_sentence


class Expr(MeasuredRule):
    """`{expr: "metrics['cost_per_inference'].value < 0.01 * metrics['revenue'].value"}`."""

    KIND: ClassVar[str] = "expr"

    expr: Text

    def expressions(self) -> list[tuple[str, str]]:
        """`when` and the expression itself."""
        return [*super().expressions(), ("expr", self.expr)]

    def problems(self) -> list[tuple[str, str]]:
        """Metrics must be named literally and be known."""
        found = super().problems()
        if self.by or self.require:
            found.append(("by", "an expression judges one slice; pick it with `where`"))
        try:
            uses = metric_uses(self.expr)
        except ExpressionError as error:
            return [*found, ("expr", str(error))]
        for _, metric, _ in uses:
            known = resolve(metric)
            if known is None:
                near = nearest(metric)
                hint = f"; did you mean {' or '.join(near)}?" if near else ""
                found.append(("expr", f"{metric} is not in the catalogue{hint}"))
            elif known.metric.kind == "quantile" and known.quantile is None:
                found.append(("expr", f"say which quantile of {metric}, e.g. {metric}_p95"))
        return found

    def check(self, ctx: Context, gate: str) -> list[Claim]:
        """One claim. Every metric that is named must be there and finite before anything runs."""
        values: dict[str, Any] = {"metrics": {}, "baseline": {}}
        picked: list[Picked] = []
        for variable, metric, part in metric_uses(self.expr):
            index = ctx.evidence if variable == "metrics" else ctx.baseline
            if variable == "baseline" and ctx.submission.baseline is None:
                absent = Absent("no_baseline", "no baseline was given")
                return [self._claim(gate, Outcome.MISSING, absent.reason, absent.detail, picked)]
            found = self._value(ctx, index, metric, part)
            if isinstance(found, Absent):
                reason, detail = found.reason, found.detail
                if variable == "baseline" and reason in {"not_measured", "no_slice"}:
                    reason, detail = "no_baseline", f"the baseline lacks {metric}"
                outcome = Outcome.MISSING
                if reason == "no_uncertainty":
                    outcome = Outcome.INCONCLUSIVE
                return [self._claim(gate, outcome, reason, detail, picked)]
            number, chosen = found
            values[variable].setdefault(metric, {})[part] = number
            picked.append(chosen)
        try:
            holds = run(self.expr, {**ctx.variables, **values})
        except ExpressionError as error:
            return [self._claim(gate, Outcome.ERROR, "expression_error", str(error), picked)]
        barred = [reason for one in picked for reason in blocks(self, ctx, one.measurement)]
        if holds and barred:
            return [self._claim(gate, Outcome.INCONCLUSIVE, barred[0], "", picked)]
        outcome = Outcome.PASS if holds else Outcome.FAIL
        reason = "limit_met" if holds else "limit_missed"
        return [self._claim(gate, outcome, reason, "", picked)]

    def _value(
        self, ctx: Context, index: EvidenceIndex, metric: str, part: str
    ) -> tuple[float, Picked] | Absent:
        """One field of one metric, with the measurement it was read from."""
        asked = self._asked(metric)
        subject = subject_of(asked)
        (target, *_) = targets(self, subject.metric, index)
        picked = pick(asked, subject, target, None)
        if isinstance(picked, Absent):
            return picked
        if part in {"lower", "upper"}:
            bound = self._bound(ctx, subject, picked.measurement, part)
            return bound if isinstance(bound, Absent) else (bound, picked)
        value = picked.n if part == "n" else point_value(picked.measurement, subject)
        if value is None:
            return Absent("not_measured", f"{metric} was sent without {part}")
        return float(value), picked

    def _bound(self, ctx: Context, subject: Subject, m: Measurement, part: str) -> float | Absent:
        known = estimate(
            m,
            kind=subject.kind,
            value_range=subject.value_range,
            quantile=subject.quantile,
            limit=0.0,
            side="lower" if part == "lower" else "upper",
        )
        if isinstance(known, Unsettled):
            return Absent(known.reason, known.detail)
        alpha = ctx.defaults.alpha_fail
        bound = known.lower if part == "lower" else known.upper
        number = bound(alpha, errors=True)
        if not -1e300 < number < 1e300:
            return Absent("no_uncertainty", f"no bound of {subject.metric} can be computed")
        return number

    def _asked(self, metric: str) -> MetricRule:
        """The metric as a rule of its own, so that it is picked like everywhere else."""
        return MetricRule(
            id=self.id,
            metric=metric,
            where=self.where,
            task=self.task,
            source=self.source,
            needs=self.needs,
        )

    def _claim(
        self, gate: str, outcome: Outcome, reason: str, detail: str, picked: list[Picked]
    ) -> Claim:
        sampled = any(one.n is not None for one in picked)
        finding = Finding(
            rule=self.id,
            gate=gate,
            kind=self.KIND,
            outcome=outcome,
            reason=reason,
            message="",
            mode=Mode.EXACT,
            proven=outcome is Outcome.PASS and not sampled,
            limit={"expr": self.expr},
            basis=self.basis.words() if self.basis else None,
            note=self.note,
            loosens=self.loosens,
        )
        return Claim(replace(finding, message=expression_sentence(finding, detail)))
