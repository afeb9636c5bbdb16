"""`clearance policy push`: publish a policy file as a new, immutable version."""

import click

from app.cli.output import plain_output, show_json, show_text
from app.cli.policy_files import name_in, text_of
from app.cli.service import Service, segment
from app.pages.escaping import terminal

EPILOG = """\b
Example:
  clearance policy push policy.yaml

\b
The same content again changes nothing and shows the version that has it.
"""


@click.command(epilog=EPILOG)
@click.argument("file")
@plain_output
def push(file: str, output: str) -> None:
    """Publish FILE under the name that it gives itself."""
    text = text_of(file)
    found = Service().put(f"/policies/{segment(name_in(file, text))}", text, "application/yaml")
    if output == "json":
        show_json(found)
        return
    words = [f"{found['name']} version {found['version']}, {found['digest']}"]
    words += [f"Warning: {warning}" for warning in found.get("warnings") or ()]
    if not found.get("active", True):
        words.append("It loosens what it inherits: a second person has to approve it.")
    show_text("\n".join(map(terminal, words)))
