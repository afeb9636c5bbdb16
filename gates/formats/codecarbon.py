"""CodeCarbon `emissions.csv`: footprint and energy of the last run in it.

Columns vary by version and are found by name. Climate data sets of the same file name are not
recognised, because they lack the tool's version.
"""

from gates.evidence import Measurement, Source
from gates.formats import table
from gates.formats.cells import MISSING, instant
from gates.formats.objects import quantity, text
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "codecarbon"
TITLE = "CodeCarbon emissions"
RECOGNISED_BY = "CSV with `emissions`, `energy_consumed` and `codecarbon_version`"

_NEEDED = ("emissions", "energy_consumed", "codecarbon_version")
_METRICS = (("co2e", "emissions", "kg", 1.0), ("energy", "energy_consumed", "Wh", 1e3))
"""Metric, column, unit, and what turns the column's kWh into Wh."""


def mismatch(file: ResultFile) -> str | None:
    """Why this is no file of CodeCarbon; None where it is one."""
    names = set(table.header(file)) if file.syntax == "text" else set[str]()
    absent = [name for name in _NEEDED if name not in names]
    return f"no column `{absent[0]}`" if absent else None


def read(file: ResultFile) -> Reading:
    """Emissions and energy; the file is appended to, so its last row is the latest run."""
    found = table.of(file)
    if found is None or found.row_count == 0:
        raise file.nothing_measured("it has a header and no run")
    row = found.row(found.row_count - 1)
    source = Source(
        tool="codecarbon",
        tool_version=text(row["codecarbon_version"]),
        suite=text(row.get("project_name")),
        run_id=text(row.get("run_id")),
    )
    measured = []
    for metric, column, unit, factor in _METRICS:
        found_value = quantity(row[column])
        value = None if found_value is None else found_value * factor
        missing = MISSING if value is None else None
        measured.append(Measurement(metric, value, unit=unit, source=source, missing=missing))
    notes = [f"{found.row_count} runs are in it; the last was read"] if found.row_count > 1 else []
    if text(row.get("tracking_mode")) == "machine":
        notes.append("the whole machine was measured, not only the process")
    return Reading(
        file.bounded(measured),
        tool_version=source.tool_version,
        measured_at=instant(row.get("timestamp")),
        notes=tuple(notes),
    )
