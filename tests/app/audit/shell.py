"""`clearance` in this process: one of its own for each command would take most of the time."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from click.testing import CliRunner

from app.cli import clearance as command
from app.cli.exits import CliError


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str
    bytes: bytes


def clearance(*arguments: str | Path, env: Mapping[str, str]) -> Done:
    """Run it as `app.cli.main` does, with its exit codes."""
    runner = CliRunner(env={**env, "NO_COLOR": "1"})
    result = runner.invoke(command, [str(item) for item in arguments], standalone_mode=False)
    error, code = result.stderr, result.return_value
    match result.exception:
        case None:
            pass
        case CliError() as refused:
            error, code = "\n".join([error, refused.message, *refused.details]), refused.code
        case click.ClickException() as refused:
            error, code = f"{error}\n{refused.format_message()}", 2
        case unexpected:
            raise unexpected
    return Done(code if isinstance(code, int) else 0, result.stdout, error, result.stdout_bytes)
