"""Policy > Gate > Rule: strictly parsed text, resolved with what it extends, and its digest.

What does not parse completely does not load. Reads nothing by itself: parents come from a
resolver that the caller passes in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from gates.canonical import digest
from gates.header import Header, planned_looks
from gates.lint import warnings_of
from gates.parsing import parse_header, parse_rules
from gates.problems import PolicyError, Problem
from gates.resolution import Resolved, Resolver, resolve_text
from gates.rules.base import Rule
from gates.rules.context import Defaults

__all__ = [
    "Gate",
    "Policy",
    "PolicyError",
    "Problem",
    "Resolver",
    "load",
    "load_document",
    "load_parent",
]


@dataclass(frozen=True)
class Gate:
    """A named group of rules."""

    name: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Policy:
    """A loaded policy. `document` is the resolved written policy; its RFC 8785 digest names it."""

    header: Header
    gates: tuple[Gate, ...]
    document: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    loosened: tuple[tuple[str, str], ...] = ()
    """(gate/rule, reason) of what is looser than in a parent."""

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.header.policy

    @cached_property
    def digest(self) -> str:
        """`sha256:` of the canonical resolved policy: identity, whatever the comments say."""
        return digest(self.document)

    @cached_property
    def defaults(self) -> Defaults:
        """The defaults as the rules read them."""
        written = self.header.defaults
        return Defaults(
            confidence=written.confidence,
            looks=planned_looks(written.looks),
            n_plan=written.n_plan,
            on_inconclusive=written.on_inconclusive,
            on_missing=written.on_missing,
            max_error_share=written.max_error_share,
        )

    def applies(self, model: str | None, stage: str | None) -> bool:
        """Whether `applies_to` matches; a part that is not given is not tested."""
        wanted = self.header.applies_to
        return (model is None or any(fnmatchcase(model, glob) for glob in wanted.model)) and (
            stage is None or any(fnmatchcase(stage, glob) for glob in wanted.stage)
        )

    def rules(self) -> list[tuple[str, Rule]]:
        """(gate, rule) in policy order."""
        return [(gate.name, rule) for gate in self.gates for rule in gate.rules]


def load(text: str, resolve: Resolver) -> Policy:
    """Load a policy from YAML (or JSON) text.

    Args:
        text: The written policy.
        resolve: Gives the text of what it extends, by `name` or `name@version`.

    Raises:
        PolicyError: with every problem found, each with pointer and line.
    """
    resolved = resolve_text(text, resolve)
    header = parse_header(resolved)
    gates = parse_rules(resolved)
    policy = Policy(
        header=header,
        gates=tuple(Gate(name, rules) for name, rules in gates),
        document=resolved.document,
        loosened=resolved.loosened,
    )
    return replace(policy, warnings=tuple(warnings_of(policy)))


def load_document(document: Mapping[str, Any]) -> Policy:
    """Load a resolved policy again from its recorded document (replay)."""
    resolved = Resolved(document, {}, ())
    gates = parse_rules(resolved)
    header = parse_header(resolved)
    return Policy(header, tuple(Gate(name, rules) for name, rules in gates), document)


def load_parent(text: str, resolve: Resolver) -> None:
    """Check a pack that is meant as a parent: it may leave `set_your_own` where a child decides.

    Raises PolicyError.
    """
    resolve_text(text, resolve, is_parent=True)
