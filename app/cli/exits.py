"""Exit codes and the one error of the command line, which always says what to do next."""

from collections.abc import Mapping
from typing import IO, Any, Final

import click

from app.pages.escaping import terminal

PASSED: Final = 0
FAILED: Final = 1
USAGE: Final = 2
PENDING: Final = 3
UNREACHABLE: Final = 4

_BY_STATUS: Final[Mapping[str, int]] = {
    "passed": PASSED,
    "failed": FAILED,
    "expired": FAILED,
    "revoked": FAILED,
    "superseded": FAILED,
    "pending": PENDING,
    "observed": PENDING,
}


def code_of(status: object) -> int:
    """The exit code for where a decision stands; what is unknown has not passed."""
    return _BY_STATUS.get(str(status), FAILED)


class CliError(click.ClickException):
    """Something that the user can put right: one sentence, further lines, an exit code."""

    def __init__(self, message: str, *details: str, code: int = USAGE) -> None:
        super().__init__(message)
        self.details = details
        self.code = code

    def show(self, file: IO[Any] | None = None) -> None:
        """To stderr; texts may come from files and services, so they are made harmless."""
        click.secho("Error: ", fg="red", bold=True, nl=False, err=True, file=file)
        click.echo(terminal(self.message), err=True, file=file)
        for line in self.details:
            click.echo(f"  {terminal(line)}", err=True, file=file)
