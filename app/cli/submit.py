"""`clearance submit`: send what was measured to the service and bring back its decision."""

import base64
import hashlib
import json
import os
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import click

from app.cli.beside import Given, given, only_named
from app.cli.context import context
from app.cli.data import data_of, measured
from app.cli.exits import CliError
from app.cli.files import CHUNK, opened, pieces
from app.cli.output import aside, decision_output, progress, show_decision
from app.cli.service import Service, TooLarge, segment

STAGES: Final = (
    "data_readiness",
    "baseline",
    "evaluation",
    "limited_release",
    "broad_rollout",
    "monitoring",
)
_DURATION: Final = re.compile(r"(\d+)(s|m|h|d)")
_SECONDS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FIRST_POLL, _SLOWEST_POLL = 2.0, 30.0
_BODY: Final = 20 * 2**20
"""What a service takes in one body unless it is told otherwise."""


EPILOG = """\b
Examples:
  clearance submit results.json --model support-bot --version 42 --stage limited_release
  clearance submit r.json -m bot -v 42 -s limited_release --wait 15m --ask
  clearance submit -m churn -v 7 -s monitoring --target y --prediction p \\
      --data reference=train.parquet current=today.parquet

\b
CLEARANCE_URL and CLEARANCE_TOKEN name the service. Exit codes: 0 passed,
1 failed, 2 invalid input, 3 people are asked, 4 service not reached. A
policy that only observes clears nothing, so it exits with 3.
"""


@click.command(epilog=EPILOG)
@click.argument("file", nargs=-1)
@click.option("--model", "-m", required=True, help="Who asks for release.")
@click.option("--version", "-v", required=True, help="Its version.")
@click.option("--stage", "-s", required=True, type=click.Choice(STAGES), help="Where to.")
@click.option("--digest", help="sha256:… of all that ships.")
@click.option("--policy", metavar="NAME", help="The policy, where several apply.")
@click.option("--baseline-version", metavar="V", help="The version to compare with.")
@click.option(
    "--format",
    "format_name",
    default="auto",
    show_default=True,
    help="The format of the files, where it is not recognised.",
)
@click.option(
    "--data",
    nargs=2,
    metavar="reference=FILE current=FILE",
    help="Two data sets (Parquet, CSV, JSON Lines) that a worker compares with Evidently.",
)
@click.option("--column", multiple=True, help="Compare this column; repeat. All by default.")
@click.option("--target", help="The column of true values.")
@click.option("--prediction", help="The column of predictions.")
@click.option("--text", multiple=True, help="Describe this column of free text; repeat.")
@click.option(
    "--drift-method",
    type=click.Choice(["psi", "jensenshannon", "hellinger", "kl_div"]),
    help="One drift method for all columns.",
)
@click.option(
    "--context",
    "notes",
    multiple=True,
    metavar="NAME=VALUE",
    help="A note to keep with the decision; repeat. The commit, its author (who will not judge "
    "it) and the run's address are noted by themselves in CI and in a git repository.",
)
@click.option("--no-context", is_flag=True, help="Note nothing by itself.")
@click.option("--wait", metavar="15m", help="Wait this long for people (s, m, h, d).")
@click.option("--ask", is_flag=True, help="Ask people now, without waiting for more evidence.")
@only_named
@decision_output
@click.pass_context
def submit(  # noqa: PLR0913, PLR0917 - one argument per option
    ctx: click.Context,
    file: tuple[str, ...],
    model: str,
    version: str,
    stage: str,
    digest: str | None,
    policy: str | None,
    baseline_version: str | None,
    format_name: str,
    data: tuple[str, str] | None,
    column: tuple[str, ...],
    target: str | None,
    prediction: str | None,
    text: tuple[str, ...],
    drift_method: str | None,
    notes: tuple[str, ...],
    no_context: bool,  # noqa: FBT001 - click passes it by name
    wait: str | None,
    ask: bool,  # noqa: FBT001 - click passes it by name
    only_named: bool,  # noqa: FBT001 - the same
    output: str,
) -> None:
    """Send result FILEs, or data sets to compare, and get the recorded decision."""
    asked = {"columns": column, "target": target, "prediction": prediction, "text": text}
    asked |= {"drift_method": drift_method}
    if not file and not data:
        raise CliError("Name result files, or two data sets with --data.")
    if not data and any(asked.values()):
        raise CliError("--column, --target, --prediction, --text and --drift-method need --data.")
    patience = _seconds(wait) if wait else 0
    candidate = {"model": model, "version": version} | ({"digest": digest} if digest else {})
    service = Service()
    body: dict[str, Any] = {"candidate": candidate, "stage": stage}
    both = _told(given(file, alone=only_named))
    body["results"] = files_of(service, both, format_name, _BODY)
    if told := context(os.environ, notes, is_read=not no_context):
        body["context"] = told
    if policy:
        body["policy"] = policy
    if baseline_version:
        body["baseline"] = {"version": baseline_version}
    if data:
        body["data"] = data_of(service, data, asked)
    noted = f" with {', '.join(told)}" if told else ""
    progress(f"Sending {len(both)} file(s){noted} to {service.url}")
    # One key for all tries of a call: a lost answer never becomes a second attempt.
    try:
        decision = service.post("/evaluations", body, key=str(uuid.uuid4()))
    except TooLarge:
        # This service takes less in one body: every file goes apart.
        body["results"] = files_of(service, both, format_name, 0)
        decision = service.post("/evaluations", body, key=str(uuid.uuid4()))
    if "verdict" not in decision:
        decision = measured(service, decision)
    if ask and decision.get("status") == "pending":
        service.post(f"/decisions/{segment(decision['id'])}/review")
        decision = service.get(f"/decisions/{segment(decision['id'])}")
    ctx.exit(show_decision(waited(service, decision, patience), output))


def waited(
    service: Service,
    decision: Mapping[str, Any],
    patience: float,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Mapping[str, Any]:
    """The decision once people have settled it, or as it stands when the time is up."""
    end, delay = clock() + patience, _FIRST_POLL
    while decision.get("status") == "pending" and clock() < end:
        progress(f"Waiting for people to answer {decision['id']}")
        pause(min(delay, max(0.0, end - clock())))
        delay = min(delay * 1.5, _SLOWEST_POLL)
        decision = service.get(f"/decisions/{segment(decision['id'])}")
    return decision


def _seconds(text: str) -> int:
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise CliError(f"--wait {text!r} is no time; write 90s, 15m or 2h.")
    return int(found[1]) * _SECONDS[found[2]]


def _told(both: list[Given]) -> list[Given]:
    """The files; of those that nobody named it is said that they are sent."""
    for item in both:
        if item.beside is not None:
            size = Path(item.path).stat().st_size / 2**20
            aside(
                f"Also sending {item.path} ({size:,.1f} MiB), found beside {item.beside}: its rows "
                "hold prompts and answers. --only-named sends only what you name."
            )
    return both


class Sender(Protocol):
    """What a file that goes apart is handed to."""

    def send(self, path: str, pieces: Iterable[bytes], size: int) -> Any:
        """Send the bytes as they come."""


def files_of(
    service: Sender, files: Sequence[Given], format_name: str, room: int
) -> list[dict[str, str]]:
    """The files as they go into a body of so many bytes, or by digest where they do not fit."""
    found: list[dict[str, str]] = []
    for item in files:
        about = {"name": item.name, "format": "auto" if item.beside else format_name}
        with opened(item.path, found=item.beside is not None) as file:
            size = file.seek(0, 2)
            file.seek(0)
            inline = _inline(file) if size < room else None
            cost = len(json.dumps(inline))
            if inline is not None and cost < room:
                room -= cost
                found.append(about | inline)
            else:
                file.seek(0)
                found.append(about | {"blob": _sent_apart(service, about["name"], file, size)})
    return found


def _inline(file: BinaryIO) -> dict[str, str]:
    raw = file.read()
    try:
        return {"text": raw.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def _sent_apart(service: Sender, name: str, file: BinaryIO, size: int) -> str:
    """The digest under which the service has the file now."""
    hashed = hashlib.sha256()
    while piece := file.read(CHUNK):
        hashed.update(piece)
    digest = f"sha256:{hashed.hexdigest()}"
    file.seek(0)
    service.send(f"/blobs/{digest}", pieces(name, file, size), size)
    return digest
