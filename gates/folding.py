"""From claims to findings to a verdict: Holm over the release, effects, waivers, score, fold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gates.certifying import certify
from gates.evidence import Candidate
from gates.finding import Finding, finish
from gates.header import Score
from gates.rules.base import Rule
from gates.rules.context import Claim, Defaults
from gates.statistics.multiplicity import benjamini_hochberg, holm
from gates.verdict import Effect, Mode, Outcome, Verdict, worst_outcome
from gates.waivers import Waiver, covering

NOT_MEASURED = frozenset({"not_measured", "no_slice", "no_document", "no_baseline"})
ALWAYS_COUNTS = frozenset({Outcome.ERROR})


FAMILY = frozenset({"threshold", "versus_baseline", "disparity", "distribution", "experiment"})
"""The kinds whose findings are tested together (policy.md section 3)."""

Checked = Sequence[tuple[Rule, Sequence[Claim]]]
"""Each rule with its claims, in policy order."""


def concluded(checked: Checked, alpha_fail: float) -> list[Finding]:
    """Findings in claim order: Holm over the family, everything else at alpha_fail alone.

    Each rule weighs 1, shared by its claims; claims without a p-value stay in with p = 1. The
    slices of a rule that only advises are a list to look into: Benjamini-Hochberg over them.
    """
    family = [
        (claim, 1 / len(claims))
        for rule, claims in checked
        if _enters_family(rule)
        for claim in claims
    ]
    answers = holm([(claim.p, weight) for claim, weight in family], alpha_fail)
    levels = {id(claim): answer for (claim, _), answer in zip(family, answers, strict=True)}
    for rule, claims in checked:
        if rule.on_fail == "advise" and len(claims) > 1:
            advised = benjamini_hochberg([claim.p for claim in claims], alpha_fail)
            levels.update(
                (id(claim), answer) for claim, answer in zip(claims, advised, strict=True)
            )
    findings: list[Finding] = []
    for rule, claims in checked:
        found = [_concluded(claim, levels.get(id(claim)), alpha_fail) for claim in claims]
        if getattr(rule, "certify", False):
            found = certify(found, [claim.shown for claim in claims])
        findings += found
    return findings


def _concluded(claim: Claim, answer: tuple[bool, float] | None, alpha_fail: float) -> Finding:
    """By what Holm answered, or for a claim that it was not asked about, at alpha_fail alone."""
    rejected, level = answer or (claim.p <= alpha_fail, alpha_fail)
    return claim.settled(rejected=rejected, level=level)


def _enters_family(rule: Rule) -> bool:
    sampled = getattr(rule, "mode", Mode.EXACT) is not Mode.EXACT
    return sampled and rule.KIND in FAMILY and rule.on_fail in {"fail", "escalate"}


def with_effect(finding: Finding, rule: Rule, defaults: Defaults) -> Finding:
    """What a finding does to the verdict, by its rule and the policy's defaults."""
    if (
        finding.outcome is Outcome.MISSING
        and finding.reason in NOT_MEASURED
        and rule.on_missing == "not_applicable"
    ):
        finding = replace(finding, outcome=Outcome.NOT_APPLICABLE)
    if finding.outcome is not Outcome.PASS:  # whose effect is the class's own, none
        finish(finding, effect=_effect(finding, rule, defaults))
    if rule.on_fail in {"advise", "weigh"} and finding.outcome not in ALWAYS_COUNTS:
        is_advice = rule.on_fail == "advise"
        finish(finding, advisory=is_advice, weighed=not is_advice)
    return finding


def _effect(finding: Finding, rule: Rule, defaults: Defaults) -> Effect:
    match finding.outcome:
        case Outcome.ERROR:
            return Effect.FAIL
        case Outcome.PASS | Outcome.NOT_APPLICABLE:
            return Effect.NONE
        case _ if rule.on_fail in {"advise", "weigh"}:
            return Effect.NONE
        case Outcome.FAIL:
            return Effect(rule.on_fail)
        case Outcome.INCONCLUSIVE if finding.reason == "sign_off_due":
            return Effect.ESCALATE
        case Outcome.INCONCLUSIVE:
            return Effect(rule.on_inconclusive or _softened(defaults.on_inconclusive, rule))
        case Outcome.MISSING:
            wanted = rule.on_missing or _softened(defaults.on_missing, rule)
            return Effect.ESCALATE if wanted == "not_applicable" else Effect(wanted)


def _softened(default: str, rule: Rule) -> str:
    """A policy's default is no harsher than the rule's own failure would be."""
    return "escalate" if rule.on_fail == "escalate" else default


def waived(
    finding: Finding,
    rule: Rule,
    waivers: Iterable[Waiver],
    scope: tuple[Candidate, str, datetime],
) -> tuple[Finding, Waiver | None]:
    """The finding with its covering waiver, if one stands; its outcome stays."""
    if not rule.waivable or finding.effect is Effect.NONE or finding.reason == "sign_off_due":
        return finding, None
    candidate, stage, at = scope
    waiver = covering(waivers, finding, candidate, stage, at)
    if waiver is None:
        return finding, None
    return replace(finding, effect=Effect.NONE, waiver=waiver.id), waiver


def score_of(findings: Sequence[Finding], score: Score | None) -> float | None:
    """The weighted mean of gates' shares of weighed rules that pass, 0 to 100; None without any.

    A rule counts once, as its worst slice; waived and inapplicable ones are left out.
    """
    if score is None:
        return None
    by_gate: dict[str, dict[str, list[Outcome]]] = {}
    for finding in findings:
        left_out = finding.waiver is not None or finding.outcome is Outcome.NOT_APPLICABLE
        if finding.weighed and not left_out:
            rules = by_gate.setdefault(finding.gate, {})
            rules.setdefault(finding.rule, []).append(finding.outcome)
    total = sum(score.weights.get(gate, 0.0) for gate in by_gate)
    if total <= 0:
        return 0.0
    share = sum(score.weights.get(gate, 0.0) * _share(rules) for gate, rules in by_gate.items())
    return 100 * share / total


def _share(rules: Mapping[str, Sequence[Outcome]]) -> float:
    passed = [worst_outcome(outcomes) is Outcome.PASS for outcomes in rules.values()]
    return sum(passed) / len(passed)


def reasons_of(
    verdict: Verdict, findings: Sequence[Finding], score: float | None, wanted: Score | None
) -> list[str]:
    """Why a would-be pass is less, beside its findings; and what the score says."""
    found = []
    if wanted is not None and score is not None and score < wanted.escalate:
        found.append("score_failed")
    elif wanted is not None and score is not None and score < wanted.passes:
        found.append("score_low")
    if verdict is not Verdict.PASS:
        return found
    deciding = [
        finding
        for finding in findings
        if not finding.advisory
        and not finding.weighed
        and finding.outcome is not Outcome.NOT_APPLICABLE
    ]
    if not deciding:
        found.append("nothing_decided")
    elif not any(_carries(finding) for finding in deciding):
        found.append("nothing_proven")
    if any(
        finding.outcome is Outcome.NOT_APPLICABLE and finding.reason in NOT_MEASURED
        for finding in findings
    ):
        # Leaving a measurement out must never turn an escalation into a pass (law 2).
        found.append("not_all_measured")
    return found


def _carries(finding: Finding) -> bool:
    """Whether a pass rests on something: proof, a written `exact`, or a document."""
    if finding.outcome is not Outcome.PASS:
        return False
    exact = finding.observed is not None and finding.observed.method == "exact"
    return finding.proven or exact or finding.kind in {"document", "passed_stage"}
