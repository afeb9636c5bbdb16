"""The one way an answer leaves: stdout, in the form that was asked for. Progress goes to stderr."""

import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from app.cli.exits import CliError, code_of
from app.cli.table import decision_table
from app.pages.escaping import json_text, terminal, workflow_message, workflow_property
from app.pages.reading import headline, lines, tone
from app.pages.report import html, junit, markdown

Function = TypeVar("Function", bound=Callable[..., Any])
MAX_SUMMARY: Final = 1024 * 1024
"""GitHub drops a step summary that is larger."""
_COMMANDS: Final[Mapping[str, str]] = {
    "good": "notice",
    "idle": "warning",
    "open": "warning",
    "bad": "error",
}


def decision_output(function: Function) -> Function:
    """The `--output` option of commands that answer with a decision."""
    return click.option(
        "--output",
        "-o",
        type=click.Choice(["table", "json", "markdown", "html", "junit", "github"]),
        default="table",
        help="table (default), json (the Decision), markdown, html, junit, or github: annotations, "
        "$GITHUB_OUTPUT and $GITHUB_STEP_SUMMARY.",
    )(function)


def plain_output(function: Function) -> Function:
    """The `--output` option of commands whose answer is no decision."""
    return click.option(
        "--output",
        "-o",
        type=click.Choice(["table", "json"]),
        default="table",
        help="table (default) or json.",
    )(function)


def show_decision(decision: Mapping[str, Any], output: str) -> int:
    """Print a decision; returns the exit code that it stands for."""
    match output:
        case "json":
            show_json(decision)
        case "markdown":
            click.echo(markdown(decision), nl=False)
        case "html":
            click.echo(html(decision), nl=False)
        case "junit":
            click.echo(junit(decision), nl=False)
        case "github":
            _github(decision)
        case _:
            show_text(decision_table(decision))
    return code_of(decision.get("status"))


def show_json(value: object) -> None:
    """JSON for programs: one value, indented, nothing else."""
    click.echo(json_text(value))


def show_text(text: str) -> None:
    """Styled text; colour only on a terminal whose user did not switch it off."""
    click.echo(text, color=False if "NO_COLOR" in os.environ else None)


def progress(text: str, *, is_step: bool = False) -> None:
    """What is going on, for people who watch; never part of the answer. Steps share a line."""
    if sys.stderr.isatty():
        # What was said of a step before is wiped out; ESC [ K clears the line.
        styled = click.style(terminal(text), dim=True)
        click.echo(f"\r\x1b[K{styled}", err=True, nl=not is_step)


def aside(text: str) -> None:
    """One line on stderr, for logs as well as for people: what was done, or not, unasked."""
    click.echo(terminal(text), err=True)


def _github(decision: Mapping[str, Any]) -> None:
    for _, _, found in lines(decision):
        for item in found:
            if item.effect != "none":
                kind = "error" if item.effect == "fail" else _COMMANDS[tone(decision)]
                _annotate(kind, item.place, item.message)
    summary = str(decision.get("summary") or "")
    _annotate(_COMMANDS[tone(decision)], headline(decision), summary)
    values = {
        "verdict": decision.get("verdict"),
        "status": decision.get("status"),
        "decision": decision.get("id"),
        "digest": decision.get("digest"),
        "summary": summary,
    }
    _append("GITHUB_OUTPUT", "".join(_output(name, value) for name, value in values.items()))
    report = markdown(decision)
    if len(report.encode()) > MAX_SUMMARY:
        report = f"## {headline(decision)}\n\nThe report is too large for a job summary.\n"
    _append("GITHUB_STEP_SUMMARY", report)


def _annotate(kind: str, title: str, message: str) -> None:
    click.echo(f"::{kind} title={workflow_property(title)}::{workflow_message(message)}")


def _output(name: str, value: object) -> str:
    """A delimiter that nobody can guess keeps a value from writing further outputs."""
    delimiter = f"clearance_{secrets.token_hex(16)}"
    return f"{name}<<{delimiter}\n{terminal(str(value or ''))}\n{delimiter}\n"


def _append(variable: str, text: str) -> None:
    path = os.environ.get(variable)
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CliError(f"{variable} ({path}) cannot be written: {error.strerror}.") from error
