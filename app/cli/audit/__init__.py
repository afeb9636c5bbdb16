"""`clearance audit`: what an auditor needs, from one checkpoint to the whole record."""

from typing import Final

import click

from app.cli.lazy import Command, LazyGroup

COMMANDS: Final = (
    Command("export", "the whole record as an archive, or its population as CSV (database)"),
    Command("verify", "check an archive, a service or the database, and replay its decisions"),
    Command("sample", "a reproducible sample of decisions, with everything about each"),
    Command("checkpoint", "the newest signed checkpoint; keep copies elsewhere"),
    Command("prove", "check that a decision or an entry is in the record"),
)


@click.group(cls=LazyGroup, commands_of=COMMANDS, package="app.cli.audit")
def audit() -> None:
    """Export, verify, replay and sample the record; checkpoints and proofs from it."""
