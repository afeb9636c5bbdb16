"""Runs the migrations on the connection that `app.database.migrate` hands over.

Called by the `alembic` command itself, it opens the database that the environment names.
"""

import importlib
from pathlib import Path

from alembic import context
from sqlalchemy import Connection

import app
from app.database import IMMEDIATE, make_engine, metadata
from app.settings import read_settings


def load_tables() -> None:
    """Import every noun's tables, so that `metadata` is whole for autogenerate and check."""
    root = Path(app.__path__[0])
    for file in sorted(root.rglob("*tables.py")):
        importlib.import_module(".".join(("app", *file.relative_to(root).with_suffix("").parts)))


def run(connection: Connection) -> None:
    """SQLite's DDL is transactional too: a failed migration leaves nothing half done."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        transactional_ddl=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


load_tables()
given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = make_engine(read_settings())
    with engine.execution_options(**{IMMEDIATE: True}).begin() as opened:
        run(opened)
