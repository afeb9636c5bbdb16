"""What a policy that loads may still get wrong: warnings, in words that say what to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gates.rules.base import MeasuredRule
from gates.rules.threshold import Threshold
from gates.rules.versus_baseline import VersusBaseline

if TYPE_CHECKING:  # policy.py calls this module
    from gates.policy import Policy


def warnings_of(policy: Policy) -> list[str]:
    """Warnings in policy order."""
    found = []
    absolute = {rule.metric for _, rule in policy.rules() if isinstance(rule, Threshold)}
    for gate, rule in policy.rules():
        where = f"{gate}/{rule.id}"
        if isinstance(rule, MeasuredRule) and rule.by and not rule.require:
            found.append(
                f"{where}: `by` without `require`: a slice that nobody measured goes unnoticed on "
                "the first submission"
            )
        if rule.on_missing == "not_applicable":
            found.append(f"{where}: without this measurement the release can never pass by itself")
        for warning in rule.warnings():
            if isinstance(rule, VersusBaseline) and rule.metric in absolute:
                continue
            found.append(f"{gate}/{warning}")
    found += [f"{rule}: looser than inherited: {reason}" for rule, reason in policy.loosened]
    if all(rule.on_fail in {"advise", "weigh"} for _, rule in policy.rules()):
        found.append("every rule is advisory or weighed: this policy can never pass by itself")
    return found
