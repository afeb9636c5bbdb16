"""The mark by which a decision being made sees that its model's history changed meanwhile."""

from datetime import datetime

from sqlalchemy import Connection, update

from app.models.tables import model


def touch(connection: Connection, name: str, now: datetime) -> None:
    """Decisions about the model that are being made right now have to look again."""
    connection.execute(
        update(model)
        .where(model.c.name == name)
        .values(revision=model.c.revision + 1, updated_at=now)
    )
