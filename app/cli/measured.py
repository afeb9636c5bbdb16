"""Measurements in words: what was seen, what it shows, and what could be required of it."""

import shlex
from collections.abc import Iterable, Sequence

import click

from app.cli.exits import CliError
from app.pages.escaping import terminal
from app.policies.picking import Crowd
from app.policies.proposals import Proposal, propose
from app.policies.rounding import plain
from gates.evidence import ImpossibleEvidence, Measurement

MAX_EXAMPLES = 3


def proposals_of(found: Iterable[Measurement]) -> list[Proposal]:
    """One proposal per series; impossible values are the user's to correct."""
    try:
        return propose(found)
    except ImpossibleEvidence as error:
        raise CliError(f"{error.detail} ({error.pointer}).") from None


def shown(proposal: Proposal) -> str:
    """`gsm8k/strict-match exact_match 87.0% (1148 of 1319), shown to be at least 85.4%`."""
    words = proposal.words.removeprefix("observed ").replace("; ", ", ", 1)
    name = f"{proposal.series.task or ''} {_metric(proposal)}".strip()
    scope = ", ".join(f"{key}={value}" for key, value in proposal.series.slice)
    name += f" [{scope}]" if scope else ""
    return terminal(f"{name} {words}" if proposal.limit is not None else f"{name}: {words}")


def listing(proposals: Sequence[Proposal]) -> list[str]:
    """Every measurement in one line; what shows nothing says why."""
    signs = {
        True: click.style("✓", fg="green", bold=True),
        False: click.style("?", fg="yellow", bold=True),
    }
    return [f"  {signs[item.limit is not None]} {shown(item)}" for item in proposals]


def example(files: Sequence[str], proposals: Sequence[Proposal]) -> str | None:
    """A command that passes on these files, to copy and to make stricter; None if nothing would."""
    crowd = Crowd(item.series for item in proposals)
    usable = [item for item in proposals if _is_writable(item, crowd)]
    if not usable or not files:
        return None
    parts = ["clearance", "check", *files]
    for item in usable[:MAX_EXAMPLES]:
        parts += ["--require", _requirement(item)]
    return shlex.join(parts)


def _is_writable(item: Proposal, crowd: Crowd) -> bool:
    """Whether `[task.]metric>=limit` says it: no slice, a known metric, a name without riddles."""
    series = item.series
    return (
        item.limit is not None
        and item.field in {"min", "max"}
        and not series.slice
        and item.subject is not None
        and crowd.hides(series) is None
        and not crowd.rivals(series)
        and f"{series.task or ''}{series.metric}".isprintable()
    )


def _requirement(item: Proposal) -> str:
    task = f"{item.series.task}." if item.series.task else ""
    sign = ">=" if item.field == "min" else "<="
    unit = item.unit or ""
    number = plain(item.limit) if item.limit is not None else ""
    return f"{task}{_metric(item)}{sign}{number}{unit if unit.isalpha() else ''}"


def _metric(item: Proposal) -> str:
    suffix = f"_p{100 * item.quantile:g}" if item.quantile is not None else ""
    return f"{item.series.metric}{suffix}"
