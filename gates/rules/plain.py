"""Claims that need no test: rules that do not apply, rules that broke, and late policies."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from gates.finding import Finding
from gates.history import Look
from gates.rules.base import Rule
from gates.rules.context import Claim, Context, plain_finding
from gates.verdict import Outcome


def _bare(rule: Rule, gate: str, outcome: Outcome, reason: str, message: str) -> Finding:
    metric = getattr(rule, "metric", None)
    return plain_finding(rule, gate, outcome, reason, message=message, metric=metric)


def inapplicable(rule: Rule, gate: str, why: str) -> Claim:
    """A rule that does not apply; it stays in Holm's family with p = 1."""
    message = f"{rule.id} {why}."
    return Claim(_bare(rule, gate, Outcome.NOT_APPLICABLE, "not_applicable", message))


def broken(rule: Rule, gate: str, why: str) -> Claim:
    """A rule whose expression or code failed."""
    return Claim(_bare(rule, gate, Outcome.ERROR, "expression_error", f"{why}."))


class Registration(Rule):
    """The policy's own demand `registered_before_results`, as a rule so that it shows."""

    KIND: ClassVar[str] = "registration"


def registration_claims(ctx: Context) -> tuple[Rule, list[Claim]]:
    """The policy must have been published before the results were measured."""
    rule = Registration(id="registered-before-results", waivable=False)
    measured = ctx.submission.evidence.measured_at
    published = ctx.history.policy_published_at
    if measured is None:
        outcome, reason = Outcome.MISSING, "no_date"
        words = "The evaluation does not say when it was measured (`measured_at`)."
    elif published is None:
        outcome, reason = Outcome.INCONCLUSIVE, "needs_service"
        words = "Only the service knows when this policy was published."
    elif published > measured:
        outcome, reason = Outcome.FAIL, "policy_after_results"
        words = "The policy was published after the results were measured; measure again."
    else:
        outcome, reason = Outcome.PASS, "limit_met"
        words = "The policy stood before the results were measured."
    return rule, [Claim(_bare(rule, "policy", outcome, reason, words))]


def looks_of(claims: Sequence[Claim], findings: Sequence[Finding]) -> tuple[Look, ...]:
    """The looks that these findings take, one a hypothesis, the worst outcome of its rules."""
    worst: dict[str, Look] = {}
    for claim, finding in zip(claims, findings, strict=True):
        if claim.hypothesis is None or finding.look is None:
            continue
        handed = () if claim.progress is None else (claim.progress,)
        look = Look(claim.hypothesis, claim.inputs, finding.look, str(finding.outcome), handed)
        known = worst.get(claim.hypothesis)
        if known is not None:
            fails = look.outcome == "fail" and known.outcome != "fail"
            look = replace(look if fails else known, progress=(*known.progress, *look.progress))
        worst[claim.hypothesis] = look
    return tuple(worst[key] for key in sorted(worst))
