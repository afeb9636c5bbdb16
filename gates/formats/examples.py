"""A table with one example a row: every column of numbers is a metric with its scores.

`id` names examples, `cluster` what they share, `task` the test set, and `slice.<dimension>` adds a
measurement per group. An empty or NaN cell is an errored example: it is never left out of sight.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gates.evidence import Measurement, SliceKey
from gates.formats.cells import NotANumber, is_blank, number
from gates.formats.long_table import SLICE_COLUMN
from gates.formats.measurement_object import label
from gates.formats.result_file import ResultFile
from gates.formats.table import Table
from gates.formats.understood import Reading

MAX_GROUPS = 1_000

_ID = ("id", "example_id", "sample_id")
_CLUSTER = ("cluster", "cluster_id")
_TASK = ("task",)
_RESERVED = frozenset((*_ID, *_CLUSTER, *_TASK, "index"))
_SIZES = ("n", "count", "support", "group_size", "sample_size", "n_samples", "num_samples")
_TRUTH = {"true": 1.0, "false": 0.0}


def mismatch(table: Table) -> str | None:
    """Why the rows are not examples; None where they are."""
    names = {name.strip().lower() for name in table.columns}
    sizes = [name for name in _SIZES if name in names]
    if sizes:
        return (
            f"the column `{sizes[0]}` says that a row stands for many examples; give such rows "
            "the columns metric, value (or count), n and slice.<dimension>"
        )
    if "metric" in names:
        return "a column `metric` without `value` or `count` beside it"
    if not any(_is_measured(_scores(cells)) for _, cells in _candidates(table)):
        return "no column `metric` beside `value` or `count`, and no column of numbers"
    return None


def read(file: ResultFile, table: Table) -> Reading:
    """Per metric the scores of all examples, then those of each slice; per task where given."""
    columns, text = {}, []
    for name, cells in _candidates(table):
        scores = _scores(cells)
        if scores is None:
            text.append(name)
        else:
            columns[name] = scores
    notes = [f"columns not read as metrics: {', '.join(n[:40] for n in text[:20])}"] if text else []
    ids, clusters = _names(file, table, notes)
    return Reading(
        file.bounded(_measurements(file, table, columns, _Layout(ids, clusters))),
        notes=tuple(notes),
    )


def _measurements(
    file: ResultFile, table: Table, columns: dict[str, list[float | None]], layout: "_Layout"
) -> Iterator[Measurement]:
    slices: dict[str, list[str | None]] = {}
    for name, cells in table.columns.items():
        if found := SLICE_COLUMN.fullmatch(name.strip()):
            dimension = found["dimension"].strip()
            if dimension in slices:
                raise file.malformed(f"two columns give the slice {dimension[:40]!r}")
            slices[dimension] = _group_labels(file, name, cells)
    tasks = _column(table, _TASK)
    labels: list[str | None] = [None] * table.row_count
    if tasks is not None:
        labels = _group_labels(file, "task", tasks)
    for task, rows in _grouped(labels, range(table.row_count)).items():
        for key, members in _slices(slices, rows):
            for metric, scores in columns.items():
                yield layout.measurement(metric, scores, task, key, members)


@dataclass(frozen=True)
class _Layout:
    ids: list[str] | None
    clusters: list[str] | None

    def measurement(
        self,
        metric: str,
        scores: Sequence[float | None],
        task: str | None,
        key: SliceKey,
        members: Sequence[int],
    ) -> Measurement:
        kept = [row for row in members if scores[row] is not None]
        return Measurement(
            metric=metric,
            scores=tuple(score for row in kept if (score := scores[row]) is not None),
            ids=None if self.ids is None else tuple(self.ids[row] for row in kept),
            clusters=None if self.clusters is None else tuple(self.clusters[row] for row in kept),
            n_errored=len(members) - len(kept),
            errors_stated=True,
            task=task,
            slice=key,
        )


def _candidates(table: Table) -> Iterator[tuple[str, list[object]]]:
    for name, cells in table.columns.items():
        low = name.strip().lower()
        # pandas writes its row numbers as "Unnamed: 0" when they are saved and loaded again.
        if not low or low in _RESERVED or low.startswith("unnamed: "):
            continue
        if not SLICE_COLUMN.fullmatch(name.strip()):
            yield name, cells


def _is_measured(scores: Sequence[float | None] | None) -> bool:
    return scores is not None and any(score is not None for score in scores)


def _scores(cells: Sequence[object]) -> list[float | None] | None:
    """The column as scores; None where a cell holds anything else, or every cell is empty.

    A column with a stray text is no metric: the rule that wants it finds it missing.
    """
    scores: list[float | None] = []
    for cell in cells:
        if isinstance(cell, str) and cell.strip().lower() in _TRUTH:
            scores.append(_TRUTH[cell.strip().lower()])
            continue
        try:
            scores.append(number(cell))
        except NotANumber:
            return None
    # A column of nothing but NaN was a metric once, and stays in sight as wholly errored.
    return None if all(is_blank(cell) for cell in cells) else scores


def _names(
    file: ResultFile, table: Table, notes: list[str]
) -> tuple[list[str] | None, list[str] | None]:
    ids = _labels(file, _column(table, _ID), "id")
    clusters = _labels(file, _column(table, _CLUSTER), "cluster")
    if ids is not None and len(set(ids)) < len(ids):
        notes.append("ids repeat: rows of one id are taken as repeats of one example")
        return None, clusters or ids
    return ids, clusters


def _labels(file: ResultFile, cells: list[object] | None, what: str) -> list[str] | None:
    if cells is None:
        return None
    for position, cell in enumerate(cells, 1):
        if is_blank(cell) or isinstance(cell, dict | list):
            raise file.malformed(f"row {position} has no {what}, and the others have one")
    return [label(cell) for cell in cells]


def _column(table: Table, names: Sequence[str]) -> list[object] | None:
    lowered = {name.strip().lower(): cells for name, cells in table.columns.items()}
    return next((lowered[name] for name in names if name in lowered), None)


def _slices(
    slices: dict[str, list[str | None]], rows: Sequence[int]
) -> Iterator[tuple[SliceKey, Sequence[int]]]:
    """All rows, then the rows of each value of each slice column; crossing is left to policies."""
    yield (), rows
    for dimension, labels in slices.items():
        for value, members in _grouped(labels, rows).items():
            if value is not None:
                yield ((dimension, value),), members


def _grouped(labels: list[str | None], rows: Sequence[int]) -> dict[str | None, list[int]]:
    groups: dict[str | None, list[int]] = {}
    for row in rows:
        groups.setdefault(labels[row], []).append(row)
    return groups


def _group_labels(file: ResultFile, name: str, cells: list[object]) -> list[str | None]:
    """The group that each row is in by this column; None where the cell is empty."""
    if any(isinstance(cell, dict | list) for cell in cells):
        raise file.malformed(f"the column {name[:40]!r} holds what is not a plain value")
    labels = [None if is_blank(cell) else label(cell) for cell in cells]
    if len(set(labels)) > MAX_GROUPS:
        raise file.too_large(
            f"{name[:40]!r} has more than {MAX_GROUPS:,} different values; a group needs "
            "examples, an id belongs in the column `id`"
        )
    return labels
