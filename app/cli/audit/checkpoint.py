"""`clearance audit checkpoint`: the newest signed head of the record, to be kept elsewhere."""

import click

from app.cli.service import Service


@click.command(epilog="\b\nExample:\n  clearance audit checkpoint > checkpoint.txt")
def checkpoint() -> None:
    """The newest signed checkpoint; keep copies outside the service."""
    click.echo(Service().text("/audit/checkpoint", "text/plain"), nl=False)
