"""`clearance policy plan`: what a policy asks of samples, before anything is measured."""

from dataclasses import asdict
from typing import Any

import click

from app.cli.output import plain_output, progress, show_json, show_text
from app.cli.policy_files import policy
from app.cli.service import Service
from app.pages.escaping import terminal
from gates.planning import plan as planned

EPILOG = """\b
Examples:
  clearance policy plan policy.yaml
  clearance policy plan policy.yaml --n 500
  clearance policy plan policy.yaml --history

\b
Sizes are for an 80% chance that a candidate as good as assumed is cleared at
the first look, over all rules together.
"""


@click.command(epilog=EPILOG)
@click.argument("file", metavar="FILE|PACK")
@click.option("--n", type=click.IntRange(1, 1_000_000), help="Examples for each slice.")
@click.option(
    "--history", is_flag=True, help="Ask the service how many stored releases would escalate."
)
@plain_output
def plan(file: str, n: int | None, history: bool, output: str) -> None:  # noqa: FBT001 - click's flag
    """Say for each rule how many examples it takes, and what --n of them can show."""
    loaded = policy(file)
    found = planned(loaded.policy, n)
    expected = _expected(loaded.text) if history else None
    if output == "json":
        show_json({"plan": [asdict(item) for item in found], "expected": expected})
        return
    parts = []
    for item in found:
        sign = "✓" if item.provable else "✗"
        colour = "green" if item.provable else "red"
        parts.append(f"{click.style(sign, fg=colour, bold=True)} {terminal(item.message)}")
    if not found:
        parts.append("No rule of this policy is about measurements.")
    if history:
        parts += ["", _words(expected)]
    show_text("\n".join(parts))


def _expected(text: str) -> dict[str, Any] | None:
    progress("The service decides stored evaluations again by this policy.")
    answer = Service().post("/policies/lint", {"policy": text})
    found: dict[str, Any] | None = answer.get("expected")
    return found


def _words(expected: dict[str, Any] | None) -> str:
    if expected is None:
        return "No stored evaluation is one that this policy applies to."
    return (
        f"Of the newest {expected['evaluations']} stored evaluations it would pass "
        f"{expected['passed']}, escalate {expected['escalated']} and fail {expected['failed']}: "
        f"{expected['lower']:.0%} to {expected['upper']:.0%} of releases would escalate."
    )
