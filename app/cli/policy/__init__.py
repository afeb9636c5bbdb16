"""`clearance policy`: draft, check, publish, compare and try out policies."""

from typing import Final

import click

from app.cli.lazy import Command, LazyGroup

COMMANDS: Final = (
    Command("new", "draft a commented policy whose limits your files can prove"),
    Command("lint", "say what is wrong with a policy, and what to know about it"),
    Command("plan", "how many examples each rule takes, and what a sample can show"),
    Command("show", "the text of a pack, a file, or a published policy"),
    Command("diff", "what changes between two policies"),
    Command("push", "publish a policy file as a new version"),
    Command("backtest", "decide stored evaluations again by a draft"),
)


@click.group(cls=LazyGroup, commands_of=COMMANDS, package="app.cli.policy")
def policy() -> None:
    """Draft, lint, show, compare, publish and try out policies."""
