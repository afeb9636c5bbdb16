"""`clearance migrate`: bring the database to this version's schema."""

import click

from app.cli.local import database
from app.cli.output import show_text
from app.database import (
    SchemaMismatch,
    SchemaState,
    migrate as migrate_to_head,
    require_current,
    schema_state,
)

EPILOG = """\b
Example:
  CLEARANCE_DATABASE_URL=postgresql://owner@db/clearance clearance migrate

\b
Make a backup first. Without CLEARANCE_DATABASE_URL it is ./clearance.db.
"""


@click.command(epilog=EPILOG)
def migrate() -> None:
    """Bring the database named by CLEARANCE_DATABASE_URL to this version."""
    with database() as (_, engine):
        before = schema_state(engine)
        if before is SchemaState.AHEAD:
            require_current(engine)
            raise SchemaMismatch("The database is newer than this version.")
        if before is not SchemaState.CURRENT:
            migrate_to_head(engine)
        words = {
            SchemaState.CURRENT: "The database is up to date; nothing to do.",
            SchemaState.EMPTY: "The tables are created.",
        }
        show_text(words.get(before, "The database is brought to this version."))
