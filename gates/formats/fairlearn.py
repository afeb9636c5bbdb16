"""Fairlearn group tables: a MetricFrame as JSON of ours, and `by_group` saved as JSON or CSV.

Each group is a slice. Rates become counts where the group's `count` determines them; without a
`count` metric in the frame a group has no n. Differences and ratios are shown, never judged twice.
"""

from collections.abc import Iterator, Mapping, Sequence

from gates.evidence import Measurement, SliceKey, Source
from gates.formats import table
from gates.formats.cells import MISSING
from gates.formats.counts import counted
from gates.formats.objects import mapping, quantity, size, text
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "fairlearn"
TITLE = "Fairlearn group table"
RECOGNISED_BY = (
    "a JSON object with `overall` and `by_group`; `by_group` as JSON of rows with `count` "
    "(orient index or split); or CSV of groups with a column `count`"
)

_RATES = frozenset({"accuracy", "accuracy_score", "selection_rate", "zero_one_loss"})
"""Metrics that are a share of all examples of a group; others have denominators of their own."""

_ROLL_UPS = ("difference", "ratio")
_SOURCE = Source(tool="fairlearn")

Json = Mapping[str, object]


def mismatch(file: ResultFile) -> str | None:
    """Why this is no group table; None where it is one."""
    found = file.json_object
    if found is None:
        return None if _csv_groups(file) else "no group table with a column `count`"
    if isinstance(found.get("by_group"), dict) and isinstance(found.get("overall"), dict):
        return None
    if found.keys() == {"columns", "index", "data"}:
        return None if "count" in str(found["columns"])[:2000] else "no `count` among its columns"
    rows = [row for row in found.values() if isinstance(row, dict)]
    if not rows or len(rows) < len(found) or not all("count" in row for row in rows):
        return "no `overall` and `by_group`"
    # A measurement of our own has a count too, and says of what.
    is_ours = any(row.keys() & {"value", "metric", "n"} or len(row) < 2 for row in rows)
    return "measurements and not groups" if is_ours else None


def read(file: ResultFile) -> Reading:
    """The metrics of each group, and over all where the frame has them."""
    root = file.json_object
    notes = ["the table names neither model nor time"]
    if root is None:
        found = list(_of_csv(file))
    elif "by_group" in root:
        found = list(_of_frame(root, notes))
    elif root.keys() == {"columns", "index", "data"}:
        found = list(_of_split(file, root))
    else:
        names = list(root)
        if any(name.startswith("(") for name in names):
            raise file.malformed(
                "its groups are written as texts such as \"('F', '40+')\"; save a frame with "
                'several sensitive features as `by_group.to_json(orient="split")` or CSV'
            )
        found = [m for name in names for m in _of_group(mapping(root, name), (("group", name),))]
    if not found:
        raise file.nothing_measured("it has no group")
    return Reading(file.bounded(found), notes=tuple(notes))


def _of_frame(root: Json, notes: list[str]) -> Iterator[Measurement]:
    yield from _of_group(mapping(root, "overall"), ())
    feature = text(root.get("sensitive_feature")) or "group"
    for name in mapping(root, "by_group"):
        yield from _of_group(mapping(root, "by_group", name), ((feature, name),))
    for kind in _ROLL_UPS:
        for metric, value in mapping(root, kind).items():
            if metric != "count":
                # Computed from the groups above, so a rule about the groups says the same.
                yield _plain(f"{metric}_{kind}", value, aggregate=True)
    if "by_group_ci" in root:
        notes.append("bootstrapped intervals were not read: the groups' counts say more")
    for metric, value in root.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield _plain(metric, value)


def _of_group(row: Json, key: SliceKey) -> Iterator[Measurement]:
    n = size(row.get("count"))
    for metric, value in row.items():
        if metric != "count":
            rate = quantity(value)
            yield counted(metric, rate, n if metric in _RATES else None, slice=key, source=_SOURCE)


def _of_split(file: ResultFile, root: Json) -> Iterator[Measurement]:
    columns, index, data = root["columns"], root["index"], root["data"]
    if not (isinstance(columns, list) and isinstance(index, list) and isinstance(data, list)):
        raise file.malformed("`columns`, `index` and `data` are not lists")
    if len(index) != len(data):
        raise file.malformed(f"{len(index)} groups and {len(data)} rows")
    for labels, cells in zip(index, data, strict=True):
        if not isinstance(cells, list) or len(cells) != len(columns):
            raise file.malformed("a row of `data` does not have as many cells as `columns`")
        parts = labels if isinstance(labels, list) else [labels]
        dimensions = _dimensions(root, len(parts))
        key = tuple(sorted(zip(dimensions, map(str, parts), strict=True)))
        yield from _of_group(dict(zip(map(str, columns), cells, strict=True)), key)


def _dimensions(root: Json, count: int) -> Sequence[str]:
    """The file does not name the features; their order is all that there is."""
    del root
    return ["group"] if count == 1 else [f"group_{place}" for place in range(1, count + 1)]


def _csv_groups(file: ResultFile) -> bool:
    """A CSV whose columns before the metrics are labels, beside one called `count`."""
    if file.syntax != "text":
        return False
    names = table.header(file)
    low = [name.lower() for name in names]
    if "count" not in low or {"metric", "task", "value", "attribute_name"} & set(low):
        return False
    found = table.of(file)
    if found is None or found.row_count == 0 or not names:
        return False
    features = _features(found)
    metrics = [n for n in found.columns if n not in features and n.lower() != "count"]
    keys = list(zip(*(found.columns[name] for name in features), strict=True)) if features else []
    return bool(features) and bool(metrics) and len(set(keys)) == found.row_count


def _features(found: table.Table) -> list[str]:
    """The leading columns of labels; numbers begin the metrics."""
    features = []
    for name, cells in found.columns.items():
        if name.lower() == "count" or any(quantity(cell) is not None for cell in cells):
            break
        features.append(name)
    return features


def _of_csv(file: ResultFile) -> Iterator[Measurement]:
    found = table.of(file)
    if found is None:
        raise file.malformed("this is no table")
    features = _features(found)
    for position in range(found.row_count):
        row = found.row(position)
        key = tuple(sorted((name, str(row.pop(name))) for name in features))
        lowered = {("count" if name.lower() == "count" else name): v for name, v in row.items()}
        yield from _of_group(lowered, key)


def _plain(metric: str, value: object, *, aggregate: bool = False) -> Measurement:
    found = quantity(value)
    return Measurement(
        metric,
        found,
        missing=MISSING if found is None else None,
        source=_SOURCE,
        aggregate=aggregate,
    )
