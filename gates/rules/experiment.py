"""experiment: an online experiment is sound, its guardrails are not worse, its primary clears.

The candidate is the arm that was tried, the baseline the control. Where the split is broken or the
experiment has not run long enough, its numbers settle nothing; each part is a finding of its own.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gates.finding import Finding, Observed
from gates.ladder import sample_size
from gates.rules.base import Confidence, MeasuredRule, Name, Number, Strict
from gates.rules.comparison import Comparison, Margins
from gates.rules.context import Claim, Context, plain_finding
from gates.rules.judging import Answer
from gates.rules.selection import EvidenceIndex, canonical_name, is_number, targets
from gates.statistics.sample_ratio import DEFAULT_MIN_P, p_value
from gates.verdict import Mode, Outcome

DAYS = "experiment_days"
_SHARED = (
    *("id", "where", "by", "require", "task", "source", "min_samples", "needs"),
    *("max_error_share", "confidence", "on_fail", "basis", "note", "loosens"),
)


class Part(Margins):
    """One metric of an experiment with its margin: `{metric: task_completion, min_gain: 0.01}`."""

    metric: Name
    direction: Literal["higher", "lower"] | None = None
    kind: Name | None = None
    unit: Name | None = None
    range: tuple[Number, Number] | None = None
    quantile: Annotated[Number, Field(gt=0, lt=1)] | None = None

    def margins(self) -> dict[str, float]:
        """The margin as `versus_baseline` writes it."""
        given = {name: getattr(self, name) for name in Margins.model_fields}
        return {name: value for name, value in given.items() if value is not None}


class Design(Strict):
    """What the experiment must show."""

    primary: Part
    guardrails: tuple[Part, ...] = ()
    srm_min_p: Annotated[Number, Field(gt=0, lt=0.5)] = DEFAULT_MIN_P
    allocation: Annotated[Number, Field(gt=0)] = 1.0
    """Units of the candidate for each of the control."""
    min_days: Annotated[Number, Field(gt=0)] | None = None


class Compared(Comparison):
    """A part as the comparison that it is; its findings carry the experiment's kind."""

    KIND: ClassVar[str] = "experiment"


class Experiment(MeasuredRule):
    """`{experiment: {primary: {metric: task_completion, min_gain: 0.01}, min_days: 14}}`."""

    KIND: ClassVar[str] = "experiment"

    experiment: Design
    mode: Literal[Mode.PROVE] = Mode.PROVE
    confidence: Confidence | None = None

    @cached_property
    def parts(self) -> tuple[Compared, ...]:
        """The primary, then the guardrails, as comparisons. Raises ValidationError."""
        return tuple(map(self._part, (self.experiment.primary, *self.experiment.guardrails)))

    def _part(self, part: Part) -> Compared:
        fields = {name: getattr(self, name) for name in _SHARED}
        fields |= {name: getattr(part, name) for name in ("metric", "direction", "unit", "range")}
        fields |= {"quantile": part.quantile, "kind": part.kind}
        given = {name: value for name, value in fields.items() if value not in (None, ())}
        return Compared.model_validate({**given, "versus_baseline": part.margins()})

    def problems(self) -> list[tuple[str, str]]:
        """Those of each part, and metrics that stand twice."""
        found = super().problems()
        for part in self.parts:
            found += [("experiment", f"{part.metric}: {detail}") for _, detail in part.problems()]
        names = [canonical_name(part.metric) for part in self.parts]
        if len(set(names)) != len(names):
            found.append(("experiment", "a metric stands twice"))
        return found

    def check(self, ctx: Context, gate: str) -> list[Claim]:
        """The split, the days, then the primary and each guardrail by slice."""
        split = self._split(ctx, gate)
        claims = [Claim(split)]
        days = None
        if self.experiment.min_days is not None:
            days = self._days(ctx, gate, self.experiment.min_days)
            claims.append(Claim(days))
        for part in self.parts:
            for claim in part.check(ctx, gate):
                if split.outcome is not Outcome.PASS:
                    claims.append(_void(claim, split))
                elif days is not None and days.outcome is not Outcome.PASS:
                    claims.append(_early(claim, days))
                else:
                    claims.append(claim)
        return claims

    def _split(self, ctx: Context, gate: str) -> Finding:
        """Whether both arms got the units that they were meant to get, by the primary's sizes."""
        units = tuple(self._units(index) for index in (ctx.evidence, ctx.baseline))
        limit = {"srm_min_p": self.experiment.srm_min_p}
        one, two = units
        if one is None or two is None:
            return plain_finding(
                self,
                gate,
                Outcome.MISSING,
                "not_measured",
                limit=limit,
                metric="srm_p",
                message="The sample ratio is unknown: both arms need `n` on the primary metric.",
            )
        p = p_value((one, two), (self.experiment.allocation, 1.0), ctx.defaults.n_plan)
        holds = p >= self.experiment.srm_min_p
        meant = self.experiment.allocation / (1.0 + self.experiment.allocation)
        words = f"{one:,} units of {one + two:,} are the candidate's; {meant:.4g} of all were meant"
        verdict = "The split is what it should be" if holds else "The split is broken"
        end = "." if holds else "; find out why before comparing anything."
        return plain_finding(
            self,
            gate,
            Outcome.PASS if holds else Outcome.FAIL,
            "limit_met" if holds else "sample_ratio_mismatch",
            mode=Mode.EXACT,
            metric="srm_p",
            observed=Observed(value=p, n=one + two, method="sample_ratio"),
            limit=limit,
            message=f"{verdict}: {words}{end}",
        )

    def _units(self, index: EvidenceIndex) -> int | None:
        """Units with a result or an error, over all slices of the primary."""
        part = self.parts[0]
        found = 0
        for target in targets(part, part.subject.metric, index):
            sizes = [sample_size(row.measurement) for row in target.rows]
            if not sizes or None in sizes:
                return None
            found += max(size for size in sizes if size is not None)
            found += max(row.measurement.n_errored for row in target.rows)
        return found or None

    def _days(self, ctx: Context, gate: str, least: float) -> Finding:
        values = [row.measurement.value for row in ctx.evidence.rows(DAYS)]
        ran = values[0] if len(values) == 1 else None
        limit = {"min_days": least}
        if ran is None or not is_number(ran):
            words = f"Nothing says how long the experiment ran; send {DAYS} as a measurement."
            return plain_finding(
                self, gate, Outcome.MISSING, "not_measured", limit=limit, metric=DAYS, message=words
            )
        enough = ran >= least
        return plain_finding(
            self,
            gate,
            Outcome.PASS if enough else Outcome.INCONCLUSIVE,
            "limit_met" if enough else "too_short",
            mode=Mode.EXACT,
            metric=DAYS,
            observed=Observed(value=ran, method="exact"),
            limit=limit,
            message=f"The experiment ran {ran:g} days; {least:g} were agreed.",
        )


def _void(claim: Claim, split: Finding) -> Claim:
    """A comparison of arms whose split is broken or unknown says nothing, and takes no look."""
    if claim.finding.outcome is Outcome.MISSING and claim.question is None:
        return claim
    reason = "sample_ratio_mismatch" if split.outcome is Outcome.FAIL else "sample_ratio_unknown"
    words = f"{claim.finding.metric}: not compared, because the split is broken or unknown."
    return Claim(replace(claim.finding, outcome=Outcome.INCONCLUSIVE, reason=reason, message=words))


def _early(claim: Claim, days: Finding) -> Claim:
    """Before the agreed days are over a comparison can fail, but not pass."""
    if claim.conclude is None:
        return claim
    conclude: Callable[[Answer], Finding] = claim.conclude

    def concluded(answer: Answer) -> Finding:
        found = conclude(answer)
        if found.outcome is not Outcome.PASS:
            return found
        words = f"{found.message} {days.message}"
        return replace(
            found, outcome=Outcome.INCONCLUSIVE, reason="too_short", proven=False, message=words
        )

    return claim._replace(conclude=concluded)
