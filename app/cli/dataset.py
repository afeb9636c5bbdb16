"""`clearance dataset add`: send a data set, so that evaluations can name it by its digest."""

import click

from app.cli.data import added
from app.cli.output import plain_output, show_json, show_text
from app.cli.service import Service

EPILOG = """\b
Examples:
  clearance dataset add train.parquet
  clearance submit -m churn -v 7 -s monitoring \\
      --data reference=sha256:… current=today.csv
"""


@click.group()
def dataset() -> None:
    """Data sets that evaluations compare."""


@dataset.command(epilog=EPILOG)
@click.argument("file")
@plain_output
def add(file: str, output: str) -> None:
    """Send a data set (Parquet, CSV, JSON Lines) and print its digest."""
    found = added(Service(), file)
    if output == "json":
        show_json(found)
    else:
        show_text(str(found["digest"]))
