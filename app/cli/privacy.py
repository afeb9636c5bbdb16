"""`clearance privacy`: erase a person, or the evidence of an evaluation, on the database itself.

It shows what will go and asks first; nothing that it does can be undone.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import click
from sqlalchemy import Connection

from app.cli.exits import CliError
from app.cli.local import OPERATOR, opened
from app.cli.output import show_text
from app.pages.escaping import terminal
from app.record import erasing
from app.record.erasing import Erasure, NobodyFound


@click.group()
def privacy() -> None:
    """Erase a person's values, or an evaluation's evidence (on the database)."""


EPILOG = """\b
Examples:
  clearance privacy erase --person 'Ada Lovelace'
  clearance privacy erase --person per_0193f0c0… --yes
  clearance privacy erase --evaluation ev_0193f0c0…

\b
A person: their keys end, their name becomes a pseudonym, comments, names in
contexts and the submitted bodies that held them go. The log keeps commitments
that nobody can open any more, and every proof still verifies.
An evaluation: all bytes that it was decided on go; it cannot be replayed.
Backups, exports and attestations made before are yours to deal with.
"""


@privacy.command(epilog=EPILOG)
@click.option("--person", metavar="NAME|ID", help="A person's name or id.")
@click.option("--evaluation", metavar="ID", help="An evaluation whose evidence must go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(person: str | None, evaluation: str | None, *, yes: bool) -> None:
    """Erase for good, and record that it was done."""
    if (person is None) == (evaluation is None):
        raise CliError("Name a --person or an --evaluation, one of the two.")
    now = datetime.now(UTC)

    def prepared(connection: Connection) -> Erasure:
        if person is not None:
            return erasing.person(connection, person, by=OPERATOR, at=now)
        return erasing.evidence(connection, evaluation or "", by=OPERATOR, at=now)

    _carry_out(prepared, is_person=person is not None, is_sure=yes)


def _carry_out(
    prepared: Callable[[Connection], Erasure], *, is_person: bool, is_sure: bool
) -> None:
    with opened() as local:
        try:
            with local.engine.connect() as connection:
                found = prepared(connection)
        except NobodyFound as error:
            raise CliError(terminal(str(error))) from None
        show_text(_plan(found, is_person=is_person))
        if not is_sure:
            click.confirm("Erase this for good?", abort=True)
        for work in found.works:
            local.commit(work)
        if local.settings.is_sqlite:
            with local.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    show_text(f"Erased. The log says so, under {found.subject}.")


def _plan(found: Erasure, *, is_person: bool) -> str:
    if not is_person:
        return f"The evidence of {found.subject}: what came in, and what it was decided on."
    return (
        f"{found.subject}: {found.values} personal values, {found.keys} standing keys, "
        f"{found.evaluations} evaluations that name the person."
    )
