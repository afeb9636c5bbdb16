"""What changes between two resolved policies, in lines a reviewer can read. It judges nothing."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_UNKNOWN = object()


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """`- quality/f1 …`, `+ safety/toxicity …`, `quality/accuracy: min 0.85 -> 0.9`."""
    found = [
        _change(name, before.get(name, _UNKNOWN), after.get(name, _UNKNOWN))
        for name in _names(before, after)
        if name not in {"gates", "version"} and before.get(name) != after.get(name)
    ]
    old, new = dict(_rules(before)), dict(_rules(after))
    for place in dict.fromkeys((*old, *new)):
        found += _rule(place, old.get(place), new.get(place))
    return found


def _rule(
    place: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> Iterator[str]:
    if old is None or new is None:
        sign, rule = ("+", new) if old is None else ("-", old)
        yield f"{sign} {place} {_text(rule)}"
        return
    for name in _names(old, new):
        if old.get(name) != new.get(name):
            yield f"{place}: {_change(name, old.get(name, _UNKNOWN), new.get(name, _UNKNOWN))}"


def _rules(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for gate, rules in document.get("gates", {}).items():
        for rule in rules:
            yield f"{gate}/{rule.get('id')}", rule


def _names(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys((*before, *after)))


def _change(name: str, old: object, new: object) -> str:
    return f"{name} {_text(old)} -> {_text(new)}"


def _text(value: object) -> str:
    if value is _UNKNOWN:
        return "(not set)"
    return json.dumps(value, ensure_ascii=False, default=str)
