"""passed_stage: the same candidate holds a clearance at an earlier stage."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from gates.finding import Finding
from gates.history import PassedStage as Passed
from gates.rules.base import Name, Number, Rule
from gates.rules.context import Claim, Context
from gates.verdict import Mode, Outcome
from gates.wording import stage_sentence


class PassedStage(Rule):
    """`{passed_stage: evaluation, max_age_days: 30}`."""

    KIND: ClassVar[str] = "passed_stage"

    passed_stage: Name
    max_age_days: Annotated[Number, Field(gt=0)] | None = None

    def check(self, ctx: Context, gate: str) -> list[Claim]:
        """One claim; the clearance that lasts longest answers."""
        standing = [passed for passed in ctx.history.passed_stages if self._is_same(passed, ctx)]
        current = [passed for passed in standing if self._is_current(passed, ctx)]
        if current:
            outcome, reason = Outcome.PASS, "limit_met"
        elif standing:
            outcome, reason = Outcome.MISSING, "stale"
        elif ctx.history.offline:
            outcome, reason = Outcome.INCONCLUSIVE, "needs_service"
        else:
            outcome, reason = Outcome.MISSING, "stage_not_passed"
        limit: dict[str, object] = {"passed_stage": self.passed_stage}
        if self.max_age_days is not None:
            limit["max_age_days"] = self.max_age_days
        finding = Finding(
            rule=self.id,
            gate=gate,
            kind=self.KIND,
            outcome=outcome,
            reason=reason,
            message="",
            mode=Mode.EXACT,
            proven=outcome is Outcome.PASS,
            limit=limit,
            basis=self.basis.words() if self.basis else None,
            note=self.note,
            loosens=self.loosens,
        )
        return [Claim(replace(finding, message=stage_sentence(finding)))]

    def _is_same(self, passed: Passed, ctx: Context) -> bool:
        if passed.stage != self.passed_stage:
            return False
        digest = ctx.candidate.digest
        if digest is not None and passed.digest is not None:
            return passed.digest == digest
        return passed.version == ctx.candidate.version

    def _is_current(self, passed: Passed, ctx: Context) -> bool:
        if passed.valid_until is not None and passed.valid_until <= ctx.at:
            return False
        if self.max_age_days is None:
            return True
        return passed.passed_at + timedelta(days=self.max_age_days) > ctx.at
