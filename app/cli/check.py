"""`clearance check`: read result files, and decide on them without a service.

Nothing is recorded and nothing is spent. What only the service can confirm stays open.
"""

import shlex
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from app.cli import arguments, files, policy_files
from app.cli.beside import Given, given, only_named
from app.cli.exits import PASSED, CliError
from app.cli.measured import example, listing, proposals_of
from app.cli.output import decision_output, show_decision, show_json, show_text
from app.cli.requiring import policy_of
from app.evaluations.presentation import offline_json
from app.pages.escaping import terminal
from app.pages.reading import UNNAMED
from app.policies.proposals import Proposal
from gates.decision import decide
from gates.evidence import (
    Baseline,
    Candidate,
    Evidence,
    ImpossibleEvidence,
    Measurement,
    Submission,
)
from gates.formats import Understood
from gates.history import History
from gates.policy import Policy
from gates.statistics.special import use_light

EPILOG = """\b
Examples:
  clearance check results.json
  clearance check results.json --require 'gsm8k/strict-match.exact_match>=0.85'
  clearance check results.json --policy starter
  clearance check --set accuracy=1148/1319 --require 'accuracy>=0.85'
  clearance check new.json --baseline old.json --policy release.yaml -o github

\b
Without --policy and --require it shows what was measured and exits with 0.
Otherwise: 0 passed, 1 failed, 2 wrong usage or input, 3 needs people.
"""


@click.command(epilog=EPILOG)
@click.argument("file", nargs=-1)
@click.option(
    "--set",
    "values",
    multiple=True,
    metavar="[TASK.]METRIC=VALUE[:N]",
    help="A measurement; VALUE may be COUNT/N, which is exact. Repeatable.",
)
@click.option(
    "--require",
    "required",
    multiple=True,
    metavar="'[TASK.]METRIC>=LIMIT'",
    help="Something that must be shown to hold (>= or <=). Repeatable.",
)
@click.option("--policy", "named", metavar="FILE|PACK", help="A policy file, or a built-in pack.")
@click.option(
    "--baseline",
    multiple=True,
    metavar="FILE",
    help="Result files of the version compared with. Repeatable.",
)
@click.option(
    "--document",
    "documents",
    multiple=True,
    metavar="KIND=…,SIGNED_BY=…,ISSUED_AT=…",
    help="A document beside the numbers. Repeatable.",
)
@click.option("--model", help="Who asks for release; tested against the policy's applies_to.")
@click.option("--version", help="Its version.")
@click.option("--stage", help="Where it wants to go; tested against applies_to.")
@click.option(
    "--format",
    "format_name",
    default="auto",
    show_default=True,
    help="The format of the files, where it is not recognised.",
)
@only_named
@decision_output
@click.pass_context
def check(  # noqa: PLR0913, PLR0917 - one argument per option
    ctx: click.Context,
    file: tuple[str, ...],
    values: tuple[str, ...],
    required: tuple[str, ...],
    named: str | None,
    baseline: tuple[str, ...],
    documents: tuple[str, ...],
    model: str | None,
    version: str | None,
    stage: str | None,
    format_name: str,
    only_named: bool,  # noqa: FBT001 - click passes it by name
    output: str,
) -> None:
    """Show what FILEs measured, or decide on them, here and now, without a service."""
    use_light()
    if not file and not values:
        raise click.UsageError("Name a result file, or give a measurement with --set.", ctx)
    if named and required:
        raise click.UsageError("Use --policy or --require; a policy says what is required.", ctx)
    both = given(file, alone=only_named)
    read = files.understood(both, format_name)
    found = (*files.measurements(read), *map(arguments.measurement, values))
    if not named and not required:
        ctx.exit(_show(both, read, found, output))
    policy = policy_files.policy(named).policy if named else _required(required, found)
    _require_applies(policy, model, stage)
    evidence = Evidence(found, tuple(map(arguments.document, documents)), _measured_at(read))
    old = given(baseline, alone=only_named)
    compared = files.understood(old, format_name)
    names = [item.model for item in read if item.model]
    submission = Submission(
        Candidate(model or (names[0] if names else UNNAMED), version or UNNAMED),
        stage or UNNAMED,
        evidence,
        Baseline({"results": [item.path for item in old]}, Evidence(files.measurements(compared)))
        if compared
        else None,
    )
    notes = [note for item in (*read, *compared) for note in item.notes]
    notes += [note for item in (*both, *old) if (note := item.note)]
    ctx.exit(_decide(policy, submission, notes, output))


def _decide(policy: Policy, submission: Submission, notes: Sequence[str], output: str) -> int:
    try:
        made = decide(policy, submission, History(offline=True), (), datetime.now(UTC))
    except ImpossibleEvidence as error:
        raise CliError(f"{error.detail} ({error.pointer}).") from None
    return show_decision(offline_json(made, notes=list(dict.fromkeys(notes))), output)


def _required(required: Sequence[str], found: Sequence[Measurement]) -> Policy:
    proposals = proposals_of(found)
    known = {(item.series.task, item.series.metric) for item in proposals}
    return policy_of([arguments.requirement(text, known) for text in required], proposals)


def _require_applies(policy: Policy, model: str | None, stage: str | None) -> None:
    if not policy.applies(model, stage):
        what = " at ".join(part for part in (model, stage) if part)
        raise CliError(
            f"Policy {policy.name} does not apply to {what}.",
            "See `applies_to` in it, or leave --model and --stage out.",
        )


def _measured_at(read: Sequence[Understood]) -> datetime | None:
    """The oldest stated time; None as soon as one file states none."""
    times = [item.measured_at for item in read]
    stated = [time for time in times if time is not None]
    return min(stated) if stated and len(stated) == len(times) else None


def _show(
    both: Sequence[Given], read: Sequence[Understood], found: Sequence[Measurement], output: str
) -> int:
    """No question was asked: say what is there, what it shows, and what could be asked."""
    proposals = proposals_of(found)
    if output == "json":
        show_json({"measured": [_as_json(item) for item in proposals]})
        return PASSED
    if output != "table":
        raise CliError(f"--output {output} needs a decision: add --require or --policy.")
    parts = [
        f"{click.style(terminal(place.path), bold=True)}: {item.title}"
        for place, item in zip(both, read, strict=True)
    ]
    parts += listing(proposals)
    notes = [note for item in read for note in item.notes]
    notes += [note for place in both if (note := place.note)]
    parts += [f"Note: {terminal(note)}" for note in dict.fromkeys(notes)]
    paths = [place.path for place in both if place.beside is None]
    if line := example(paths, proposals):
        parts += ["", "What could be required (passes as it stands; make it what you need):"]
        parts += [f"  {line}"]
        parts += [
            "A commented policy of all of it:",
            f"  clearance policy new --from {shlex.quote(paths[0])}",
        ]
    elif not any(item.limit is not None for item in proposals):
        parts += ["", "Nothing here can be proven yet: send n, counts, stderr or scores as well."]
    show_text("\n".join(parts))
    return PASSED


def _as_json(item: Proposal) -> dict[str, object]:
    return {
        "metric": item.series.metric,
        "task": item.series.task,
        "slice": dict(item.series.slice),
        "source": item.series.source or None,
        "words": item.words,
        "could_require": None
        if item.limit is None
        else {item.field: float(item.limit), "quantile": item.quantile, "unit": item.unit},
    }
