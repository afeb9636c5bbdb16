"""Rows of measurements and the one table that they become."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """What repeated rounds gave."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(min(values), median(values), max(values))

    def __str__(self) -> str:
        digits = 0 if self.median >= 100 else 1 if self.median >= 10 else 2
        return f"{self.median:,.{digits}f} ({self.low:,.{digits}f}-{self.high:,.{digits}f})"


@dataclass(frozen=True)
class Row:
    """One line: what was done, by whom, how much in which units, and what that says."""

    task: str
    who: str
    figures: Mapping[str, Spread]
    note: str = ""


def render(rows: Sequence[Row]) -> str:
    """Aligned columns; a task is named once."""
    width = max(len(row.figures) for row in rows)
    cells = [["task", "who", "median (min-max)", *[""] * (width - 1), "ratio and target"]]
    last = ""
    for row in rows:
        figures = [f"{spread} {unit}" for unit, spread in row.figures.items()]
        task = "" if row.task == last else row.task
        cells.append([task, row.who, *figures, *[""] * (width - len(figures)), row.note])
        last = row.task
    widths = [max(len(line[i]) for line in cells) for i in range(width + 3)]
    lines = [
        "  ".join(cell.ljust(wide) for cell, wide in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    lines.insert(1, "  ".join("-" * wide for wide in widths))
    return "\n".join(lines)
