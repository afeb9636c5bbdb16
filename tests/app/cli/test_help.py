from collections.abc import Iterator

import click
import pytest

from app.cli import clearance
from tests.app.cli.shell import clearance as run


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command, info_name=path)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from commands(below, f"{path} {name}")


ALL = dict(commands(clearance, "clearance"))


@pytest.mark.parametrize("path", ALL)
def test_each_command_shows_an_example_of_itself(path):
    text = ALL[path].get_help(click.Context(ALL[path], info_name=path))
    assert "Example" in text
    assert path in text.partition("Example")[2]
    assert "\b" not in text


@pytest.mark.parametrize("path", ALL)
def test_each_option_says_what_it_is_for(path):
    options = [item for item in ALL[path].params if isinstance(item, click.Option)]
    unclear = {"host", "port", "model", "version", "stage", "form"}
    assert [item.name for item in options if not item.help and item.name not in unclear] == []


def test_help_and_version_are_answers():
    done = run("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert all(name in done.stdout for name in ("check", "submit", "serve", "Exit codes"))
    assert run("--version").stdout.startswith("clearance ")


@pytest.mark.parametrize("arguments", [["chekc"], ["policy", "lnt"], ["decision", "x"], ["--no"]])
def test_an_unknown_command_is_wrong_usage(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Error" in done.stderr


def test_the_nearest_command_is_named():
    assert "Did you mean check?" in run("chekc").stderr
