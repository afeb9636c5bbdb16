"""`clearance migrate`: bring the database to this version's schema."""

import click
from sqlalchemy import Engine

from app.cli.exits import CliError
from app.cli.local import database
from app.cli.output import show_text
from app.database import SchemaMismatch, SchemaState, require_current, schema_state
from app.database import migrate as migrate_to_head
from app.privileges import NoSuchRole, grant
from app.settings import Settings

EPILOG = """\b
Example:
  CLEARANCE_DATABASE_URL=postgresql://owner@db/clearance \\
    clearance migrate --service-role clearance_service

\b
Make a backup first. Without CLEARANCE_DATABASE_URL it is ./clearance.db.
"""


def _migrate_jobs(settings: Settings) -> None:
    """DBOS's own tables: on SQLite the worker makes them, on PostgreSQL it may lack the right."""
    if settings.is_sqlite:
        return
    from app.jobs.alarm import migrate as migrate_alarms  # noqa: PLC0415 - loads DBOS

    migrate_alarms(settings)


def _grant(given: Settings, engine: Engine, role: str) -> None:
    if given.is_sqlite:
        raise CliError("--service-role is for PostgreSQL; a SQLite file has no roles.")
    try:
        grant(engine, role)
    except NoSuchRole as error:
        raise CliError(str(error)) from None


@click.command(epilog=EPILOG)
@click.option(
    "--service-role",
    metavar="ROLE",
    help="PostgreSQL: the role that the service connects as. It gets what it needs and no more.",
)
def migrate(service_role: str | None) -> None:
    """Bring the database named by CLEARANCE_DATABASE_URL to this version."""
    with database() as (given, engine):
        before = schema_state(engine)
        if before is SchemaState.AHEAD:
            require_current(engine)
            raise SchemaMismatch("The database is newer than this version.")
        if before is not SchemaState.CURRENT:
            migrate_to_head(engine)
        _migrate_jobs(given)
        if service_role is not None:
            _grant(given, engine, service_role)
        words = {
            SchemaState.CURRENT: "The database is up to date; nothing to do.",
            SchemaState.EMPTY: "The tables are created.",
        }
        show_text(words.get(before, "The database is brought to this version."))
