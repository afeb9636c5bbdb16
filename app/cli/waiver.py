"""`clearance waiver`: ask for an exception, approve it as one of two, end it.

A waiver needs a reason, something that keeps people safe meanwhile, an owner and an end.
"""

import uuid
from collections.abc import Mapping
from typing import Any

import click

from app.cli.arguments import time
from app.cli.exits import CliError
from app.cli.output import plain_output, show_json, show_text
from app.cli.service import Service, segment
from app.cli.table import columns
from app.pages.escaping import terminal
from app.pages.standing import moment


@click.group()
def waiver() -> None:
    """List, ask for, approve or revoke waivers."""


@waiver.command("list", epilog="\b\nExample:\n  clearance waiver list --status requested")
@click.option(
    "--status",
    type=click.Choice(["requested", "approved", "revoked", "expired", "all"]),
    default="approved",
    show_default=True,
    help="Which ones; `all` for every status.",
)
@plain_output
def list_(status: str, output: str) -> None:
    """Waivers with their scope and end, newest first."""
    found = Service().get("/waivers", status=None if status == "all" else status, limit="200")
    if output == "json":
        show_json(found)
        return
    rows = [
        (
            str(item["id"]),
            str(item["status"]),
            terminal(str(item["rule"])),
            terminal(_scope(item)),
            f"{len(item['approvals'])} of {item['approvals_needed']}",
            f"until {moment(item['expires_at'])}",
        )
        for item in found["items"]
    ]
    empty = "No waiver is approved." if status == "approved" else "There is no such waiver."
    show_text("\n".join(columns(rows)) if rows else empty)


def _scope(item: Mapping[str, Any]) -> str:
    versions = ",".join(item["versions"])
    parts = [item["model"], "" if versions == "*" else versions, item["stage"] or ""]
    parts += [f"{name}={value}" for name, value in (item["slice"] or {}).items()]
    return " ".join(part for part in [*parts, item["digest"] or ""] if part)


def _slice(pairs: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not (name and sign and value):
            raise CliError(f"--slice {pair!r} must be written as dimension=value.")
        found[name] = value
    return found


@waiver.command(
    epilog="\b\nExample:\n  clearance waiver request safety/attack_success_rate \\\n"
    "    --model support-bot --version 42 --reason 'one prompt family counts twice' \\\n"
    "    --control 'output filter on' --owner genai-platform --expires 2026-12-31"
)
@click.argument("rule", metavar="GATE/RULE")
@click.option("--model", required=True, help="The model's name; * and ? match many.")
@click.option("--version", "versions", multiple=True, help="42, 4? or 41..45; may be repeated.")
@click.option("--digest", help="Only this candidate digest.")
@click.option("--stage", help="Only this stage.")
@click.option("--slice", "slices", multiple=True, metavar="DIM=VALUE", help="Only this slice.")
@click.option("--reason", required=True, help="Why the finding is acceptable for a while.")
@click.option("--control", required=True, help="What keeps people safe meanwhile.")
@click.option("--owner", required=True, help="Who answers for it and mends the cause.")
@click.option("--expires", required=True, metavar="DATE", help="At most a year ahead.")
@plain_output
def request(rule: str, output: str, **given: Any) -> None:
    """Ask for a waiver of GATE/RULE; two other people must approve it."""
    body = {
        "rule": rule,
        "model": given["model"],
        "reason": given["reason"],
        "compensating_control": given["control"],
        "owner": given["owner"],
        "expires_at": time(given["expires"]).isoformat(),
    }
    optional = {
        "versions": list(given["versions"]),
        "digest": given["digest"],
        "stage": given["stage"],
        "slice": _slice(given["slices"]),
    }
    body |= {name: value for name, value in optional.items() if value}
    found = Service().post("/waivers", body, key=str(uuid.uuid4()))
    _show(found, output, f"Asked. {found['id']} waives nothing until two others approve it.")


@waiver.command(epilog="\b\nExample:\n  clearance waiver approve wvr_0193f0c0")
@click.argument("id")
@plain_output
def approve(id: str, output: str) -> None:  # noqa: A002 - click names it so
    """Approve a waiver that somebody else asked for."""
    found = Service().post(f"/waivers/{segment(id)}/approve", {}, key=str(uuid.uuid4()))
    have, needed = len(found["approvals"]), found["approvals_needed"]
    stands = f"It stands until {moment(found['expires_at'])}."
    words = stands if found["status"] == "approved" else "It waives nothing yet."
    _show(found, output, f"Approved by {have} of {needed}. {words}")


@waiver.command(
    epilog="\b\nExample:\n  clearance waiver revoke wvr_0193f0c0 --reason 'it is mended'"
)
@click.argument("id")
@click.option("--reason", required=True, help="Why it ends; recorded.")
@plain_output
def revoke(id: str, reason: str, output: str) -> None:  # noqa: A002 - click names it so
    """End a waiver, and with it every clearance that rests on it."""
    found = Service().post(
        f"/waivers/{segment(id)}/revoke", {"reason": reason}, key=str(uuid.uuid4())
    )
    _show(found, output, f"Revoked. {len(found['decisions'])} decisions rested on it.")


def _show(found: Mapping[str, Any], output: str, words: str) -> None:
    if output == "json":
        show_json(found)
    else:
        show_text(terminal(words))
