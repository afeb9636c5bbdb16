"""docs/honesty.md from the figures; it computes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gates.engine import engine
from tests.calibrate.model import Errors

INTRO = """\
# How often the verdict is wrong

<!-- Written by `make calibrate`; do not edit. -->

A gate errs most when the truth lies exactly at the limit. There, a comparison of the point estimate
with the limit passes about every second candidate. Clearance promises: **at confidence 0.95 such a
candidate passes at most 5 times in 100**, and fails at most 5 times in 100 over all rules of the
release together. This page measures the promise, for every estimator, at the worst place.

`make calibrate` computes everything here again and fails if an estimator that claims to be exact
exceeds its level by enumeration, or any other its stated ceiling beyond three standard errors of
the simulation. Engine {engine}. Figures are percentages unless they say otherwise; "at the limit"
means that the true value is the limit itself.
"""


@dataclass(frozen=True)
class Table:
    """A caption, column heads and rows of cells."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        lines = [
            self.caption,
            "",
            "| " + " | ".join(self.heads) + " |",
            "|---|" + "---:|" * (len(self.heads) - 1),
            *("| " + " | ".join(row) + " |" for row in self.rows),
        ]
        return "\n".join(lines) + "\n"


def percent(share: float) -> str:
    """One decimal; a dash where something never happened in an enumeration."""
    return f"{100 * share:.1f}"


def by_size(
    heads: str, rows: Mapping[str, Mapping[int, float]], sizes: Sequence[int], caption: str
) -> Table:
    """One row a method, one column a sample size; empty where it does not apply."""
    cells = [
        [name, *(percent(found[n]) if n in found else "" for n in sizes)]
        for name, found in rows.items()
    ]
    return Table(caption, [heads, *(f"n = {n}" for n in sizes)], cells)


def estimators(
    found: Mapping[str, tuple[str, Mapping[int, Errors]]], sizes: Sequence[int], side: str
) -> Table:
    """False passes or false fails of every estimator, by sample size."""
    rows = []
    for name, (data, errors) in found.items():
        some = errors[max(errors)]
        mark = "approximate" if some.approximate else "exact"
        figures = [percent(getattr(errors[n], side)) if n in errors else "" for n in sizes]
        rows.append([f"{name}<br>{data}", f"`{some.method}`, {mark}", *figures])
    return Table("", ["evidence", "method", *(f"{n}" for n in sizes)], rows)


def whole(sections: Sequence[tuple[str, str]]) -> str:
    """The page: the introduction and its sections."""
    parts = [INTRO.format(engine=f"`{engine()}`")]
    parts += [f"## {title}\n\n{text.strip()}\n" for title, text in sections]
    return "\n".join(parts)
