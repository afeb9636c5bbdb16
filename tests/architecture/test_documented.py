"""Every command, kind of rule, format and setting is written down where people look for it."""

from collections.abc import Iterator
from dataclasses import fields

import click
import pytest

from app.cli import clearance
from app.settings import PREFIX, Settings
from gates.formats import names
from gates.rules.registry import KINDS
from tests.architecture.tree import ROOT

PAGES = "\n".join(
    path.read_text("utf-8") for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
)


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from _commands(below, f"{path} {name}")


def test_each_command_is_documented_and_helps_itself() -> None:
    commands = dict(_commands(clearance, "clearance"))
    assert len(commands) > 12
    assert [path for path in commands if path not in PAGES] == []
    assert [path for path, command in commands.items() if not command.help] == []


@pytest.mark.parametrize("mark", KINDS)
def test_each_kind_of_rule_is_documented(mark: str) -> None:
    assert f"{mark}:" in (ROOT / "docs/policy.md").read_text("utf-8")


@pytest.mark.parametrize("name", [name for name, _, _ in names()])
def test_each_format_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGES


@pytest.mark.parametrize("setting", [item.name for item in fields(Settings)])
def test_each_setting_is_documented(setting: str) -> None:
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    assert f"| `{PREFIX}{setting.upper()}` |" in page
