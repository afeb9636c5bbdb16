"""`clearance decision`: a recorded decision, shown, replayed, reported, or put to people."""

from collections.abc import Mapping
from typing import Any

import click

from app.cli.exits import FAILED, PASSED
from app.cli.output import decision_output, plain_output, show_decision, show_json, show_text
from app.cli.service import Service, segment
from app.pages.escaping import terminal

_ACCEPT = {"markdown": "text/markdown", "html": "text/html", "junit": "application/xml"}


@click.group()
def decision() -> None:
    """Show, replay or report a recorded decision, or ask people about it."""


@decision.command(epilog="\b\nExample:\n  clearance decision show dec_0193f0c0")
@click.argument("id")
@decision_output
@click.pass_context
def show(ctx: click.Context, id: str, output: str) -> None:  # noqa: A002 - click names it so
    """The decision as it stands now; the exit code says where."""
    ctx.exit(show_decision(Service().get(f"/decisions/{segment(id)}"), output))


@decision.command(epilog="\b\nExample:\n  clearance decision replay dec_0193f0c0")
@click.argument("id")
@plain_output
@click.pass_context
def replay(ctx: click.Context, id: str, output: str) -> None:  # noqa: A002 - as above
    """Decide again from the recorded inputs; exits with 1 if the answer differs."""
    found = Service().post(f"/decisions/{segment(id)}/replay")
    alike = found.get("identical") is True or found.get("same_values") is True
    if output == "json":
        show_json(found)
    else:
        show_text("\n".join(_replayed(found)))
    ctx.exit(PASSED if alike else FAILED)


def _replayed(found: Mapping[str, Any]) -> list[str]:
    """What a replay showed; a decision by another engine is said to be one."""
    if found.get("identical") is True:
        return ["IDENTICAL  The recorded inputs give the recorded decision."]
    engine = found.get("engine") or {}
    then, now = (terminal(str(engine.get(name))) for name in ("recorded", "replayed"))
    by = f"Engine {then} decided it, and this is {now}" if then != now else ""
    if found.get("same_values") is True:
        return [f"SAME VALUES  {by}: every value that was recorded comes again."]
    head = f"DIFFERENT  {by + '. ' if by else ''}The recorded inputs give another decision:"
    return [head, *(f"  {terminal(str(line))}" for line in found.get("differences") or ())]


@decision.command(
    epilog="\b\nExample:\n  clearance decision report dec_0193f0c0 --as html > r.html"
)
@click.argument("id")
@click.option(
    "--as", "form", type=click.Choice(list(_ACCEPT)), default="markdown", show_default=True
)
def report(id: str, form: str) -> None:  # noqa: A002 - as above
    """The decision for people, as the service renders it."""
    click.echo(Service().text(f"/decisions/{segment(id)}/report", _ACCEPT[form]), nl=False)


@decision.command(epilog="\b\nExample:\n  clearance decision ask dec_0193f0c0")
@click.argument("id")
@decision_output
@click.pass_context
def ask(ctx: click.Context, id: str, output: str) -> None:  # noqa: A002 - as above
    """Ask people now, without waiting for more evidence."""
    service = Service()
    service.post(f"/decisions/{segment(id)}/review")
    ctx.exit(show_decision(service.get(f"/decisions/{segment(id)}"), output))
