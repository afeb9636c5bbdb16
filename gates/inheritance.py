"""Policies that extend others: rules merge by id, and what gets looser must say why.

Works on written policies (plain values), before rules are parsed.
"""

from collections.abc import Mapping
from typing import Any

OPEN = "set_your_own"
DEFAULTED = ("confidence", "on_inconclusive", "on_missing", "max_error_share")
"""Defaults that are written into inherited rules, so that a child's defaults cannot loosen them."""

_HIGHER = frozenset(
    {"min", "min_samples", "confidence", "min_gain", "min_gain_percent", "min_ratio"}
)
_LOWER = frozenset(
    {
        "max",
        "max_count",
        "rate_below",
        "max_error_share",
        "max_age_days",
        "notice",
        "max_drop",
        "max_gap",
        "max_rise",
        "max_drop_percent",
        "max_rise_percent",
    }
)
_ORDERED: Mapping[str, tuple[object, ...]] = {
    "on_fail": ("advise", "weigh", "escalate", "fail"),
    "on_inconclusive": ("escalate", "fail"),
    "on_missing": ("not_applicable", "escalate", "fail"),
    "mode": ("guard", "exact", "prove"),
    "waivable": (True, False),
    "strict": (False, True),
    "certify": (False, True),
    "grade": ("declared", "attested", "signed"),
}
"""Values from loosest to strictest."""
_IMPLIED: Mapping[str, object] = {
    "on_fail": "fail",
    "mode": "prove",
    "waivable": True,
    "strict": False,
    "certify": False,
}
_FREE = frozenset({"target", "note", "basis", "loosens", "id"})
_STRICTER_WHEN_ABSENT = frozenset({"accepts_point_estimate", "when", "applies_from"})
_NESTED = frozenset({"versus_baseline", "coverage"})


def merge_rule(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """The child's fields over the parent's; nested mappings merge, null removes a field."""
    merged = dict(parent)
    merged.pop("loosens", None)
    for name, value in child.items():
        if name in _NESTED and isinstance(value, Mapping) and isinstance(parent.get(name), Mapping):
            merged[name] = merge_rule(parent[name], value)
        elif value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    return merged


def looser_fields(parent: Mapping[str, Any], merged: Mapping[str, Any]) -> list[str]:
    """The fields in which a merged rule is not the same or stricter than its parent.

    Stricter, field by field: a higher `min`, `min_samples`, `confidence`, `min_gain`; a lower
    `max`, `max_count`, `rate_below`, `max_error_share`, `max_age_days`, `notice`, `max_drop`,
    `max_rise`; `on_fail` towards fail, `on_inconclusive` and `on_missing` towards fail, `mode`
    towards prove, `waivable: false`, a higher `grade`; more in `require` or `needs`; a limit
    added; `when`, `applies_from` or `accepts_point_estimate` removed. Everything else (metric,
    slices, expressions, units, signers that change) counts as looser.
    """
    names = sorted({*parent, *merged} - _FREE)
    return [name for name in names if not _same_or_stricter(name, parent, merged)]


def _same_or_stricter(name: str, parent: Mapping[str, Any], merged: Mapping[str, Any]) -> bool:
    old = parent.get(name, _IMPLIED.get(name))
    new = merged.get(name, _IMPLIED.get(name))
    if old == new:
        return True
    if old == OPEN:
        return new is not None
    if name in _STRICTER_WHEN_ABSENT:
        return new is None or (name == "applies_from" and old is not None and str(new) < str(old))
    if old is None:
        # A new limit or demand tightens; a new scope (where, by, task, source) asks another thing.
        return name in _HIGHER | _LOWER | {"require", "needs", "signed_by", "binds", "grade"}
    if new is None:
        return False
    return _value_is_stricter(name, old, new)


def _value_is_stricter(name: str, old: Any, new: Any) -> bool:
    if name in _HIGHER | _LOWER:
        numbers = all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in (old, new))
        return numbers and (new >= old if name in _HIGHER else new <= old)
    if name in _ORDERED:
        order = _ORDERED[name]
        return new in order and old in order and order.index(new) >= order.index(old)
    if name in {"require", "needs"}:
        return _covers(new, old)
    if name in _NESTED and isinstance(old, Mapping) and isinstance(new, Mapping):
        return not looser_fields(old, new)
    return False


def _covers(new: Any, old: Any) -> bool:
    """Whether a demand asks for everything that another asks for."""
    if isinstance(old, Mapping):
        return isinstance(new, Mapping) and all(
            key in new and _covers(new[key], value) for key, value in old.items()
        )
    return set(_listed(old)) <= set(_listed(new))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def open_fields(raw: Mapping[str, Any]) -> list[str]:
    """Fields, nested ones dotted, that still say `set_your_own`."""
    found = []
    for name, value in raw.items():
        if value == OPEN:
            found.append(name)
        elif isinstance(value, Mapping):
            found += [f"{name}.{inner}" for inner in open_fields(value)]
    return found


def loosened_since(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(what, how) in which a resolved policy is looser than the version of it in force.

    Rules are compared as `extends` compares them, each with its policy's defaults written in; of
    the header, a narrower `applies_to`, fewer reviews, a longer validity, more candidates and a
    dropped `registered_before_results` count. An added rule, gate or review only tightens.
    """
    found = []
    after = _rules_of(new)
    for name, rule in _rules_of(old).items():
        if name not in after:
            found.append((name, "removed"))
        elif looser := looser_fields(rule, after[name]):
            found.append((name, f"{', '.join(looser)} looser than in the version in force"))
    return found + _looser_header(old, new)


def _rules_of(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    defaults = document.get("defaults") or {}
    return {
        f"{gate}/{rule['id']}": {**{k: defaults.get(k, v) for k, v in _STANDARD.items()}, **rule}
        for gate, rules in (document.get("gates") or {}).items()
        for rule in rules
    }


_STANDARD: Mapping[str, object] = {
    "confidence": 0.95,
    "on_inconclusive": "escalate",
    "on_missing": "fail",
    "max_error_share": 0.02,
}


def _looser_header(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    before, after = old.get("applies_to") or {}, new.get("applies_to") or {}
    if not all(_covers(after.get(part, []), before.get(part, [])) for part in ("model", "stage")):
        found.append(("applies_to", "no longer covers what it did"))
    asked, asks = _reviews(old), _reviews(new)
    if any(asks.get(role, 0) < people for role, people in asked.items()):
        found.append(("escalation", "asks fewer people"))
    found += _looser_escalation(old.get("escalation") or {}, new.get("escalation") or {})
    if new.get("valid_days", 90) > old.get("valid_days", 90):
        found.append(("valid_days", "longer"))
    if old.get("registered_before_results") and not new.get("registered_before_results"):
        found.append(("registered_before_results", "dropped"))
    most = new.get("max_candidates")
    if old.get("max_candidates") is not None and (most is None or most > old["max_candidates"]):
        found.append(("max_candidates", "more"))
    return found


def _looser_escalation(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str]]:
    """More ways to fill a seat: one person for several roles, or a stand-in that was not there."""
    found = []
    if new.get("one_answer_per") == "role" != old.get("one_answer_per"):
        found.append(("escalation", "lets one person answer for several roles"))
    hours = {rung["role"]: rung["after_hours"] for rung in old.get("ladder") or ()}
    found += [
        ("escalation", f"lets {rung['role']} answer in place of others")
        for rung in new.get("ladder") or ()
        if rung["after_hours"] < hours.get(rung["role"], float("inf"))
    ]
    return found


def _reviews(document: Mapping[str, Any]) -> dict[str, int]:
    asked = (document.get("escalation") or {}).get("reviews") or [{"role": "*"}]
    return {str(ask["role"]): int(ask.get("min", 1)) for ask in asked}
