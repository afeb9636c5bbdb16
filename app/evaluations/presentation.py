"""A decision as the JSON that pipelines, reports and the command line see (api.md section 2).

Pure values in, plain JSON values out: it looks nothing up and never writes a number that JSON
cannot carry.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, Final, TypedDict, Unpack

from app.evaluations.wanted import wanted
from gates.decision import Decision, GateResult, ReviewNeed
from gates.evidence import Candidate
from gates.finding import Finding, Observed
from gates.nearest import Flip, accepts, flip, hint
from gates.verdict import Verdict

_STATUS: Final[Mapping[Verdict, str]] = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.ESCALATE: "pending",
}


class ServiceFields(TypedDict, total=False):
    """What only the service knows about a decision."""

    id: str
    status: str
    evaluation: str
    policy_version: int
    review: Mapping[str, Any] | None
    valid_until: str | None
    notes: Sequence[str]
    links: Mapping[str, str]


def decision_json(decision: Decision, **service: Unpack[ServiceFields]) -> dict[str, Any]:
    """The Decision without its place in the log, which is known only after the commit."""
    review = service.get("review")
    if review is None and decision.review is not None and not decision.observe:
        review = _unopened(decision.review)
    return {
        "id": service.get("id"),
        "verdict": str(decision.verdict),
        "status": service.get("status") or initial_status(decision),
        "digest": decision.digest,
        "candidate": _candidate(decision.candidate),
        "stage": decision.stage,
        "evaluation": service.get("evaluation"),
        "attempt": decision.attempt,
        "engine": decision.engine,
        "tables": decision.tables,
        "policy": {
            "name": decision.policy_name,
            "version": service.get("policy_version"),
            "digest": decision.policy_digest,
        },
        "summary": decision.summary,
        "reasons": list(decision.reasons),
        "score": decision.score,
        "gates": [_gate(gate) for gate in decision.gates],
        "waivers": list(decision.waivers),
        "review": review,
        "more_evidence": wanted(decision, service.get("id")) if review is not None else None,
        "accepts": list(accepts(decision.findings)) if review is not None else [],
        "observe": decision.observe,
        "grants": dict(decision.grants),
        "context": dict(decision.context),
        "notes": list(service.get("notes", ())),
        "decided_at": time_text(decision.decided_at),
        "valid_days": decision.valid_days,
        "valid_until": service.get("valid_until"),
        "links": dict(service.get("links", {})),
    }


def offline_json(decision: Decision, *, notes: Sequence[str] = ()) -> dict[str, Any]:
    """The same for a decision that nobody recorded: no id, no review, no place in the log."""
    until = None
    if initial_status(decision) == "passed":
        by_policy = decision.decided_at + timedelta(days=decision.valid_days)
        until = time_text(min(by_policy, decision.valid_until or by_policy))
    return {**decision_json(decision, valid_until=until, notes=notes), "audit": None}


def initial_status(decision: Decision) -> str:
    """Where a decision stands the moment it is made."""
    return "observed" if decision.observe else _STATUS[decision.verdict]


def time_text(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds: `2026-11-24T09:30:00.000000Z`."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "model": candidate.model,
        "version": candidate.version,
        "digest": candidate.digest,
        "uri": candidate.uri,
        "components": [dict(component) for component in candidate.components],
    }


def _unopened(need: ReviewNeed) -> dict[str, Any]:
    """What an escalation would ask of people, before anybody has opened a review."""
    return {
        "id": None,
        "status": "awaiting_evidence" if need.evidence_first_hours > 0 else "open",
        "opens_at": None,
        "due_at": None,
        "expires_at": None,
        "needed": [{"role": role, "min": least, "have": 0} for role, least in need.needed],
    }


def _gate(gate: GateResult) -> dict[str, Any]:
    return {
        "gate": gate.gate,
        "verdict": str(gate.verdict),
        "findings": [_finding(finding) for finding in gate.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    observed, candidate, baseline = finding.observed, finding.candidate, finding.baseline
    nearest = flip(finding)
    return {
        "rule": finding.rule,
        "kind": finding.kind,
        "mode": finding.mode and str(finding.mode),
        "metric": finding.metric,
        "task": finding.task,
        "slice": dict(finding.slice),
        "quantile": finding.quantile,
        "unit": finding.unit,
        "direction": finding.direction,
        "outcome": str(finding.outcome),
        "reason": finding.reason,
        "effect": str(finding.effect),
        "proven": finding.proven,
        "certified": finding.certified,
        "observed": None if observed is None else _observed(observed),
        "limit": None if finding.limit is None else dict(finding.limit),
        "target": finding.target,
        "candidate": None if candidate is None else _observed(candidate),
        "baseline": None if baseline is None else _observed(baseline),
        "basis": finding.basis,
        "note": finding.note,
        "message": finding.message,
        "to_settle": None if finding.to_settle is None else dict(finding.to_settle),
        "waiver": finding.waiver,
        "advisory": finding.advisory,
        "weighed": finding.weighed,
        "look": finding.look,
        "loosens": finding.loosens,
        "flags": list(finding.flags),
        "flip": None if nearest is None else _flip(nearest),
        "hint": hint(finding),
    }


def _flip(nearest: Flip) -> dict[str, Any]:
    return {"by": nearest.by, "samples": nearest.samples, "words": nearest.words}


def _observed(seen: Observed) -> dict[str, Any]:
    return {
        "value": _finite(seen.value),
        "n": seen.n,
        "count": seen.count,
        "n_errored": seen.n_errored,
        "lower": _finite(seen.lower),
        "lower_confidence": seen.lower_confidence,
        "upper": _finite(seen.upper),
        "upper_confidence": seen.upper_confidence,
        "method": seen.method,
        "approximate": seen.approximate,
        "scale": seen.scale,
    }


def _finite(number: float | None) -> float | None:
    """A side on which nothing can be said is unbounded: JSON has no infinity, so null."""
    return number if number is None or isfinite(number) else None
