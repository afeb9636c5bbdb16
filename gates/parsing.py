"""From a resolved policy's plain values to typed header and rules; nothing unknown gets through."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from gates.expressions import (
    RULE_VARIABLES,
    WHEN_VARIABLES,
    ExpressionError,
    compile_expression,
)
from gates.header import Header
from gates.problems import PolicyError, Problem, field_problems, line_of, pointer_to
from gates.resolution import Resolved
from gates.rules.base import Rule
from gates.rules.registry import UnknownKindError, kind_of


def parse_header(resolved: Resolved) -> Header:
    """The typed header. Raises PolicyError."""
    fields = {key: value for key, value in resolved.document.items() if key != "gates"}
    try:
        header = Header.model_validate(fields)
    except ValidationError as error:
        raise PolicyError(field_problems(error, "", resolved.lines, Header)) from None
    problems = list(_contradictions(header, resolved))
    if problems:
        raise PolicyError(problems)
    return header


def _contradictions(header: Header, resolved: Resolved) -> list[Problem]:
    found = [*_escalation_contradictions(header), *_score_contradictions(header, resolved)]
    defaults = header.defaults
    if defaults.looks == "anytime" and defaults.n_plan is None:
        detail = "`anytime` needs `n_plan`: about how many examples will there be in the end?"
        found.append(("/defaults/looks", detail))
    if defaults.n_plan is not None and defaults.looks != "anytime":
        found.append(("/defaults/n_plan", "belongs to `looks: anytime`"))
    if not isinstance(header.baseline, str) and len(header.baseline.chosen()) != 1:
        found.append(("/baseline", "needs exactly one of version, alias, last_passed"))
    return [Problem(at, line_of(at, resolved.lines), detail) for at, detail in found]


def _escalation_contradictions(header: Header) -> list[tuple[str, str]]:
    found = []
    escalation = header.escalation
    roles = [ask.role for ask in escalation.reviews]
    if len(set(roles)) != len(roles):
        found.append(("/escalation/reviews", "a role stands twice; give it one `min`"))
    if not escalation.reviews:
        found.append(("/escalation/reviews", "an escalation must ask somebody"))
    if escalation.due_hours > escalation.expires_hours:
        found.append(("/escalation/due_hours", "is later than `expires_hours`"))
    if any(rung.after_hours > escalation.expires_hours for rung in escalation.ladder):
        detail = "a rung comes after `expires_hours`, when it is too late"
        found.append(("/escalation/ladder", detail))
    return found


def _score_contradictions(header: Header, resolved: Resolved) -> list[tuple[str, str]]:
    score = header.score
    if score is None:
        return []
    found = []
    unknown = sorted(set(score.weights) - set(resolved.document.get("gates") or {}))
    if unknown:
        found.append(("/score/weights", f"{unknown[0]} is not a gate of this policy"))
    if sum(score.weights.values()) <= 0:
        found.append(("/score/weights", "the weights add up to nothing"))
    if score.escalate > score.passes:
        found.append(("/score", "`escalate` lies above `pass`"))
    return found


def parse_rules(resolved: Resolved) -> list[tuple[str, tuple[Rule, ...]]]:
    """(gate, rules) in order. Raises PolicyError with all problems of all rules."""
    gates = resolved.document.get("gates")
    if not isinstance(gates, Mapping) or not any(gates.values()):
        line = line_of("/gates", resolved.lines)
        raise PolicyError([Problem("/gates", line, "a policy needs gates with at least one rule")])
    problems: list[Problem] = []
    found = []
    for gate, written in gates.items():
        rules = []
        for position, raw in enumerate(written):
            pointer = _place(resolved, gate, raw, position)
            rule = _parse_rule(raw, pointer, resolved.lines, problems)
            if rule is not None:
                rules.append(rule)
        if not written:
            line = line_of(pointer_to("/gates", gate), resolved.lines)
            problems.append(Problem(pointer_to("/gates", gate), line, "a gate needs a rule"))
        found.append((str(gate), tuple(rules)))
    if problems:
        raise PolicyError(problems)
    return found


def _place(resolved: Resolved, gate: str, raw: Mapping[str, Any], position: int) -> str:
    places = resolved.places
    if places is None:
        return pointer_to("/gates", gate, position)
    return places.get((gate, str(raw.get("id"))), "/extends")


def _parse_rule(
    raw: Mapping[str, Any], pointer: str, lines: Mapping[str, int], problems: list[Problem]
) -> Rule | None:
    try:
        kind = kind_of(raw)
        rule = kind.model_validate(dict(raw))
    except UnknownKindError as error:
        problems.append(Problem(pointer, line_of(pointer, lines), str(error)))
        return None
    except ValidationError as error:
        problems.extend(field_problems(error, pointer, lines, kind))
        return None
    found = [*rule.problems(), *_expression_problems(rule)]
    for field, detail in found:
        place = pointer_to(pointer, field)
        problems.append(Problem(place, line_of(place, lines), detail))
    return None if found else rule


def _expression_problems(rule: Rule) -> list[tuple[str, str]]:
    found = []
    for field, text in rule.expressions():
        variables = WHEN_VARIABLES if field == "when" else RULE_VARIABLES
        try:
            compile_expression(text, variables)
        except ExpressionError as error:
            found.append((field, str(error)))
    return found
