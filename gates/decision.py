"""decide(): policy, submission, history, waivers and time in, one decision out.

The only entry point of this package. It reads nothing and remembers nothing: same inputs, same
bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gates.engine import engine, tables
from gates.evidence import Candidate, ImpossibleEvidence, Submission
from gates.explanation import summary
from gates.expressions import ExpressionError, run
from gates.finding import Finding
from gates.folding import concluded, reasons_of, score_of, waived, with_effect
from gates.history import History, Look
from gates.nearest import closing
from gates.policy import Policy
from gates.record import decision_digest, whole_json
from gates.rules.base import Rule
from gates.rules.context import Claim, Context
from gates.rules.looks import LookBook
from gates.rules.plain import broken, inapplicable, looks_of, registration_claims
from gates.verdict import Effect, Verdict, worst_effect, worst_verdict
from gates.waivers import Waiver


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's findings in policy order, and the worst they lead to."""

    gate: str
    verdict: Verdict
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class ReviewNeed:
    """What an escalation asks of people; None on a Decision that does not escalate."""

    needed: tuple[tuple[str, int], ...]
    """(role, minimum number of people), sorted by role; role `*` is any reviewer."""
    due_hours: float
    expires_hours: float
    evidence_first_hours: float
    """0 unless every open finding could be settled by more examples."""
    ladder: tuple[tuple[float, str], ...]
    """(hours after opening, role that is asked as well from then on)."""
    one_answer_per: str = "person"
    """`role` lets one person answer for each role they hold."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The engine's answer; `digest` covers candidate, evidence, policy, waivers and findings."""

    verdict: Verdict
    digest: str
    candidate: Candidate
    stage: str
    attempt: int
    engine: str
    tables: str
    """The digest of what the engine's estimators look up."""
    policy_name: str
    policy_digest: str
    summary: str
    gates: tuple[GateResult, ...]
    score: float | None
    observe: bool
    grants: Mapping[str, Any]
    valid_days: float
    valid_until: datetime | None
    """The end of validity imposed by waivers and documents, None when only valid_days counts."""
    review: ReviewNeed | None
    reasons: tuple[str, ...]
    """Why the verdict is what it is beside findings: nothing_proven, many_candidates, ..."""
    waivers: tuple[str, ...]
    """Ids of the waivers that were applied."""
    looks: tuple[Look, ...]
    """The looks this decision takes; a caller that only previews drops them."""
    context: Mapping[str, Any]
    """Counts that belong beside a decision: candidates judged, uses of the baseline sample."""
    decided_at: datetime
    evidence: bytes | None
    """The evidence as JSON, as the digest has it: who stores it need not write it again.

    None where it is large: `evidence_pieces` writes it again without holding it whole."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, gate by gate."""
        return tuple(finding for gate in self.gates for finding in gate.findings)


def decide(
    policy: Policy,
    submission: Submission,
    history: History,
    waivers: Sequence[Waiver],
    at: datetime,
) -> Decision:
    """Judge a submission by a policy (policy.md).

    Args:
        policy: A loaded policy.
        submission: Candidate, stage, evidence and baseline.
        history: Looks, stages, documents and facts as they stand at `at`.
        waivers: Approved waivers; those out of scope or time are ignored.
        at: The time of the decision, aware, UTC.

    Raises:
        ImpossibleEvidence: for values that no sample can have, or two for one question.
    """
    ctx = Context(policy.defaults, submission, history, at, LookBook(history.looks))
    checked = [(rule, _check(ctx, gate, rule)) for gate, rule in policy.rules()]
    if policy.header.registered_before_results:
        checked.insert(0, registration_claims(ctx))
    claims = [claim for _, some in checked for claim in some]
    settled = iter(concluded(checked, ctx.defaults.alpha_fail))
    findings: list[Finding] = []
    used: dict[str, Waiver] = {}
    scope = (submission.candidate, submission.stage, at)
    for rule, some in checked:
        for _ in some:
            finding = with_effect(next(settled), rule, ctx.defaults)
            finding, waiver = waived(finding, rule, waivers, scope)
            if waiver is not None:
                used[waiver.id] = waiver
            findings.append(finding)
    return _fold(policy, ctx, claims, findings, used)


def _check(ctx: Context, gate: str, rule: Rule) -> list[Claim]:
    """A rule's claims; one that does not apply yet, or here, says so and keeps its weight."""
    if rule.applies_from is not None and ctx.at.date() < rule.applies_from:
        return [inapplicable(rule, gate, f"applies from {rule.applies_from.isoformat()}")]
    if rule.when is not None:
        try:
            if not run(rule.when, ctx.variables):
                return [inapplicable(rule, gate, f"does not apply: {rule.when} is false")]
        except ExpressionError as error:
            return [broken(rule, gate, f"`when` of {gate}/{rule.id}: {error}")]
    try:
        claims: list[Claim] = rule.check(ctx, gate)
    except ImpossibleEvidence:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # A fault of ours must not become anybody's pass: it fails, and names the rule.
        return [broken(rule, gate, f"{gate}/{rule.id} could not be judged: {error}")]
    return claims


def _fold(
    policy: Policy,
    ctx: Context,
    claims: Sequence[Claim],
    findings: Sequence[Finding],
    used: Mapping[str, Waiver],
) -> Decision:
    header = policy.header
    evidence = whole_json(ctx.submission.evidence)
    verdict = _EFFECT_VERDICT[worst_effect(finding.effect for finding in findings)]
    score = score_of(findings, header.score)
    reasons = reasons_of(verdict, findings, score, header.score)
    judged = ctx.history.candidates_judged
    if header.max_candidates is not None and judged >= header.max_candidates:
        reasons.append("many_candidates")
    verdict = worst_verdict((verdict, *(_REASON_VERDICT[reason] for reason in reasons)))
    by_gate: dict[str, list[Finding]] = {}
    for finding in findings:
        by_gate.setdefault(finding.gate, []).append(finding)
    gates = tuple([_gate(gate, some) for gate, some in by_gate.items()])
    ends = [waiver.expires_at for waiver in used.values()]
    ends += [claim.valid_until for claim in claims if claim.valid_until is not None]
    looks = looks_of(claims, findings)
    return Decision(
        verdict=verdict,
        digest=decision_digest(policy.digest, ctx.submission, evidence, findings, used.values()),
        candidate=ctx.candidate,
        stage=ctx.submission.stage,
        attempt=max((look.number for look in looks), default=1),
        engine=engine(),
        tables=tables(),
        policy_name=policy.name,
        policy_digest=policy.digest,
        summary=summary(verdict, findings, reasons) + closing(verdict, findings),
        gates=gates,
        score=score,
        observe=header.observe,
        grants=header.grants,
        valid_days=header.valid_days,
        valid_until=min(ends, default=None),
        review=_review(policy, findings) if verdict is Verdict.ESCALATE else None,
        reasons=tuple(reasons),
        waivers=tuple(sorted(used)),
        looks=looks,
        context={
            "candidates_judged": judged,
            "baseline_uses": ctx.history.baseline_uses,
            "uncounted": "previews and runs that were never sent",
        },
        decided_at=ctx.at,
        evidence=evidence,
    )


_EFFECT_VERDICT = {
    Effect.NONE: Verdict.PASS,
    Effect.ESCALATE: Verdict.ESCALATE,
    Effect.FAIL: Verdict.FAIL,
}
_REASON_VERDICT = {
    "nothing_proven": Verdict.ESCALATE,
    "nothing_decided": Verdict.ESCALATE,
    "not_all_measured": Verdict.ESCALATE,
    "many_candidates": Verdict.ESCALATE,
    "score_low": Verdict.ESCALATE,
    "score_failed": Verdict.FAIL,
}


def _gate(gate: str, findings: Sequence[Finding]) -> GateResult:
    verdict = _EFFECT_VERDICT[worst_effect(finding.effect for finding in findings)]
    return GateResult(gate, verdict, tuple(findings))


def _review(policy: Policy, findings: Sequence[Finding]) -> ReviewNeed:
    """Whom an escalation asks: per role the maximum, due sign-offs included."""
    escalation = policy.header.escalation
    needed = {ask.role: ask.min for ask in escalation.reviews}
    for finding in findings:
        if finding.reason == "sign_off_due":
            role = str((finding.limit or {})["sign_off"])
            needed[role] = max(1, needed.get(role, 0))
    open_ = [finding for finding in findings if finding.effect is Effect.ESCALATE]
    by_samples = bool(open_) and all(
        finding.to_settle is not None and finding.to_settle.get("samples") for finding in open_
    )
    return ReviewNeed(
        needed=tuple(sorted(needed.items())),
        due_hours=escalation.due_hours,
        expires_hours=escalation.expires_hours,
        evidence_first_hours=escalation.evidence_first_hours if by_samples else 0.0,
        ladder=tuple((rung.after_hours, rung.role) for rung in escalation.ladder),
        one_answer_per=escalation.one_answer_per,
    )
