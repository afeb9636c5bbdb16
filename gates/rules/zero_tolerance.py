"""zero tolerance: a count is plainly within `max_count`, over enough examples to mean something.

"0 in 5" is not evidence of rarity: with `rate_below` the engine derives how many clean examples
show it, with `min_samples` the policy says so itself.
"""

from math import ceil, nextafter
from typing import Annotated, ClassVar

from pydantic import Field

from gates.explanation import sentence
from gates.finding import Finding, Observed, finish
from gates.reasons import also_bars
from gates.rules.base import Number, Whole
from gates.rules.context import Claim, Context
from gates.rules.cumulative import continued
from gates.rules.judging import Question
from gates.rules.looks import fingerprints, hypothesis_key, inputs_digest
from gates.rules.measured import (
    Absent,
    JudgedRule,
    Picked,
    Subject,
    blocks,
    metric_problems,
    pick,
)
from gates.rules.sampled import Levels, absent_claim, draft, each_target, levels
from gates.rules.selection import Target
from gates.statistics import power, sequence_rate
from gates.statistics.binomial import Rate
from gates.verdict import Mode, Outcome


class ZeroTolerance(JudgedRule):
    """`{metric: attack_success_rate, max_count: 0, rate_below: 0.01}`."""

    KIND: ClassVar[str] = "zero_tolerance"

    max_count: Annotated[Whole, Field(ge=0)]
    rate_below: Annotated[Number, Field(gt=0, lt=1)] | None = None

    def problems(self) -> list[tuple[str, str]]:
        """Needs a countable metric and a sample size from somewhere."""
        found = [*super().problems(), *metric_problems(self)]
        if found:
            return found
        subject = self.subject
        if subject.kind not in {"proportion", "count"}:
            found.append(("metric", f"{subject.metric} is a {subject.kind}; it counts no events"))
        if subject.direction == "higher":
            detail = f"higher is better for {subject.metric}; count what must not happen instead"
            found.append(("max_count", detail))
        if self.rate_below is None and self.min_samples is None:
            found.append(("max_count", "needs `rate_below` or `min_samples`: 0 of 5 shows nothing"))
        if self.mode is not Mode.PROVE:
            found.append(("mode", "a count is compared plainly; leave `mode` out"))
        return found

    def check(self, ctx: Context, gate: str) -> list[Claim]:
        """One claim per (task, slice); counts have no p-value and stay out of Holm."""
        subject = self.subject
        return each_target(
            ctx,
            self,
            lambda target: self._claim(ctx, gate, subject, target),
            lambda target: self._draft(gate, target),
        )

    def _draft(self, gate: str, target: Target) -> Finding:
        limit: dict[str, float] = {"max_count": self.max_count}
        if self.rate_below is not None:
            limit["rate_below"] = self.rate_below
        if self.min_samples is not None:
            limit["min_samples"] = self.min_samples
        return draft(self, gate, target, limit)

    def _claim(self, ctx: Context, gate: str, subject: Subject, target: Target) -> Claim:
        finding = self._draft(gate, target)
        picked = pick(self, subject, target, None)
        if isinstance(picked, Absent):
            return absent_claim(finding, picked, subject)
        n, counted = picked.n, _events(picked)
        finding = finish(finding, flags=picked.flags)
        if n is None or counted is None:
            observed = Observed(value=picked.measurement.value, n=n)
            detail = "a rate without a sample size counts nothing; send count and n"
            bare = finish(
                finding, outcome=Outcome.INCONCLUSIVE, reason="no_uncertainty", observed=observed
            )
            return Claim(finish(bare, message=sentence(bare, subject.title, detail)))
        key = hypothesis_key(subject.metric, None, finding.task, finding.slice, "zero_tolerance")
        inputs = inputs_digest((picked.measurement,))
        level = levels(ctx, self, key, inputs)
        seen = Rate(counted, counted, n, picked.measurement.n_errored)
        question = Question(
            seen, None, self.rate_below, level.alpha, level.next_alpha, scale="count"
        )
        progress, plan = None, ctx.defaults.n_plan
        if plan is not None:
            question, progress = continued(question, finding, (), level.state, plan)
        found = self._judged(ctx, finding, picked, question, level)
        worded = finish(found, message=sentence(found, subject.title, ""))
        return Claim(worded, hypothesis=key, inputs=inputs, progress=progress)

    def _judged(
        self, ctx: Context, finding: Finding, picked: Picked, question: Question, level: Levels
    ) -> Finding:
        m, seen = picked.measurement, question.estimate
        n, events = seen.n or 0, seen.count or 0
        upper = seen.upper(level.alpha, errors=True)
        lower = seen.lower(ctx.defaults.alpha_fail, errors=False)
        if self.rate_below is not None and question.earlier.at_most:
            upper = min(upper, nextafter(self.rate_below, 0.0))
        observed = Observed(
            value=events / n,
            n=n,
            count=events,
            n_errored=m.n_errored,
            lower=lower,
            lower_confidence=round(1 - ctx.defaults.alpha_fail, 12),
            upper=upper,
            upper_confidence=round(1 - level.alpha, 12),
            method=seen.method,
        )
        found = finish(finding, observed=observed, look=level.state.number)
        if events > self.max_count:
            return finish(found, outcome=Outcome.FAIL, reason="count_exceeded")
        foreign = any(mark in ctx.history.foreign_evidence for mark in fingerprints(m))
        reasons = [*(("evidence_of_another_candidate",) if foreign else ())]
        reasons += [*blocks(self, ctx, m), *level.blocks]
        if events + m.n_errored > self.max_count:
            reasons.append("too_many_errors")
        if self.rate_below is not None and upper >= self.rate_below:
            reasons.append("too_few_samples")
        if not reasons:
            return finish(found, outcome=Outcome.PASS, reason="limit_met", proven=True)
        settle = None
        barred = tuple(reason for reason in reasons if reason != reasons[0])
        found = finish(found, flags=found.flags + also_bars(barred))
        can_grow = level.next_alpha is not None and "contradicts_attempt" not in barred
        if reasons[0] == "too_few_samples" and can_grow:
            settle = {"samples": self._samples(events, n, level, ctx.defaults.n_plan)}
        return finish(found, outcome=Outcome.INCONCLUSIVE, reason=reasons[0], to_settle=settle)

    def _samples(self, events: int, n: int, level: Levels, n_plan: int | None) -> int | None:
        """Examples in all that would do at the next look, if no more events come."""
        if level.next_alpha is None:
            return None
        enough = self.min_samples or 0
        if self.rate_below is not None:
            asked = (events, self.rate_below, level.next_alpha)
            shown = (
                power.clean_samples(*asked)
                if n_plan is None
                else sequence_rate.clean_samples(*asked, n_plan)
            )
            if shown is None:
                return None
            enough = max(enough, shown)
        return max(enough, n)


def _events(picked: Picked) -> int | None:
    """The number of events, rounded up where only a rounded rate was sent."""
    m = picked.measurement
    if m.count is not None:
        return m.count
    if m.scores is not None:
        return sum(1 for score in m.scores if score > 0)
    if m.value is not None and m.n is not None:
        return min(m.n, max(0, ceil(m.value * m.n - 0.01)))
    return None
