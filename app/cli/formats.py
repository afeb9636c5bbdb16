"""`clearance formats`: which result files are understood, and by what they are recognised."""

import click

from app.cli.output import plain_output, show_json, show_text
from gates.formats import names


@click.command(epilog="\b\nExample:\n  clearance formats")
@plain_output
def formats(output: str) -> None:
    """Which result files are understood, and by what they are recognised."""
    known = names()
    if output == "json":
        keys = ("name", "title", "recognised_by")
        show_json([dict(zip(keys, item, strict=True)) for item in known])
        return
    parts = []
    for name, title, how in known:
        parts += [f"{click.style(name, bold=True)}: {title}", f"  {how}"]
    show_text("\n".join(parts))
