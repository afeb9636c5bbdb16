"""A policy made of what stands on the command line, one rule per `--require`.

It fills in only what the measurement itself says: how an unknown metric was measured, and that a
price list has no sampling error. It never loosens what was written.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from app.cli.arguments import Requirement
from app.cli.exits import CliError
from app.policies.picking import literal
from app.policies.proposals import Proposal
from app.policies.series import NothingShownError, Series, subject_of
from gates.metrics import nearest, resolve
from gates.policy import Policy, load
from gates.problems import PolicyError
from gates.rules.selection import canonical_name


def policy_of(required: Sequence[Requirement], proposals: Sequence[Proposal]) -> Policy:
    """The policy that asks for exactly this."""
    rules = [_rule(item, proposals) for item in required]
    document = {
        "policy": "command-line",
        "owner": "command line",
        "applies_to": {"model": "*", "stage": "*"},
        "gates": {"required": rules},
    }
    try:
        return load(json.dumps(document, ensure_ascii=False), lambda _: None)
    except PolicyError as error:
        raise CliError(
            "What is required cannot be a policy.", *_problems(required, error)
        ) from None


def _problems(required: Sequence[Requirement], error: PolicyError) -> list[str]:
    """Each problem under the text that it is about."""
    found = []
    for item in error.errors:
        parts = item.pointer.split("/")
        at = int(parts[3]) if len(parts) > 3 and parts[3].isdigit() else None
        written = required[at].written if at is not None and at < len(required) else "--require"
        found.append(f"{written}: {item.detail}")
    return found


def _rule(item: Requirement, proposals: Sequence[Proposal]) -> dict[str, Any]:
    measured = _proposal(item, proposals)
    rule: dict[str, Any] = {
        "metric": item.metric,
        "min" if item.sign == ">=" else "max": item.limit,
    }
    if item.task is not None:
        rule["task"] = literal(item.task)
    if item.unit is not None:
        rule["unit"] = item.unit
    if resolve(item.metric) is None:
        rule |= _declared(item, measured)
    if measured is not None and measured.exact:
        rule["mode"] = "exact"
    return rule


def _proposal(item: Requirement, proposals: Sequence[Proposal]) -> Proposal | None:
    """What was measured of this, over all examples."""
    name = canonical_name(item.metric)
    found = [
        proposal
        for proposal in proposals
        if proposal.series.metric == name
        and not proposal.series.slice
        and item.task in {None, proposal.series.task}
    ]
    return found[0] if len(found) == 1 else None


def _declared(item: Requirement, measured: Proposal | None) -> dict[str, Any]:
    """Direction and kind of a metric that the catalogue lacks, from how it was measured."""
    direction: Literal["higher", "lower"] = "higher" if item.sign == ">=" else "lower"
    if measured is None:
        near = nearest(item.metric)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise CliError(f"{item.written}: {item.metric} was not measured.{hint}")
    first = measured.series.rows[0]
    turned = first._replace(measurement=replace(first.measurement, direction=direction))
    series = Series(item.metric, measured.series.task, (), measured.series.source, (turned,))
    try:
        return {"direction": direction, "kind": subject_of(series).kind}
    except NothingShownError:
        raise CliError(
            f"{item.written}: nothing says what kind of number {item.metric} is.",
            "Send it as count and n, with its stderr, or as scores; or declare its kind in a "
            "policy file.",
        ) from None
