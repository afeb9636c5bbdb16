"""`clearance policy plan`: what a policy asks of samples, before anything is measured."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import click

from app.cli import beside, files
from app.cli.exits import CliError
from app.cli.output import plain_output, progress, show_json, show_text
from app.cli.policy_files import policy
from app.cli.service import Service
from app.pages.escaping import terminal
from app.pages.reading import UNNAMED
from gates.evidence import Baseline, Candidate, Evidence, ImpossibleEvidence, Submission
from gates.planning import Known, Spread, given, metrics_of
from gates.planning import plan as planned
from gates.planning.pilot import of_pilot
from gates.policy import Policy

_STATED: Final = re.compile(
    r"(?P<name>[^=]+)=(?P<value>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?P<percent>%?)"
)
EPILOG = """\b
Examples:
  clearance policy plan policy.yaml
  clearance policy plan policy.yaml --n 500
  clearance policy plan policy.yaml --sd cost_per_inference=40% --about selection_rate=0.3
  clearance policy plan policy.yaml --from pilot.json --baseline old.json
  clearance policy plan policy.yaml --history

\b
Sizes are for an 80% chance that a candidate as good as assumed is cleared at
the first look, over all rules together. Where they hang on how much something
varies, say it (--sd), or give earlier results (--from, --history).
"""


@click.command(epilog=EPILOG)
@click.argument("file", metavar="FILE|PACK")
@click.option("--n", type=click.IntRange(1, 1_000_000), help="Examples for each slice.")
@click.option(
    "--sd",
    "spreads",
    multiple=True,
    metavar="METRIC=SD",
    help="One example's standard deviation, or with % its share of the mean. Repeatable.",
)
@click.option(
    "--about",
    multiple=True,
    metavar="METRIC=VALUE",
    help="What a metric is about, where no rule says it. Repeatable.",
)
@click.option(
    "--from",
    "pilot",
    multiple=True,
    metavar="FILE",
    help="Result files of a pilot: how much its metrics vary. Repeatable.",
)
@click.option(
    "--baseline",
    multiple=True,
    metavar="FILE",
    help="With --from: result files of the version compared with. Repeatable.",
)
@click.option(
    "--history",
    is_flag=True,
    help="Ask the service: how much stored results vary, how many releases would escalate.",
)
@plain_output
@click.pass_context
def plan(  # noqa: PLR0913, PLR0917 - one argument per option
    ctx: click.Context,
    file: str,
    n: int | None,
    spreads: tuple[str, ...],
    about: tuple[str, ...],
    pilot: tuple[str, ...],
    baseline: tuple[str, ...],
    history: bool,  # noqa: FBT001 - click's flag
    output: str,
) -> None:
    """Say for each rule how many examples it takes, and what --n of them can show."""
    if history and pilot:
        raise click.UsageError("Plan from --from or from --history, not both.", ctx)
    if baseline and not pilot:
        raise click.UsageError("--baseline belongs to --from, the pilot compared with it.", ctx)
    loaded = policy(file)
    sd, typical = dict(map(_spread, spreads)), dict(map(_typical, about))
    known = _known(loaded.policy, sd, typical)
    if pilot:
        known = known.over(_piloted(loaded.policy, pilot, baseline))
    if history:
        found, expected = _asked(loaded.text, n, sd, typical)
    else:
        found, expected = [asdict(item) for item in planned(loaded.policy, n, known)], None
    if output == "json":
        show_json({"plan": found, "expected": expected})
        return
    parts = [_line(item) for item in found]
    if not found:
        parts.append("No rule of this policy is about measurements.")
    if history:
        parts += ["", _words(expected)]
    show_text("\n".join(parts))


def _spread(text: str) -> tuple[str, Spread]:
    """`--sd metric=0.002`, or `--sd metric=40%` of its mean."""
    hint = "Write --sd cost_per_inference=0.002, or --sd latency=40% (of the mean)."
    name, value, is_percent = _stated("--sd", text, hint)
    return name, Spread(value, is_percent)


def _typical(text: str) -> tuple[str, float]:
    """`--about metric=0.3`, or `--about metric=30%`."""
    hint = "Write --about selection_rate=0.3, or --about latency=1.2."
    name, value, _ = _stated("--about", text, hint)
    return name, value


def _stated(option: str, text: str, hint: str) -> tuple[str, float, bool]:
    """(metric, number, whether it was in percent) of `metric=number`."""
    found = _STATED.fullmatch(text.strip())
    if found is None:
        raise CliError(f"{option} {text!r} cannot be read.", hint)
    is_percent = bool(found["percent"])
    return found["name"].strip(), float(found["value"]) / (100 if is_percent else 1), is_percent


def _known(policy: Policy, sd: dict[str, Spread], about: dict[str, float]) -> Known:
    try:
        return given(sd, about, metrics_of(policy))
    except ValueError as error:
        text = str(error)
        raise CliError(f"{text[:1].upper()}{text[1:]}.") from None


def _piloted(policy: Policy, pilot: Sequence[str], baseline: Sequence[str]) -> Known:
    """What the pilot's files say, whatever model they are about."""
    one, two = (files.understood(beside.given(paths, alone=False)) for paths in (pilot, baseline))
    against = Baseline({"results": list(baseline)}, Evidence(files.measurements(two)))
    submission = Submission(
        Candidate(UNNAMED, UNNAMED),
        UNNAMED,
        Evidence(files.measurements(one)),
        against if two else None,
    )
    try:
        return of_pilot(policy, submission, datetime.now(UTC))
    except ImpossibleEvidence as error:
        raise CliError(f"{error.detail} ({error.pointer}).") from None


def _asked(
    text: str, n: int | None, sd: dict[str, Spread], about: dict[str, float]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The service's plan, and what it expects of releases."""
    progress("The service decides stored evaluations again by this policy.")
    spreads = {name: {"sd": item.sd, "relative": item.relative} for name, item in sd.items()}
    path = "/policies/lint" if n is None else f"/policies/lint?n={n}"
    answer = Service().post(path, {"policy": text, "spreads": spreads, "about": about})
    if not answer["valid"]:
        lines = [f"line {item['line']}: {item['detail']}" for item in answer["errors"]]
        raise CliError("The service does not load this policy.", *lines)
    return answer["plan"], answer["expected"]


def _line(item: dict[str, Any]) -> str:
    sign, colour = ("✓", "green") if item["provable"] else ("✗", "red")
    if item["provable"] and item["samples"] is None:
        sign, colour = "?", "yellow"
    return f"{click.style(sign, fg=colour, bold=True)} {terminal(item['message'])}"


def _words(expected: dict[str, Any] | None) -> str:
    if expected is None:
        return "No stored evaluation is one that this policy applies to."
    return (
        f"Of the newest {expected['evaluations']} stored evaluations it would pass "
        f"{expected['passed']}, escalate {expected['escalated']} and fail {expected['failed']}: "
        f"{expected['lower']:.0%} to {expected['upper']:.0%} of releases would escalate."
    )
