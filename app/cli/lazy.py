"""A click group that imports a command only when it is called, so that a cold start stays short."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

import click


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its name, also that of its module and function, and one line of help."""

    name: str
    help: str


class LazyGroup(click.Group):
    """Knows its commands by name; loads `<package>.<name>.<name>` when one is needed."""

    def __init__(
        self, *args: Any, commands_of: Sequence[Command], package: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = {command.name: command for command in commands_of}
        self._package = package

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which they were given."""
        del ctx
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module now."""
        del ctx
        if cmd_name not in self._lazy:
            return None
        command = getattr(import_module(f"{self._package}.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """An unknown command names the nearest one."""
        if args and args[0] not in self._lazy and not args[0].startswith("-"):
            self._unknown(ctx, args[0])
        return super().resolve_command(ctx, args)

    def _unknown(self, ctx: click.Context, name: str) -> NoReturn:
        near = get_close_matches(name, self._lazy, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(self._lazy)}."
        raise click.UsageError(f"There is no command {name!r}. {hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(command.name, command.help) for command in self._lazy.values()])
