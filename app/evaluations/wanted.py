"""Which evidence would settle an escalation: what the submitter is told before people are asked."""

import shlex
from typing import Any

from app.pages.standing import UNTIL
from gates.decision import Decision
from gates.finding import Finding
from gates.verdict import Effect


def wanted(decision: Decision, decision_id: str | None) -> dict[str, Any] | None:
    """Which examples, how many, and the commands to run; None where examples settle nothing."""
    open_ = [f for f in decision.findings if f.effect is Effect.ESCALATE]
    by_samples = [f for f in open_ if f.to_settle is not None and f.to_settle.get("samples")]
    if decision.review is None or not by_samples:
        return None
    hours = decision.review.evidence_first_hours
    items = [_wanted(finding) for finding in by_samples]
    candidate = decision.candidate
    submit = ["clearance", "submit", "RESULTS", "--model", candidate.model]
    submit += ["--version", candidate.version, "--stage", decision.stage]
    ask = None if decision_id is None else f"clearance decision ask {decision_id}"
    return {
        "settles_all": len(by_samples) == len(open_),
        "wait_hours": hours,
        "examples": items,
        "message": _words(items, hours),
        "commands": {"submit": shlex.join(submit), "ask": ask},
    }


def _wanted(finding: Finding) -> dict[str, Any]:
    samples = int((finding.to_settle or {})["samples"])
    seen = finding.observed
    have = 0 if seen is None else (seen.n or 0) + seen.n_errored
    return {
        "gate": finding.gate,
        "rule": finding.rule,
        "metric": finding.metric,
        "task": finding.task,
        "slice": dict(finding.slice),
        "have": have,
        "need": samples,
        "more": max(1, samples - have),
    }


def _words(items: list[dict[str, Any]], hours: float) -> str:
    """`Send about 1,460 more of accuracy (language=de), together with those you have.`."""
    parts = [f"about {item['more']:,} more of {_name(item)}" for item in items[:5]]
    more = f" and of {len(items) - 5} others" if len(items) > 5 else ""
    wait = f"{UNTIL} {hours:g} hours, people are asked." if hours else ""
    return f"Send {', '.join(parts)}{more}, together with those you have.{wait}"


def _name(item: dict[str, Any]) -> str:
    scope = [str(item["task"])] if item["task"] else []
    scope += [f"{name}={value}" for name, value in item["slice"].items()]
    name = item["metric"] or f"{item['gate']}/{item['rule']}"
    return f"{name} ({', '.join(scope)})" if scope else str(name)
