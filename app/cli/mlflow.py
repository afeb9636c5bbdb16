"""`clearance mlflow connect`: create and test the registry's webhook, and name what is in the way.

It talks to MLflow with MLflow's own client, which is loaded when the command runs, not before.
"""

from pathlib import Path

import click

from app.cli.exits import FAILED, UNREACHABLE, CliError
from app.cli.local import settings
from app.cli.output import progress, show_text
from app.pages.escaping import terminal
from app.settings import SettingsError

EPILOG = """\b
Examples:
  clearance mlflow connect --url https://clearance.example.com/v1/hooks/mlflow
  clearance mlflow connect --tracking-uri http://127.0.0.1:5000 \\
      --url http://127.0.0.1:8000/v1/hooks/mlflow

\b
With CLEARANCE_MLFLOW_FILE set, address, credentials and secret come from there.
Without it, a secret is written here and the file to begin with is printed.
Clearance must be running: MLflow sends it test deliveries.
"""
_BEGINNING = """\
tracking_uri: {uri}
webhook_secret_file: {secret}
models:
  - {{model: "*", stage: limited_release, alias: champion}}
"""


@click.group()
def mlflow() -> None:
    """Connect MLflow's model registry."""


@mlflow.command(epilog=EPILOG)
@click.option("--tracking-uri", help="MLflow's address; else the MLflow file's.")
@click.option("--url", required=True, help="Where MLflow reaches POST /v1/hooks/mlflow.")
@click.option("--name", default="clearance", show_default=True, help="The webhook's name.")
@click.option(
    "--secret-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The webhook's secret; made where there is none.",
)
def connect(tracking_uri: str | None, url: str, name: str, secret_file: Path | None) -> None:
    """Create the webhook in MLflow, test it, and say what to change where it does not work."""
    from app.integrations.mlflow import connecting, registry  # noqa: PLC0415 - for the help's sake
    from app.integrations.mlflow.config import configured, parse  # noqa: PLC0415 - the same

    secret = (secret_file or Path("mlflow-webhook.secret")).absolute()
    beginning = _BEGINNING.format(uri=tracking_uri, secret=secret)
    try:
        config = configured(settings())
        is_new = config is None
        if config is None:
            if tracking_uri is None:
                raise CliError("Name MLflow with --tracking-uri, or set CLEARANCE_MLFLOW_FILE.")
            config = parse(beginning)
        changes = {"tracking_uri": tracking_uri, "webhook_secret_file": secret_file}
        config = config.model_copy(update={k: v for k, v in changes.items() if v is not None})
        progress("MLflow's client is loading …")
        with registry.opened(config, retries=0) as opened:
            for step in connecting.connect(opened, config, url, name):
                mark = click.style(
                    "✓" if step.is_good else "!", fg="green" if step.is_good else "yellow"
                )
                show_text(f"{mark} {terminal(step.words)}")
    except SettingsError as error:
        raise CliError(str(error)) from None
    except registry.RegistryError as error:
        raise CliError(str(error), code=UNREACHABLE) from None
    except connecting.ConnectError as error:
        raise CliError(str(error), code=FAILED) from None
    if is_new:
        show_text(
            "\nWrite this to a file, name it in CLEARANCE_MLFLOW_FILE for `clearance serve` and "
            f"`clearance worker`, and say which models ask for what:\n\n{beginning}"
        )
