"""`clearance status`: may this version stand at this stage right now?"""

from typing import Any

import click

from app.cli.exits import FAILED, PASSED, PENDING
from app.cli.output import plain_output, show_json, show_text
from app.cli.service import Service
from app.cli.submit import STAGES
from app.pages.escaping import terminal
from app.pages.standing import day

EPILOG = """\b
Example:
  clearance status --model support-bot --version 42 --stage limited_release

\b
Exit codes: 0 cleared, 3 people are asked, 1 not cleared.
"""


@click.command(epilog=EPILOG)
@click.option("--model", "-m", required=True)
@click.option("--version", "-v", required=True)
@click.option("--stage", "-s", required=True, type=click.Choice(STAGES))
@click.option("--digest", help="sha256:… of all that ships; the clearance must be for it.")
@plain_output
@click.pass_context
def status(
    ctx: click.Context, model: str, version: str, stage: str, digest: str | None, output: str
) -> None:
    """Whether a version is cleared for a stage, by every policy that applies."""
    service = Service()
    found = service.get("/clearance", model=model, version=version, stage=stage, digest=digest)
    if found.get("status") == "none":
        found = _pending(service, model, version, stage) or found
    cleared = found.get("cleared") is True
    if output == "json":
        show_json(found)
    else:
        word = "CLEARED" if cleared else "NOT CLEARED"
        until = f" until {day(found['valid_until'])}" if found.get("valid_until") else ""
        decision = f" (decision {found['decision']})" if found.get("decision") else ""
        name = terminal(f"{model} {version} at {stage}")
        reason = terminal(str(found.get("reason") or ""))
        styled = click.style(word, fg="green" if cleared else "red", bold=True)
        show_text(f"{styled}  {name}{until}: {reason}{terminal(decision)}")
    pending = not cleared and found.get("status") == "pending"
    ctx.exit(PASSED if cleared else PENDING if pending else FAILED)


def _pending(service: Service, model: str, version: str, stage: str) -> dict[str, Any] | None:
    """Nothing is settled yet: the decision that waits for people, if there is one."""
    wanted = {"model": model, "version": version, "stage": stage, "status": "pending"}
    items = service.get("/decisions", **wanted, limit="1").get("items")
    if not items:
        return None
    reason = "people are asked, and nobody has settled it yet"
    return {"cleared": False, "status": "pending", "decision": items[0]["id"], "reason": reason}
