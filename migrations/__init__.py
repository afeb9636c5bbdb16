"""Alembic revisions; `app.database.migrate` applies them, no .ini needed."""
