"""`clearance migrate`: bring the database to this version's schema."""

import click

from app.cli.local import database
from app.cli.output import show_text
from app.database import SchemaMismatch, SchemaState, require_current, schema_state
from app.database import migrate as migrate_to_head
from app.settings import Settings

EPILOG = """\b
Example:
  CLEARANCE_DATABASE_URL=postgresql://owner@db/clearance clearance migrate

\b
Make a backup first. Without CLEARANCE_DATABASE_URL it is ./clearance.db.
"""


def _migrate_jobs(settings: Settings) -> None:
    """DBOS's own tables: on SQLite the worker makes them, on PostgreSQL it may lack the right."""
    if settings.is_sqlite:
        return
    from app.jobs.alarm import migrate as migrate_alarms  # noqa: PLC0415 - loads DBOS

    migrate_alarms(settings)


@click.command(epilog=EPILOG)
def migrate() -> None:
    """Bring the database named by CLEARANCE_DATABASE_URL to this version."""
    with database() as (given, engine):
        before = schema_state(engine)
        if before is SchemaState.AHEAD:
            require_current(engine)
            raise SchemaMismatch("The database is newer than this version.")
        if before is not SchemaState.CURRENT:
            migrate_to_head(engine)
        _migrate_jobs(given)
        words = {
            SchemaState.CURRENT: "The database is up to date; nothing to do.",
            SchemaState.EMPTY: "The tables are created.",
        }
        show_text(words.get(before, "The database is brought to this version."))
