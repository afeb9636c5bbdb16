"""From written text to one resolved policy: parents merged in, openings filled, loosening named."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gates.inheritance import DEFAULTED, looser_fields, merge_rule, open_fields
from gates.problems import PolicyError, Problem, line_of, pointer_to
from gates.rules.registry import UnknownKindError, default_id
from gates.yaml_text import YamlError
from gates.yaml_text import load as load_yaml

Resolver = Callable[[str], str | None]
"""`name` or `name@version` -> the text of that policy or pack, or None."""

MAX_PARENTS = 8
MAX_RULES = 2000
_OWN = frozenset({"policy", "version", "description", "extends", "gates"})
"""Header fields that a parent does not hand down."""

Gates = dict[str, dict[str, dict[str, Any]]]


@dataclass(frozen=True)
class Resolved:
    """A policy after `extends`: plain values, the lines of its own text, what it loosens."""

    document: Mapping[str, Any]
    lines: Mapping[str, int]
    loosened: tuple[tuple[str, str], ...]
    places: Mapping[tuple[str, str], str] | None = None
    """(gate, rule id) -> pointer in the written text, for rules that stand there."""


def resolve_text(
    text: str, resolve: Resolver, *, is_parent: bool = False, trail: tuple[str, ...] = ()
) -> Resolved:
    """Merge a policy with everything it extends. Raises PolicyError."""
    try:
        value, lines = load_yaml(text)
    except YamlError as error:
        raise PolicyError([Problem(error.pointer, error.line, error.detail)]) from None
    if not isinstance(value, dict):
        raise PolicyError([Problem("", 1, "a policy is a mapping that starts with `policy:`")])
    inherited: dict[str, Any] = {}
    gates: Gates = {}
    for name in _parents(value, lines):
        parent = _load_parent(name, resolve, trail, lines)
        inherited |= {k: v for k, v in parent.document.items() if k not in _OWN}
        _absorb(gates, parent.document)
    problems: list[Problem] = []
    places: dict[tuple[str, str], str] = {}
    loosened: list[tuple[str, str]] = []
    own = _own_rules(value, lines, problems)
    for gate, identity, raw, pointer in own:
        places[gate, identity] = pointer
        _merge(gates, gate, identity, raw, (pointer, lines, problems, loosened))
    if not is_parent:
        problems += _still_open(gates, places, lines)
    if problems:
        raise PolicyError(problems)
    document = {
        **inherited,
        **{key: item for key, item in value.items() if key not in {"extends", "gates"}},
        "gates": {gate: list(rules.values()) for gate, rules in gates.items()},
    }
    if "gates" not in value and not gates:
        del document["gates"]
    return Resolved(document, lines, tuple(loosened), places)


def _parents(value: Mapping[str, Any], lines: Mapping[str, int]) -> list[str]:
    names = value.get("extends") or []
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        line = line_of("/extends", lines)
        raise PolicyError([Problem("/extends", line, "names policies or packs, as name@version")])
    return names


def _load_parent(
    name: str, resolve: Resolver, trail: tuple[str, ...], lines: Mapping[str, int]
) -> Resolved:
    def refuse(detail: str) -> PolicyError:
        return PolicyError([Problem("/extends", line_of("/extends", lines), detail)])

    if name in trail:
        raise refuse(f"{' extends '.join((*trail, name))}: a circle")
    if len(trail) >= MAX_PARENTS:
        raise refuse(f"more than {MAX_PARENTS} policies extend each other")
    text = resolve(name)
    if text is None:
        raise refuse(f"{name} is neither a pack nor a published policy")
    try:
        return resolve_text(text, resolve, is_parent=True, trail=(*trail, name))
    except PolicyError as error:
        first = error.errors[0]
        raise refuse(f"{name} does not load: {first.pointer}: {first.detail}") from None


def _absorb(gates: Gates, parent: Mapping[str, Any]) -> None:
    """Take over a parent's rules, with its defaults written into them."""
    defaults = parent.get("defaults") or {}
    for gate, rules in (parent.get("gates") or {}).items():
        for rule in rules:
            kept = dict(rule)
            for name in DEFAULTED:
                if name in defaults and _takes(name, kept):
                    kept.setdefault(name, defaults[name])
            gates.setdefault(gate, {})[kept["id"]] = kept


def _takes(name: str, rule: Mapping[str, Any]) -> bool:
    """Whether a default has a meaning on a rule of this kind."""
    if "sign_off" in rule:
        return False
    measured = ("metric" in rule and "coverage" not in rule) or "experiment" in rule
    if name == "confidence":
        return measured
    return measured or name != "max_error_share" or "expr" in rule


def _own_rules(
    value: Mapping[str, Any], lines: Mapping[str, int], problems: list[Problem]
) -> list[tuple[str, str, dict[str, Any], str]]:
    """(gate, id, written rule, pointer) of the rules in this text."""
    gates = value.get("gates")
    if gates is None:
        return []
    if not isinstance(gates, dict):
        problems.append(Problem("/gates", line_of("/gates", lines), "maps gates to lists of rules"))
        return []
    found: list[tuple[str, str, dict[str, Any], str]] = []
    seen: set[tuple[str, str]] = set()
    for gate, rules in gates.items():
        base = pointer_to("/gates", gate)
        if not isinstance(rules, list) or not rules:
            problems.append(Problem(base, line_of(base, lines), "a gate needs at least one rule"))
            continue
        for position, raw in enumerate(rules):
            pointer = pointer_to(base, position)
            line = line_of(pointer, lines)
            if not isinstance(raw, dict):
                problems.append(
                    Problem(pointer, line, "a rule is a mapping like {metric: …, min: …}")
                )
                continue
            identity = _identity(raw, pointer, line, problems)
            if identity is None:
                continue
            if (gate, identity) in seen:
                detail = f"two rules of this gate are called {identity}; give one an `id`"
                problems.append(Problem(pointer, line, detail))
            seen.add((gate, identity))
            found.append((gate, identity, raw, pointer))
    if len(found) > MAX_RULES:
        problems.append(Problem("/gates", line_of("/gates", lines), f"more than {MAX_RULES} rules"))
    return found


def _identity(
    raw: Mapping[str, Any], pointer: str, line: int, problems: list[Problem]
) -> str | None:
    written = raw.get("id")
    if written is not None:
        return str(written)
    try:
        return default_id(raw)
    except UnknownKindError as error:
        problems.append(Problem(pointer, line, str(error)))
        return None


def _merge(
    gates: Gates,
    gate: str,
    identity: str,
    raw: dict[str, Any],
    place: tuple[str, Mapping[str, int], list[Problem], list[tuple[str, str]]],
) -> None:
    """Put a written rule over the inherited one of the same id, if there is one."""
    pointer, lines, problems, loosened = place
    rules = gates.setdefault(gate, {})
    parent = rules.get(identity)
    reason = raw.get("loosens")
    line = line_of(pointer, lines)
    if raw.get("remove") is True:
        if parent is None:
            problems.append(Problem(pointer, line, f"there is no inherited rule {identity}"))
        elif not isinstance(reason, str):
            detail = f"removing {identity} loosens; say why with `loosens`"
            problems.append(Problem(pointer, line, detail))
        else:
            del rules[identity]
            loosened.append((f"{gate}/{identity}", reason))
        return
    if parent is None:
        rules[identity] = {**raw, "id": identity}
        return
    merged = merge_rule(parent, raw)
    looser = looser_fields(parent, merged)
    if looser and not isinstance(reason, str):
        detail = f"{', '.join(looser)} would be looser than inherited; say why with `loosens`"
        problems.append(Problem(pointer, line, detail))
    if looser and isinstance(reason, str):
        loosened.append((f"{gate}/{identity}", reason))
        merged["loosens"] = reason
    rules[identity] = {**merged, "id": identity}


def _still_open(
    gates: Gates, places: Mapping[tuple[str, str], str], lines: Mapping[str, int]
) -> list[Problem]:
    found = []
    for gate, rules in gates.items():
        for identity, raw in rules.items():
            for field in open_fields(raw):
                pointer = places.get((gate, identity), "/extends")
                detail = f"{gate}/{identity}: set your own `{field}`; the pack leaves it open"
                found.append(Problem(pointer, line_of(pointer, lines), detail))
    return found
