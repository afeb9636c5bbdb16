"""`clearance policy show`: the text of a pack, a file, or a published policy."""

import click

from app.cli.policy_files import local_text
from app.cli.policy_service import published_text

EPILOG = """\b
Examples:
  clearance policy show starter > mine.yaml
  clearance policy show support-bot-release@3
"""


@click.command(epilog=EPILOG)
@click.argument("name", metavar="NAME[@VERSION]|FILE")
def show(name: str) -> None:
    """The text as it was written; packs and files need no service."""
    text = local_text(name)
    click.echo(text if text is not None else published_text(name), nl=False)
