"""`clearance serve`: run the service.

An empty database gets its tables and one admin key, printed once. An older one is left alone.
"""

from contextlib import nullcontext

import click
import uvicorn
from sqlalchemy import func, select

from app.auth.keys import KeyRequest
from app.auth.tables import api_key
from app.cli.attendant import Attendant
from app.cli.exits import UNREACHABLE, CliError
from app.cli.listening import address, bound
from app.cli.local import Local, database, opened, settings
from app.cli.output import show_text
from app.database import SchemaState, migrate, require_current, schema_state
from app.main import create_app
from app.settings import SettingsError

EPILOG = """\b
Examples:
  clearance serve
  CLEARANCE_DATABASE_URL=postgresql://clearance@db/clearance clearance serve --host 0.0.0.0

\b
Without CLEARANCE_DATABASE_URL it keeps everything in ./clearance.db.
"""


@click.command(epilog=EPILOG)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65_535))
@click.option(
    "--worker/--no-worker",
    "attended",
    default=True,
    show_default=True,
    help="Run `clearance worker` (deadlines, notices, clean-up) as a child.",
)
def serve(host: str, port: int, *, attended: bool) -> None:
    """Run the service; on an empty database, set it up first."""
    prepare()
    try:
        app = create_app(settings())
    except SettingsError as error:
        said, *lines = str(error).splitlines()
        raise CliError(said, *map(str.strip, lines)) from None
    # One process: the record's writer is its own queue, and replicas share a PostgreSQL.
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        log_level="warning",
    )
    listening = bound(config, "clearance serve")
    with listening:
        where = settings().public_url or address(host, listening.getsockname()[1])
        with opened() as local:
            first = None if _has_keys(local) else _first_key(local)
        show_text(f"Clearance listens on {where} (stop with Ctrl-C).")
        if first is not None:
            show_text(_welcome(first, where))
        server = uvicorn.Server(config)
        try:
            with Attendant() if attended else nullcontext():
                server.run(sockets=[listening])
        except KeyboardInterrupt:
            return
    if not server.started:
        raise CliError("The service did not start; the log above says why.", code=UNREACHABLE)


def prepare() -> None:
    """Tables for an empty database; every other state must be current."""
    with database() as (_, engine):
        if schema_state(engine) is SchemaState.EMPTY:
            migrate(engine)
        require_current(engine)


def _has_keys(local: Local) -> bool:
    with local.engine.connect() as connection:
        return bool(connection.execute(select(func.count()).select_from(api_key)).scalar_one())


def _first_key(local: Local) -> str:
    return local.create_key(KeyRequest("admin", ("admin",), person=True)).secret


def _welcome(secret: str, where: str) -> str:
    return "\n".join(
        [
            "",
            click.style("The first admin key, shown this once:", bold=True),
            f"  export CLEARANCE_TOKEN={secret}",
            f"  export CLEARANCE_URL={where}",
            "",
            "Try it in another terminal:",
            f'  curl -H "Authorization: Bearer $CLEARANCE_TOKEN" {where}/v1/metrics',
            "  clearance policy push policy.yaml",
            "  clearance submit results.json --model M --version V --stage evaluation",
            "Keys for pipelines and reviewers: clearance key create --help",
        ]
    )
