"""`clearance mlflow`: connect the registry's webhook, and say what holds its models up.

`connect` talks to MLflow with MLflow's own client, which is loaded when it runs, not before;
`status` reads only what the worker noted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.cli.exits import FAILED, UNREACHABLE, CliError
from app.cli.local import database, settings
from app.cli.output import plain_output, progress, show_json, show_text
from app.database import require_current, to_text
from app.pages.escaping import terminal
from app.settings import SettingsError

if TYPE_CHECKING:
    from app.integrations.mlflow.held_up import HeldJob, HeldVersion

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


STATUS_EPILOG = """\b
Examples:
  clearance mlflow status
  clearance mlflow status -o json

\b
It reads the database that CLEARANCE_DATABASE_URL names, and the file of
CLEARANCE_MLFLOW_FILE; MLflow itself is not asked. Exit codes: 0 nothing is
held up, 1 a job fails, a version cannot be judged, or no worker runs.
"""


@mlflow.command(epilog=STATUS_EPILOG)
@plain_output
@click.pass_context
def status(ctx: click.Context, output: str) -> None:
    """What holds the registry's models up: failing jobs and versions that cannot be judged."""
    from app.integrations.mlflow import held_up  # noqa: PLC0415 - for the help's sake
    from app.integrations.mlflow.config import configured  # noqa: PLC0415 - the same
    from app.integrations.mlflow.registry import without_secrets  # noqa: PLC0415 - the same
    from app.jobs.standing import standing  # noqa: PLC0415 - the same

    with database() as (given, engine):
        require_current(engine)
        config = configured(given)
        if config is None:
            raise CliError("No MLflow registry is connected here.", "Set CLEARANCE_MLFLOW_FILE.")
        with engine.connect() as connection:
            jobs = held_up.jobs(connection, config)
            versions = held_up.versions(connection, config)
            workers = standing(connection, datetime.now(UTC))["jobs"]
    is_held_up = workers == "stopped" or bool(versions) or any(job.is_failing for job in jobs)
    registry = {
        "tracking_uri": without_secrets(config.tracking_uri),
        "username": config.username,
        "workspace": config.workspace,
        "rules": len(config.models),
    }
    if output == "json":
        shown = {"jobs": [_as_json(job) for job in jobs], "versions": list(map(_as_json, versions))}
        show_json({"held_up": is_held_up, "registry": registry, "worker": workers, **shown})
    else:
        show_text("\n".join(_lines(registry, str(workers), jobs, versions)))
    ctx.exit(FAILED if is_held_up else 0)


def _as_json(held: "HeldJob | HeldVersion") -> dict[str, Any]:
    times = {k: to_text(v) for k, v in asdict(held).items() if isinstance(v, datetime)}
    return {**asdict(held), **times}


def _lines(
    registry: dict[str, Any],
    workers: str,
    jobs: "Sequence[HeldJob]",
    versions: "Sequence[HeldVersion]",
) -> Iterator[str]:
    """Every text may come from MLflow, or from who wrote into it."""
    who = f" as {registry['username']}" if registry["username"] else ""
    where = f", workspace {registry['workspace']}" if registry["workspace"] else ""
    yield click.style(terminal(f"MLflow at {registry['tracking_uri']}{who}{where}"), bold=True)
    bad, good = click.style("✗", fg="red"), click.style("✓", fg="green")
    if workers == "stopped":
        yield f"{bad} No worker runs: nothing is judged or written. Start `clearance worker`."
    for job in jobs:
        if job.error is None:
            yield f"· {terminal(job.about)}: waits; the worker looks at it {_next(job)}"
            continue
        times = f" ({job.failures} times in a row)" if job.failures > 1 else ""
        yield f"{bad} {terminal(job.about)}: the last try failed{times}; it is tried {_next(job)}"
        yield f"    {terminal(job.advice or '')}"
        yield f"    It said: {terminal(job.error)}"
    for held in versions:
        name = terminal(f"{held.model} {held.version} at {held.stage}")
        yield f"{bad} {name} could not be judged: {terminal(held.problem)}"
    if workers != "stopped" and not versions and not any(job.is_failing for job in jobs):
        yield f"{good} Nothing is held up."


def _next(job: "HeldJob") -> str:
    return "no more" if job.next_at is None else f"again at {job.next_at:%Y-%m-%d %H:%M:%S} UTC"
