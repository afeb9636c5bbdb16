"""`clearance policy new`: a commented policy whose limits these files can prove."""

import click

from app.cli.beside import given
from app.cli.exits import CliError
from app.cli.files import measurements, understood
from app.policies.draft import DraftError, draft
from gates.evidence import ImpossibleEvidence
from gates.statistics.special import use_light

EPILOG = """\b
Example:
  clearance policy new --from results.json > policy.yaml
  clearance check results.json --policy policy.yaml
"""


@click.command(epilog=EPILOG)
@click.option(
    "--from",
    "source",
    multiple=True,
    required=True,
    metavar="FILE",
    help="Result files whose sample sizes set the limits. Repeatable.",
)
@click.option("--name", default="drafted", show_default=True, help="The policy's name.")
@click.option("--model", default="*", show_default=True, help="Which models it applies to.")
@click.option("--stage", default="*", show_default=True, help="Which stages it applies to.")
def new(source: tuple[str, ...], name: str, model: str, stage: str) -> None:
    """Draft a commented policy whose limits these files can prove, to stdout."""
    use_light()
    try:
        files = understood(given(source, alone=False))
        text = draft(measurements(files), name=name, model=model, stage=stage)
    except (DraftError, ImpossibleEvidence) as error:
        raise CliError(f"No policy can be drafted: {str(error).rstrip('.')}.") from None
    click.echo(text, nl=False)
