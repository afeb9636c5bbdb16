"""A table with one measurement a row: the columns metric, value, n, count, stderr, task, ….

A slice is a column named `slice.<dimension>`. It refuses rows that only an unread column tells
apart, because one of them would stand for all.
"""

import re
from collections.abc import Mapping

from gates.evidence import Measurement
from gates.formats.cells import is_blank
from gates.formats.measurement_object import FIELDS, FORMS, SOURCE_FIELDS, measurement
from gates.formats.result_file import ResultFile
from gates.formats.table import Table
from gates.formats.understood import Reading

MAX_ROWS = 50_000
SLICE_COLUMN = re.compile(r"slice[._](?P<dimension>.+)", re.IGNORECASE)

_INTERVAL = (("ci_lower", "ci_upper"), ("ci_low", "ci_high"), ("lower", "upper"))


def fits(table: Table) -> bool:
    """Whether the columns say that each row is one measurement."""
    names = {name.lower() for name in table.columns}
    return "metric" in names and bool(names & {*FORMS, "score"})


def is_row(found: Mapping[str, object]) -> bool:
    """Whether one JSON object is one measurement: a name under `metric`, and a form beside it."""
    return isinstance(found.get("metric"), str) and bool(found.keys() & {*FORMS, "score"})


def read(file: ResultFile, table: Table) -> Reading:
    """One measurement a row, in the order of the file."""
    if table.row_count == 0:
        raise file.nothing_measured("the table has a header and no rows")
    if table.row_count > MAX_ROWS:
        raise file.too_large(f"it gives more than {MAX_ROWS:,} measurements")
    meaning = _meaning(table)
    unread = [name for name in table.columns if name not in meaning and name.lower() != "model"]
    measurements = []
    for position in range(table.row_count):
        row = table.row(position)
        fields = _fields(row, meaning)
        measurements.append(measurement(file, table.named(position), fields))
    _refuse_indistinct(file, table, measurements, unread)
    notes = [f"columns not read: {', '.join(name[:40] for name in unread[:20])}"] if unread else []
    model = next((cells for name, cells in table.columns.items() if name.lower() == "model"), [])
    models = {str(cell).strip() for cell in model if not is_blank(cell)}
    return Reading(
        tuple(measurements),
        model=models.pop() if len(models) == 1 else None,
        notes=tuple(notes),
    )


def _meaning(table: Table) -> dict[str, str]:
    """What each column that is read stands for, e.g. `Slice.language` for `slice.language`."""
    lowered = {name.lower(): name for name in table.columns}
    meaning: dict[str, str] = {}
    for low, name in lowered.items():
        if low in FIELDS:
            meaning[name] = low
        elif low in SOURCE_FIELDS:
            meaning[name] = f"source.{low}"
        elif found := SLICE_COLUMN.fullmatch(name):
            meaning[name] = f"slice.{found['dimension']}"
    if "value" not in lowered and "score" in lowered:
        meaning[lowered["score"]] = "value"
    for low, high in _INTERVAL:
        if low in lowered and high in lowered and "ci" not in lowered:
            meaning |= {lowered[low]: "ci.lower", lowered[high]: "ci.upper"}
            break
    return meaning


def _fields(row: dict[str, object], meaning: dict[str, str]) -> dict[str, object]:
    fields: dict[str, object] = {}
    nested: dict[str, dict[str, object]] = {"slice": {}, "source": {}, "ci": {}}
    for name, stands_for in meaning.items():
        value = row[name]
        if is_blank(value):
            continue
        group, _, part = stands_for.partition(".")
        if part:
            nested[group][part] = value
        else:
            fields[stands_for] = value
    if nested["ci"]:
        fields["ci"] = [nested["ci"].get("lower"), nested["ci"].get("upper")]
    for group in ("slice", "source"):
        if nested[group]:
            whole = fields.get(group)
            fields[group] = nested[group] | (whole if isinstance(whole, dict) else {})
    return fields


def _refuse_indistinct(
    file: ResultFile, table: Table, measurements: list[Measurement], unread: list[str]
) -> None:
    seen: dict[object, int] = {}
    for position, m in enumerate(measurements):
        key = (m.metric, m.task, m.slice, m.quantile, m.source)
        first = seen.setdefault(key, position)
        differing = [
            name for name in unread if table.columns[name][first] != table.columns[name][position]
        ]
        if first != position and differing:
            column = differing[0][:40]
            raise file.malformed(
                f"{table.named(first)} and {position + 1} both give {m.metric} and differ only in "
                f"{column!r}, which is not read. If it is a group of examples, name the column "
                f"'slice.{column}'; if each row is one example, give each metric its own column"
            )
