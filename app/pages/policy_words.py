"""A policy's rules as sentences a product lead can read aloud. It reads the resolved document."""

from collections.abc import Mapping
from typing import Any, Final

from gates.metrics import resolve
from gates.rounding import limit_text

_COMMON: Final = frozenset(
    {"id", "basis", "note", "loosens", "metric", "min", "max", "unit", "range", "target"}
    | {"direction", "kind", "quantile", "where", "by", "require", "task", "source"}
)
_MARGINS: Final = {
    "max_drop": "drops by at most",
    "max_rise": "rises by at most",
    "min_gain": "improves by at least",
}


def facts(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The policy's head in pairs of label and words."""
    applies = document.get("applies_to") or {}
    escalation = document.get("escalation") or {}
    defaults = document.get("defaults") or {}
    pairs = [
        ("For", document.get("description")),
        ("Owner", document.get("owner")),
        ("Models", _list(applies.get("model"))),
        ("Stages", _list(applies.get("stage"))),
        ("Confidence", _percent(defaults.get("confidence", 0.95))),
        ("Looks", defaults.get("looks", "planned(2)")),
        ("Asks", _asks(escalation)),
        ("Valid for", f"{document.get('valid_days', 90):g} days"),
        ("Allows", _grants(document.get("grants") or {})),
        ("Only observes", "yes: it clears nothing" if document.get("observe") else None),
    ]
    return [(label, str(value)) for label, value in pairs if value]


def gates(document: Mapping[str, Any]) -> list[tuple[str, list[dict[str, str]]]]:
    """(gate, rules in words) in policy order."""
    return [
        (str(name), [_rule(rule) for rule in rules])
        for name, rules in (document.get("gates") or {}).items()
    ]


def _rule(rule: Mapping[str, Any]) -> dict[str, str]:
    basis = rule.get("basis")
    return {
        "id": str(rule.get("id")),
        "words": _words(rule),
        "aside": _aside(rule),
        "basis": f"{basis}" if isinstance(basis, str) else _pairs(basis or {}),
    }


def _words(rule: Mapping[str, Any]) -> str:
    if "document" in rule:
        return f"needs the document {rule['document']}"
    if "passed_stage" in rule:
        return f"has passed {rule['passed_stage']}"
    if "sign_off" in rule:
        return f"needs the sign-off of {rule['sign_off']}"
    if "expr" in rule:
        return f"holds: {rule['expr']}"
    if "coverage" in rule:
        return f"covers {_pairs(rule['coverage'])}"
    if "disparity" in rule:
        return f"{_title(rule['disparity'])} is alike across {_list(rule.get('groups'))}"
    if "versus_baseline" in rule:
        return f"{_title(rule.get('metric'))} {_margin(rule)}"
    if "max_count" in rule:
        below = rule.get("rate_below")
        rate = f", and shown to lie below {_percent(below)}" if below is not None else ""
        return f"{_title(rule.get('metric'))}: at most {rule['max_count']}{rate}"
    return f"{_title(rule.get('metric'))} {_limits(rule)}"


def _limits(rule: Mapping[str, Any]) -> str:
    percent, unit = _is_percent(rule), f" {rule['unit']}" if rule.get("unit") else ""
    parts = []
    if rule.get("min") is not None:
        parts.append(f"is at least {limit_text(rule['min'], percent=percent)}{unit}")
    if rule.get("max") is not None:
        parts.append(f"is at most {limit_text(rule['max'], percent=percent)}{unit}")
    quantile = f" at the {_percent(rule['quantile'])} quantile" if rule.get("quantile") else ""
    return f"{' and '.join(parts) or 'is judged'}{quantile}"


def _margin(rule: Mapping[str, Any]) -> str:
    for name, value in rule["versus_baseline"].items():
        base = name.removesuffix("_percent")
        if value is not None and base in _MARGINS:
            points = "%" if name.endswith("_percent") else ""
            size = limit_text(value, percent=_is_percent(rule) and not points) + points
            return f"{_MARGINS[base]} {size} against the baseline"
    return "is compared with the baseline"


def _aside(rule: Mapping[str, Any]) -> str:
    found = []
    if rule.get("where"):
        found.append(f"only {_pairs(rule['where'])}")
    if rule.get("by"):
        found.append(f"for every {_list(rule['by'])}")
    if rule.get("task"):
        found.append(f"on {rule['task']}")
    found += [
        f"{name.replace('_', ' ')}: {_text(value)}"
        for name, value in rule.items()
        if name not in _COMMON and name not in _SAID and not isinstance(value, Mapping)
    ]
    return "; ".join(found)


_SAID: Final = frozenset(
    {"document", "passed_stage", "sign_off", "expr", "coverage", "disparity", "versus_baseline"}
    | {"max_count", "rate_below", "groups"}
)


def _is_percent(rule: Mapping[str, Any]) -> bool:
    known = resolve(str(rule.get("metric")))
    kind = known.metric.kind if known else rule.get("kind")
    return kind == "proportion" or bool(known and (known.unit or known.metric.unit) == "fraction")


def _title(metric: object) -> str:
    known = resolve(str(metric))
    return known.metric.title if known else str(metric).replace("_", " ")


def _percent(share: Any) -> str:
    return limit_text(float(share), percent=True)


def _asks(escalation: Mapping[str, Any]) -> str:
    reviews = escalation.get("reviews") or []
    asked = ", ".join(f"{ask.get('min', 1)} of {ask.get('role')}" for ask in reviews)
    hours = escalation.get("expires_hours")
    return f"{asked or 'any reviewer'}{f', within {hours:g} hours' if hours else ''}"


def _grants(grants: Mapping[str, Any]) -> str:
    return _pairs(grants)


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {_text(value)}" for name, value in values.items())


def _list(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value or "")


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return _pairs(value)
    return _list(value) if isinstance(value, list | tuple) else str(value)
