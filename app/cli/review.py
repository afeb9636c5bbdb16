"""`clearance review`: what waits for people, and their answers.

An answer binds a person to what they saw: it is asked for beside the decision, or names its digest.
"""

import sys
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import click

from app.cli.arguments import time
from app.cli.exits import CliError
from app.cli.output import plain_output, show_json, show_text
from app.cli.service import Service, segment
from app.cli.table import columns, decision_table
from app.pages.escaping import terminal
from app.pages.standing import moment


@click.group()
def review() -> None:
    """List, show, approve or reject what waits for people."""


@review.command("list", epilog="\b\nExample:\n  clearance review list --role security")
@click.option("--status", default="open", show_default=True, help="`all` for every status.")
@click.option("--role", help="Reviews that ask for this role, or for anyone.")
@plain_output
def list_(status: str, role: str | None, output: str) -> None:
    """What waits for people, newest first."""
    wanted = None if status == "all" else status
    found = Service().get("/reviews", status=wanted, role=role, limit="200")
    if output == "json":
        show_json(found)
        return
    rows = [
        (
            str(item["id"]),
            str(item["status"]),
            f"{item['model']} {item['version']} → {item['stage']}",
            _needed(item),
            f"until {moment(item['expires_at'])}",
        )
        for item in found["items"]
    ]
    show_text("\n".join(columns(rows)) if rows else "Nothing waits for people.")


@review.command(epilog="\b\nExample:\n  clearance review show rev_0193f0c0")
@click.argument("id")
@plain_output
def show(id: str, output: str) -> None:  # noqa: A002 - click names it so
    """A review with its decision and what was answered so far."""
    service = Service()
    found = service.get(f"/reviews/{segment(id)}")
    if output == "json":
        show_json(found)
        return
    decision = service.get(f"/decisions/{segment(found['decision'])}")
    show_text(f"{decision_table(decision)}\n\n{_summary(found)}")


def _summary(found: Mapping[str, Any]) -> str:
    parts = [f"Review {found['id']}: {found['status']}. Needed: {_needed(found)}."]
    parts += [
        f"  {item['person']} ({item['role']}): {item['answer']}"
        + (f": {item['comment']}" if item.get("comment") else "")
        for item in found.get("sign_offs") or ()
    ]
    parts.append(f"Decision digest {found['decision_digest']}")
    return "\n".join(map(terminal, parts))


def _needed(found: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{need['role']} {need['have']} of {need['min']}" for need in found.get("needed") or ()
    )


def _answer_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--digest", help="The decision's digest, as `review show` prints it."),
        click.option("--until", metavar="DATE", help="Shorten the validity of what is approved."),
        click.option("--comment", help="Why; recorded with the answer."),
        click.option("--role", required=True, help="The stake you answer for, e.g. security."),
        click.argument("id"),
    ):
        function = option(function)
    return function


@review.command(epilog="\b\nExample:\n  clearance review approve rev_0193f0c0 --role security")
@_answer_options
@plain_output
def approve(output: str, **given: Any) -> None:
    """Approve; shows the decision and asks first, unless --digest names it."""
    _answer("approve", output, given)


@review.command(
    epilog="\b\nExample:\n  clearance review reject rev_0193f0c0 --role legal --comment 'no DPIA'"
)
@_answer_options
@plain_output
def reject(output: str, **given: Any) -> None:
    """Reject; shows the decision and asks first, unless --digest names it."""
    _answer("reject", output, given)


def _answer(answer: str, output: str, given: Mapping[str, Any]) -> None:
    service = Service()
    body = {
        "answer": answer,
        "role": given["role"],
        "decision_digest": given["digest"] or _seen(service, given["id"], answer),
    }
    if given["comment"]:
        body["comment"] = given["comment"]
    if given["until"]:
        body["until"] = time(given["until"]).isoformat()
    key = str(uuid.uuid4())
    found = service.post(f"/reviews/{segment(given['id'])}/sign-offs", body, key=key)
    if output == "json":
        show_json(found)
        return
    words = f"Recorded. Review {found['review_status']}, decision {found['decision_status']}"
    until = f" until {moment(found['valid_until'])}" if found.get("valid_until") else ""
    show_text(terminal(f"{words}{until}."))


def _seen(service: Service, review_id: str, answer: str) -> str:
    """The digest of the decision that the person has just been shown and has agreed to answer."""
    found = service.get(f"/reviews/{segment(review_id)}")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise CliError(
            "An answer binds you to what you saw, so it needs --digest here.",
            f"clearance review show {review_id}",
        )
    decision = service.get(f"/decisions/{segment(found['decision'])}")
    click.echo(f"{decision_table(decision)}\n\n{_summary(found)}", err=True)
    click.confirm(f"{answer.capitalize()} this?", abort=True, err=True)
    return str(decision["digest"])
