"""`clearance policy backtest`: which stored verdicts a draft would change."""

import click

from app.cli.arguments import time
from app.cli.exits import CliError
from app.cli.output import plain_output, show_json, show_text
from app.cli.policy_files import name_in, text_of
from app.cli.service import Service, segment
from app.cli.table import columns

EPILOG = """\b
Example:
  clearance policy backtest policy.yaml --since 2026-09-01
"""


@click.command(epilog=EPILOG)
@click.argument("file")
@click.option("--since", metavar="DATE", help="Only evaluations received since then.")
@plain_output
def backtest(file: str, since: str | None, output: str) -> None:
    """Decide what the service has stored again by FILE, and list what would change."""
    text = text_of(file)
    body = {"policy": text} | ({"since": time(since).isoformat()} if since else {})
    found = Service().post(f"/policies/{segment(name_in(file, text))}/backtest", body)
    if output == "json":
        show_json(found)
        return
    changes = found.get("changes")
    if not isinstance(changes, list):
        raise CliError("The service's answer lists no changes; is it of this version?")
    parts = [f"{len(changes)} of {found['decided']} verdicts would change"]
    parts += [f"{found['skipped']} evaluations could not be decided again"] * bool(found["skipped"])
    parts += ["older evaluations were left out"] * (not found.get("is_complete", True))
    rows = [
        (
            str(item["decision"]),
            f"{item['model']} {item['version']} → {item['stage']}",
            f"{item['was']} -> {item['would_be']}",
        )
        for item in changes
    ]
    show_text("\n".join([f"{'; '.join(parts)}.", *columns(rows)]))
