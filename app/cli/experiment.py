"""`clearance experiment`: what an A/B test shows, or how large it must be; no service needed."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from app.cli.exits import FAILED, PASSED, PENDING, CliError
from app.cli.output import plain_output, show_json, show_text
from app.cli.table import columns
from app.pages.escaping import terminal
from gates.evidence import ImpossibleEvidence
from gates.experiments import Analysis, Comparison, Experiment, Plan, analyze, needed
from gates.experiments.answer import Compared

EPILOG = """\b
Examples:
  clearance experiment --arm control=120/1000 --arm new=150/1010
  clearance experiment --arm control=12.1,sd=3,n=400 --arm new=11.7,sd=3,n=410 \\
      --metric latency --lower --unit s --margin 0.2
  clearance experiment experiment.json -o json
  clearance experiment --plan 0.10+0.01
  clearance experiment --plan 0.10+5% --power 0.9 --per-day 2000

\b
A JSON file has the fields of POST /v1/experiments/analyze: also per-unit
values, ratios, guardrails and shares that are not equal.
Exit codes: 0 adopt, 1 keep the control or the split is broken, 2 wrong usage
or input, 3 not decided.
"""
_COUNT = re.compile(r"([^=]+)=(\d+)/(\d+)")
_MEAN = re.compile(r"([^=]+)=([^,]+),(sd|stderr)=([^,]+),n=(\d+)")
_PLAN = re.compile(r"(-?[0-9.]+(?:[eE][+-]?[0-9]+)?)([+-][0-9.]+(?:[eE][+-]?[0-9]+)?)(%?)")
_CODES = {"adopt": PASSED, "keep_control": FAILED, "invalid": FAILED, "undecided": PENDING}


@click.command(epilog=EPILOG)
@click.argument("file", required=False, type=click.File("rb"))
@click.option(
    "--arm",
    "arms",
    multiple=True,
    metavar="NAME=COUNT/N",
    help="An arm, the control first: COUNT/N, or MEAN,sd=SD,n=N. Repeatable.",
)
@click.option("--metric", help="What was measured, in words.")
@click.option("--unit", help="Its unit.")
@click.option("--lower", is_flag=True, help="Lower is better.")
@click.option("--margin", type=float, help="Non-inferiority: not worse by more than this.")
@click.option("--one-sided", is_flag=True, help="All error on the side of better.")
@click.option("--confidence", type=float, help="Default 0.95.")
@click.option("--anytime", is_flag=True, help="Bounds that hold however often you look.")
@click.option("--n-plan", type=int, help="With --anytime: about how many units an arm will have.")
@click.option(
    "--range",
    nargs=2,
    type=float,
    metavar="LOW HIGH",
    help="What each unit's value lies in; means of few units need it.",
)
@click.option(
    "--plan",
    metavar="BASE+EFFECT",
    help="How many units it takes to show this change; with % it is a share of BASE.",
)
@click.option("--sd", type=float, help="With --plan for means: one unit's standard deviation.")
@click.option("--power", type=float, help="With --plan: the chance to show it. Default 0.8.")
@click.option("--arms", "number", type=int, help="With --plan: arms, the control included.")
@click.option("--per-day", type=float, help="With --plan: units a day, for how long it takes.")
@plain_output
@click.pass_context
def experiment(
    ctx: click.Context, /, file: Any, arms: tuple[str, ...], output: str, **given: Any
) -> None:
    """Say what an experiment's arms show, with sample-ratio check and guardrails."""
    chosen = sum((file is not None, bool(arms), given["plan"] is not None))
    if chosen != 1:
        raise click.UsageError("Give a file, --arm for each arm, or --plan BASE+EFFECT.", ctx)
    asked = _from_file(file) if file is not None else _from_line(arms, given)
    try:
        if "plan" in asked:
            ctx.exit(_planned(asked, output))
        question = Experiment.model_validate(asked)
        found = analyze(question)
    except ValidationError as error:
        raise CliError("This is no experiment.", *_lines(error)) from None
    except ImpossibleEvidence as error:
        raise CliError(f"{error.detail}.") from None
    if output == "json":
        show_json(asdict(found))
    else:
        show_text(_table(found, question))
    ctx.exit(_CODES[found.verdict])


def _planned(asked: dict[str, Any], output: str) -> int:
    size = needed(Plan.model_validate(asked))
    if output == "json":
        show_json(asdict(size))
    else:
        show_text(size.message)
    return PASSED if size.per_arm is not None else PENDING


def _from_file(file: Any) -> dict[str, Any]:
    name = Path(str(file.name)).name
    try:
        found = json.loads(file.read())
    except ValueError as error:
        raise CliError(f"{name} is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise CliError(f"{name} must hold one JSON object with `arms` or `plan`.")
    return found


def _from_line(arms: Sequence[str], given: dict[str, Any]) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "direction": "lower" if given["lower"] else "higher",
        "sides": 1 if given["one_sided"] else 2,
        "looks": "anytime" if given["anytime"] else "single",
    }
    names = {name: name for name in ("margin", "confidence", "n_plan")}
    if given["plan"] is not None:
        asked["plan"] = _hoped(given["plan"], given["sd"])
        names |= {"power": "power", "number": "arms", "per_day": "units_per_day"}
        others: tuple[str, ...] = ("metric", "unit", "range")
    else:
        asked["arms"] = [_arm(text) for text in arms]
        names |= {name: name for name in ("metric", "unit", "range")}
        others = ("sd", "power", "number", "per_day")
        if len(arms) == 1:
            raise CliError("One arm shows nothing; give the control first, then each other --arm.")
    for name in others:
        if given[name] is not None:
            option = {"number": "arms"}.get(name, name).replace("_", "-")
            raise CliError(_MISPLACED.format(option=option, where=_WHERE[given["plan"] is None]))
    return asked | {names[name]: given[name] for name in names if given[name] is not None}


_MISPLACED = "--{option} belongs to {where}."
_WHERE = {
    True: "--plan; an arm's spread stands in it: NAME=MEAN,sd=SD,n=N",
    False: "arms that ran, not to --plan",
}


def _hoped(text: str, sd: float | None) -> dict[str, float | None]:
    found = _PLAN.fullmatch(text.strip())
    try:
        base, effect = map(float, found.groups()[:2] if found else ())
    except ValueError:
        raise CliError(f"{text}: write what there is and what changes: 0.10+0.01.") from None
    name = "effect_percent" if found and found[3] else "effect"
    return {"base": base, name: effect, "sd": sd}


def _arm(text: str) -> dict[str, Any]:
    if found := _COUNT.fullmatch(text):
        return {"name": found[1], "count": int(found[2]), "n": int(found[3])}
    if found := _MEAN.fullmatch(text):
        try:
            mean, spread = float(found[2]), float(found[4])
        except ValueError:
            raise CliError(f"{text}: {found[2]} and {found[4]} must be numbers.") from None
        return {"name": found[1], "mean": mean, found[3]: spread, "n": int(found[5])}
    raise CliError(f"{text}: an arm is NAME=COUNT/N or NAME=MEAN,sd=SD,n=N.")


def _lines(error: ValidationError) -> list[str]:
    found = []
    items = error.errors(include_url=False, include_context=False, include_input=False)
    places = ["/".join(map(str, item["loc"])) for item in items]
    for item, place in zip(items, places, strict=True):
        if item["type"] == "too_short" and any(p.startswith(f"{place}/") for p in places):
            continue  # too few only because those that are named beside it were refused
        found.append(f"/{place}: {item['msg'].removeprefix('Value error, ')}")
    return found


_SIGNS = {
    "better": ("✓", "green"),
    "not_worse": ("✓", "green"),
    "worse": ("✗", "red"),
    "undecided": ("?", "yellow"),
    "cannot_answer": ("?", "yellow"),
}
_HEADS = {
    "adopt": ("ADOPT", "green"),
    "keep_control": ("KEEP THE CONTROL", "red"),
    "undecided": ("NOT DECIDED", "yellow"),
    "invalid": ("THE SPLIT IS BROKEN", "red"),
}


def _table(found: Analysis, asked: Experiment) -> str:
    head = ("arm", "units", "value", "at least", "at most")
    rows = [
        (arm.name, f"{arm.n:,}", _text(arm.value), _text(arm.lower), _text(arm.upper))
        for arm in found.arms
    ]
    parts = [f"  {row}" for row in columns([head, *rows])]
    parts += [f"  {found.sample_ratio.message}", ""]
    against = ("against the control", "change", "at least", "at most", "relative", "p")
    parts += [
        f"  {row}" for row in columns([against, *map(_row, (*found.primary, *found.guardrails))])
    ]
    parts += [f"  {_moved(item)}" for item in (asked, *asked.guardrails) if item.margin_percent]
    parts.append("")
    parts += [_line(item) for item in (*found.primary, *found.guardrails)]
    parts += [f"Note: {note}" for note in found.notes]
    word, colour = _HEADS[found.verdict]
    what = f"  {terminal(found.adopt)}" if found.adopt else ""
    return "\n".join([*map(_safe, parts), "", click.style(word, fg=colour, bold=True) + what])


def _row(item: Compared) -> tuple[str, ...]:
    """One comparison: the interval, the share of the control, the p-value of this claim alone."""
    relative = "" if item.relative is None else f"{item.relative:+.1%}"
    p = "" if item.p is None else f"{item.p:.2g}" if item.p >= 1e-4 else "< 0.0001"
    bounds = (_text(item.value), _text(item.lower), _text(item.upper))
    return (f"{item.arm}, {item.metric}", *bounds, relative, p)


def _moved(asked: Comparison) -> str:
    """What a change is against, where the margin is a share of the control."""
    way = "plus" if asked.direction == "lower" else "less"
    return f"The change of {asked.metric} is against the control {way} {asked.margin_percent:g}%."


def _safe(text: str) -> str:
    return terminal(text)


def _line(item: Compared) -> str:
    sign, _ = _SIGNS[item.outcome]
    return f"  {sign} {item.message}"


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
