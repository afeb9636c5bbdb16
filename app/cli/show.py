"""`clearance show`: what is understood from result files, before anything is decided."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import fmean
from typing import Any

import click

from app.cli import files
from app.cli.beside import Given, given, only_named
from app.cli.exits import PASSED
from app.cli.output import plain_output, show_json, show_text
from app.cli.table import columns
from app.pages.escaping import terminal
from gates.evidence import Measurement
from gates.formats import Understood

EPILOG = """\b
Examples:
  clearance show results.json
  clearance show results.json junit.xml -o json
"""


@click.command(epilog=EPILOG)
@click.argument("file", nargs=-1, required=True)
@click.option(
    "--format",
    "format_name",
    default="auto",
    show_default=True,
    help="The format of the files, where it is not recognised.",
)
@only_named
@plain_output
@click.pass_context
def show(
    ctx: click.Context,
    file: tuple[str, ...],
    format_name: str,
    only_named: bool,  # noqa: FBT001 - click passes it by name
    output: str,
) -> None:
    """What is understood from FILEs: format, measurements, notes."""
    both = given(file, alone=only_named)
    read = list(zip(both, files.understood(both, format_name), strict=True))
    if output == "json":
        show_json([_as_json(place, item) for place, item in read])
    else:
        show_text("\n\n".join(_table(place, item) for place, item in read))
    ctx.exit(PASSED)


def _as_json(place: Given, item: Understood) -> dict[str, Any]:
    plain = asdict(item)
    plain["measured_at"] = item.measured_at.isoformat() if item.measured_at else None
    plain["measurements"] = [_given(measured) for measured in plain["measurements"]]
    beside = {"beside": place.beside} if place.beside else {}
    return {"file": place.path, **beside, **plain}


def _given(measured: Mapping[str, Any]) -> dict[str, Any]:
    """What the file said, without what it did not; slices as objects."""
    found = {key: value for key, value in measured.items() if value not in (None, (), False)}
    if "slice" in found:
        found["slice"] = dict(found["slice"])
    return found


def _table(place: Given, item: Understood) -> str:
    about = [item.title]
    about += [f"version {item.tool_version}"] if item.tool_version else []
    about += [f"model {item.model}"] if item.model else []
    about += [f"measured {item.measured_at.isoformat()}"] if item.measured_at else []
    head = ("task", "metric", "slice", "value", "n", "remarks")
    printed = columns([head, *map(_row, item.measurements)])
    parts = [f"{click.style(terminal(place.path), bold=True)}: {terminal(', '.join(about))}"]
    parts += [f"  {click.style(printed[0], dim=True)}", *(f"  {row}" for row in printed[1:])]
    notes = [*item.notes, *([place.note] if place.note else [])]
    parts += [f"Note: {terminal(note)}" for note in notes]
    return "\n".join([*parts, item.digest])


def _row(m: Measurement) -> Sequence[str]:
    return (
        m.task or "",
        m.metric + (f" p{100 * m.quantile:g}" if m.quantile is not None else ""),
        ", ".join(f"{name}={value}" for name, value in m.slice),
        _value(m),
        "" if m.n is None and m.scores is None else f"{m.n or len(m.scores or ()):,}",
        ", ".join(_remarks(m)),
    )


def _value(m: Measurement) -> str:
    if m.missing is not None:
        return "none"
    if m.count is not None:
        return f"{m.count} of {m.n}" if m.exposure is None else f"{m.count} in {m.exposure:g}"
    if m.exceed is not None:
        return f"{m.exceed.count} over {m.exceed.limit:g}"
    if m.table is not None:
        return f"table of {sum(map(sum, m.table)):,}"
    if m.labels is not None:
        return "scores with labels"
    if m.scores and m.denominators is not None:
        return "scores with denominators"
    if m.scores:
        unit = f" {m.unit}" if m.unit else ""
        return f"mean {fmean(m.scores):.6g}{unit}"
    if m.scores is not None:
        return "none"
    return f"{m.value:.6g}{f' {m.unit}' if m.unit else ''}" if m.value is not None else ""


def _remarks(m: Measurement) -> list[str]:
    found = [f"stderr {m.stderr:.3g}"] if m.stderr is not None else []
    found += [f"{m.n_errored} errored"] if m.n_errored else []
    found += [m.missing.replace("_", " ")] if m.missing else []
    found += [m.incomplete] if m.incomplete else []
    return [*found, "roll-up, never judged"] if m.aggregate else found
