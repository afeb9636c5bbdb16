"""`clearance policy lint`: what is wrong with a policy, line by line, without a service."""

import click

from app.cli.output import plain_output, show_json, show_text
from app.cli.policy_files import policy
from app.pages.escaping import terminal

EPILOG = """\b
Examples:
  clearance policy lint policy.yaml
  clearance policy lint starter@1

\b
Exit codes: 0 it loads (with warnings, perhaps), 2 it does not.
"""


@click.command(epilog=EPILOG)
@click.argument("file", metavar="FILE|PACK")
@plain_output
def lint(file: str, output: str) -> None:
    """Say what is wrong with a policy, and what to know about it."""
    found = policy(file).policy
    loosened = [{"rule": rule, "reason": reason} for rule, reason in found.loosened]
    if output == "json":
        warnings = list(found.warnings)
        show_json(
            {"valid": True, "digest": found.digest, "warnings": warnings, "loosened": loosened}
        )
        return
    lines = [f"Warning: {words}" for words in found.warnings]
    lines += [f"Loosens its parent: {item['rule']}: {item['reason']}" for item in loosened]
    lines.append(f"{file} loads: {len(found.rules())} rules, {found.digest}")
    show_text("\n".join(map(terminal, lines)))
