"""`clearance policy diff`: what changes between two policies, rule by rule."""

import click

from app.cli.output import plain_output, show_json, show_text
from app.cli.policy_files import local_text, policy
from app.cli.policy_service import published_document
from app.pages.escaping import terminal
from app.policies.difference import differences

EPILOG = """\b
Examples:
  clearance policy diff old.yaml new.yaml
  clearance policy diff support-bot-release@3 policy.yaml
"""


@click.command(epilog=EPILOG)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@plain_output
def diff(old: str, new: str, output: str) -> None:
    """What changes from OLD to NEW: files, packs, or published policies as NAME[@VERSION]."""
    before, after = (
        policy(name).policy.document if local_text(name) is not None else published_document(name)
        for name in (old, new)
    )
    found = differences(before, after)
    if output == "json":
        show_json({"identical": not found, "differences": found})
        return
    show_text("\n".join(map(terminal, found)) if found else "They ask for the same.")
