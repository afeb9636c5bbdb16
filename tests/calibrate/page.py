"""docs/honesty.md from the figures; it computes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gates.engine import engine
from tests.calibrate.model import MOST, Errors

INTRO = """\
# How often the verdict is wrong

<!-- Written by `make calibrate`; do not edit. -->

A gate errs most when the truth lies exactly at the limit. There, a comparison of the point estimate
with the limit passes about every second candidate. Clearance promises, at confidence 0.95:

- **By an exact method such a candidate passes at most 5 times in 100**, for every sample size and
  every distribution. A rule that says `strict: true` takes no other method.
- **By a method that the finding marks `approximate` it passes at most as often as the ceiling of
  that method, which is {most} times in 100 or fewer.** The first table names each ceiling above 5.
- A release whose rules all hold is failed at most 5 times in 100 over all its rules together where
  methods are exact, and by one approximate rule at most as often as its ceiling.

This page measures the promise, for every estimator, at the worst place. `make calibrate` computes
everything here again and fails if an estimator that claims to be exact exceeds its level by
enumeration, or any other its ceiling beyond three standard errors of the simulation. Engine
{engine}. Figures are percentages unless they say otherwise; "at the limit" means that the true
value is the limit itself.
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


def intro() -> str:
    """The promise, with the engine that it was measured of."""
    return INTRO.format(engine=f"`{engine()}`", most=f"{100 * MOST:g}")


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
    parts = [intro()]
    parts += [f"## {title}\n\n{text.strip()}\n" for title, text in sections]
    return "\n".join(parts)
