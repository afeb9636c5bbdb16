"""Aequitas group tables (CSV): the confusion counts of every group of every attribute.

Rates are given as counts with their own denominators, so nothing depends on printed digits; the
tool's disparities and parity verdicts are not read, because rules compare the groups themselves.
"""

from collections.abc import Iterator, Mapping

from gates.evidence import Measurement, Source
from gates.formats import table
from gates.formats.objects import size, text
from gates.formats.result_file import ResultFile
from gates.formats.understood import Reading

NAME = "aequitas"
TITLE = "Aequitas group table"
RECOGNISED_BY = "a table with `attribute_name`, `attribute_value` and the counts `tp fp tn fn`"

_NEEDED = ("attribute_name", "attribute_value", "tp", "fp", "tn", "fn")
_RATES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "selection_rate": (("tp", "fp"), ("tp", "fp", "tn", "fn")),
    "accuracy": (("tp", "tn"), ("tp", "fp", "tn", "fn")),
    "recall": (("tp",), ("tp", "fn")),
    "precision": (("tp",), ("tp", "fp")),
    "specificity": (("tn",), ("tn", "fp")),
    "false_positive_rate": (("fp",), ("tn", "fp")),
    "false_negative_rate": (("fn",), ("tp", "fn")),
}
"""Metric -> the counts above the line, and those below."""


def mismatch(file: ResultFile) -> str | None:
    """Why this is no group table of Aequitas; None where it is one."""
    names = set(table.header(file)) if file.json_object is None else set[str]()
    absent = [name for name in _NEEDED if name not in names]
    return f"no column `{absent[0]}`" if absent else None


def read(file: ResultFile) -> Reading:
    """Selection rate, accuracy, recall, precision and error rates of each group."""
    found = table.of(file)
    if found is None or found.row_count == 0:
        raise file.nothing_measured("it has a header and no group")
    models = {str(cell) for cell in found.columns.get("model_id", [])}
    thresholds = {str(cell) for cell in found.columns.get("score_threshold", [])}
    if len(models) > 1 or len(thresholds) > 1:
        raise file.malformed(
            "it holds several models or score thresholds; save one file for the one that ships"
        )
    measured = [
        m for position in range(found.row_count) for m in _of_row(file, found.row(position))
    ]
    return Reading(
        file.bounded(measured),
        notes=("disparities and parity verdicts are not read: a rule compares the groups",),
    )


def _of_row(file: ResultFile, row: Mapping[str, object]) -> Iterator[Measurement]:
    attribute, group = text(row["attribute_name"]), str(row["attribute_value"]).strip()
    counts = {name: size(row[name]) for name in ("tp", "fp", "tn", "fn")}
    known = {name: count for name, count in counts.items() if count is not None}
    if attribute is None or len(known) < len(counts):
        raise file.malformed(f"the group {group[:40]!r} lacks a name or one of tp, fp, tn, fn")
    total = size(row.get("group_size"))
    if total is not None and total != sum(known.values()):
        raise file.malformed(f"the counts of the group {group[:40]!r} do not add up to its size")
    for metric, (above, below) in _RATES.items():
        yield Measurement(
            metric,
            count=sum(known[name] for name in above),
            n=sum(known[name] for name in below),
            slice=((attribute, group),),
            source=Source(tool="aequitas"),
        )
