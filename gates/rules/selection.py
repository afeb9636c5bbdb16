"""Which measurements a rule asks for: by metric, slice, task and source, in the rule's unit.

Refuses evidence that cannot be (ImpossibleEvidence) and names what is absent or ambiguous; it
never guesses between two values.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import product
from math import inf
from typing import NamedTuple

from gates.evidence import Evidence, ImpossibleEvidence, Measurement, SliceKey
from gates.metrics import resolve
from gates.rules.base import MeasuredRule
from gates.statistics.interval import is_confidence
from gates.units import convert, scaled

HUGE = 1e300  # MLflow's REST API answers 1.797e308 for infinity
MAX_COUNT = 2**53 - 1  # what a JSON number holds exactly


class Row(NamedTuple):
    """A measurement under its catalogue name, with the place it came from."""

    metric: str
    measurement: Measurement
    place: str
    position: int

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer into what was sent."""
        return f"{self.place}/{self.position}"


class Target(NamedTuple):
    """One hypothesis of a rule: a (task, slice) with its rows, or why there are none."""

    task: str | None
    slice: SliceKey
    rows: tuple[Row, ...] = ()
    absent: str | None = None
    detail: str = ""


class EvidenceIndex:
    """All measurements of one evaluation by catalogue name; each is checked for possibility."""

    def __init__(self, evidence: Evidence, place: str = "/measurements") -> None:
        self._rows: dict[str, list[Row]] = {}
        for position, measurement in enumerate(evidence.measurements):
            row = _row(measurement, place, position)
            known = self._rows.get(row.metric)
            if known is None:
                self._rows[row.metric] = [row]
            else:
                known.append(row)

    def rows(self, metric: str) -> Sequence[Row]:
        """Rows of a metric by its catalogue id (or its own name where the catalogue lacks it)."""
        return self._rows.get(metric, ())

    def all(self) -> Iterable[Row]:
        """Every row."""
        for rows in self._rows.values():
            yield from rows


def canonical_name(metric: str) -> str:
    """The catalogue id of a metric's name, or the name itself."""
    known = resolve(metric)
    return known.metric.id if known else metric


def _row(measurement: Measurement, place: str, position: int) -> Row:
    known = resolve(measurement.metric)
    name = measurement.metric
    kind = None
    if known is not None:
        name, kind = known.metric.id, known.metric.kind
        if measurement.quantile is None and known.quantile is not None:
            measurement = replace(measurement, quantile=known.quantile)
        if measurement.unit is None and known.unit is not None:
            measurement = scaled(replace(measurement, unit=known.unit), known.scale)
    if kind == "proportion" and measurement.unit is not None:
        measurement = convert(measurement, "fraction", f"{place}/{position}")
    row = Row(name, measurement, place, position)
    value = measurement.value
    if not _plainly_possible(measurement) or (
        kind == "proportion" and value is not None and not 0 <= value <= 1
    ):
        possible(measurement, kind, row.pointer)
    return row


def possible(m: Measurement, kind: str | None, pointer: str) -> None:
    """Raise ImpossibleEvidence for values that no sample can have (policy.md section 4)."""
    for field, detail in _faults(m):
        raise ImpossibleEvidence("impossible-value", f"{pointer}/{field}", f"{m.metric}: {detail}")
    if kind != "proportion" or (m.scores is None and (m.value is None or 0 <= m.value <= 1)):
        return
    values = m.scores if m.scores is not None else (m.value,)
    if m.scores and (m.labels is not None or m.denominators is not None or within(m.scores, 0, 1)):
        return
    outside = [value for value in values if is_number(value) and not 0 <= (value or 0) <= 1]
    if outside:
        field = "value" if m.scores is None else "scores"
        detail = f"{m.metric} is a proportion; {outside[0]:g} does not lie in 0 to 1"
        raise ImpossibleEvidence("impossible-value", f"{pointer}/{field}", detail)


def _plainly_possible(m: Measurement) -> bool:
    """The common case at a glance: a value or a count of n, nothing else."""
    n = m.n
    return (
        m.scores is None
        and m.exceed is None
        and m.stderr is None
        and m.ci is None
        and m.confidence is None
        and m.ids is None
        and m.clusters is None
        and m.labels is None
        and m.denominators is None
        and m.table is None
        and m.exposure is None
        and 0 <= m.n_errored <= MAX_COUNT
        and (n is None or 0 <= n <= MAX_COUNT)
        and (m.count is None or (n is not None and 0 <= m.count <= n))
    )


def _faults(m: Measurement) -> Iterator[tuple[str, str]]:
    yield from _impossible_counts(m)
    yield from _impossible_spread(m)
    yield from _misaligned(m)
    yield from _impossible_table(m)


def _impossible_counts(m: Measurement) -> Iterator[tuple[str, str]]:
    n = m.n if m.n is not None else (len(m.scores) if m.scores is not None else None)
    for field, number in (("n", m.n), ("n_errored", m.n_errored), ("count", m.count)):
        if number is not None and not 0 <= number <= MAX_COUNT:
            yield field, f"{field} is {number}; it must lie between 0 and 2^53 - 1"
    if m.scores is not None and m.n is not None and m.n != len(m.scores):
        yield "n", f"n is {m.n} beside {len(m.scores)} scores"
    if m.count is not None and n is not None and m.count > n:
        yield "count", f"{m.count} of {n} is more than all"
    if m.exceed is not None and n is not None and not 0 <= m.exceed.count <= n:
        yield "exceed", f"{m.exceed.count} of {n} over the limit is impossible"


def _impossible_spread(m: Measurement) -> Iterator[tuple[str, str]]:
    if m.stderr is not None and not 0 <= m.stderr < HUGE:
        yield "stderr", f"a standard error cannot be {m.stderr}"
    if m.ci is not None and not -HUGE < m.ci[0] <= m.ci[1] < HUGE:
        yield "ci", f"the interval {m.ci[0]} to {m.ci[1]} is reversed or not finite"
    if m.confidence is not None and not is_confidence(m.confidence):
        yield "confidence", f"a confidence cannot be {m.confidence}; 95% is 0.95"


def _misaligned(m: Measurement) -> Iterator[tuple[str, str]]:
    beside = {name: getattr(m, name) for name in ("ids", "clusters", "labels", "denominators")}
    for field, aligned in beside.items():
        if aligned is not None and m.scores is not None and len(aligned) != len(m.scores):
            yield field, f"{len(aligned)} {field} for {len(m.scores)} scores"
    for field in ("labels", "denominators"):
        if not within(beside[field] or (), -HUGE, HUGE):
            yield field, f"one of the {field} is not a finite number"
    if m.denominators is not None and min(m.denominators, default=0) < 0:
        yield "denominators", "what a score is per cannot be negative"
    if m.ids is not None and m.clusters is not None and len(set(m.ids)) != len(m.ids):
        known: dict[str, str] = {}
        if any(known.setdefault(i, c) != c for i, c in zip(m.ids, m.clusters, strict=False)):
            yield "clusters", "repeats of one id lie in different clusters"


def _impossible_table(m: Measurement) -> Iterator[tuple[str, str]]:
    if m.exposure is not None and not 0 < m.exposure < HUGE:
        yield "exposure", f"an exposure cannot be {m.exposure}"
    if m.table is None:
        return
    if len({len(row) for row in m.table}) != 1:
        yield "table", "the rows of a table differ in length"
    if any(not 0 <= cell <= MAX_COUNT for row in m.table for cell in row):
        yield "table", "a table holds counts between 0 and 2^53 - 1"


def within(values: Sequence[float], low: float, high: float) -> bool:
    """Whether all values are numbers from low to high, at the speed of built-in functions."""
    if not values:
        return True
    total = sum(values)
    if -inf < total < inf:
        return low <= min(values) and max(values) <= high
    return all(low <= value <= high for value in values)


def is_number(value: float | None) -> bool:
    """Whether a value is finite and not a stand-in for infinity."""
    return value is not None and -HUGE <= value <= HUGE


def targets(
    rule: MeasuredRule, metric: str, index: EvidenceIndex, expected: Iterable[SliceKey] = ()
) -> list[Target]:
    """The hypotheses of a rule on this evidence, in a fixed order.

    `expected` are slices seen before (in the baseline or the last decision); together with the
    rule's `require` they must be there, or are reported as absent.
    """
    rows = _matching(rule, metric, index)
    if len(rows) == 1 and not rule.by:
        only = rows[0].measurement
        return [Target(only.task, only.slice, rows=(rows[0],))]
    tasks = {row.measurement.task for row in rows}
    fixed = tuple(sorted((rule.where or {}).items()))
    if rule.task is None and len(tasks) > 1:
        named = ", ".join([task or "one without a task" for task in sorted(tasks, key=_text)][:8])
        detail = f"{metric} was measured on several tasks ({named}); name one with `task`"
        return [Target(None, fixed, absent="ambiguous_task", detail=detail)]
    groups: dict[tuple[str | None, SliceKey], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.measurement.task, row.measurement.slice), []).append(row)
    for task in tasks or {None}:
        for wanted in {*_required(rule), *_expected(rule, expected)}:
            groups.setdefault((task, wanted), [])
    if not groups:
        if rule.by:
            over = ", ".join(rule.by)
            detail = f"{metric} was not measured by {over}; send it with `slice`"
            return [Target(None, fixed, absent="no_slice", detail=detail)]
        return [Target(None, fixed, absent="not_measured", detail=_not_measured(metric, rule))]
    order = sorted(groups, key=lambda key: (key[0] or "", key[1]))
    return [_target(rule, metric, task, slice_, groups[task, slice_]) for task, slice_ in order]


def _text(task: str | None) -> str:
    return task or ""


def _target(
    rule: MeasuredRule, metric: str, task: str | None, slice_: SliceKey, rows: list[Row]
) -> Target:
    if not rows:
        where = ", ".join(f"{name}={value}" for name, value in slice_)
        detail = f"{metric} was expected for {where} and is not there"
        return Target(task, slice_, absent="not_measured", detail=detail)
    sources = {_source_name(row.measurement) for row in rows} if len(rows) > 1 else ()
    if len(sources) > 1 and rule.source is None:
        named = ", ".join(sorted(sources)[:8])
        detail = f"{metric} comes from several sources ({named}); name one with `source`"
        return Target(task, slice_, absent="ambiguous_source", detail=detail)
    return Target(task, slice_, rows=tuple(rows))


def _matching(rule: MeasuredRule, metric: str, index: EvidenceIndex) -> list[Row]:
    if not rule.where and not rule.by and rule.task is None and rule.source is None:
        whole = [row for row in index.rows(metric) if not row.measurement.slice]
        return [row for row in whole if not row.measurement.aggregate] or whole
    where = rule.where or {}
    dimensions = {*where, *(rule.by or ())}
    found = [
        row
        for row in index.rows(metric)
        if _slice_fits(row.measurement.slice, where, dimensions)
        and (rule.task is None or fnmatchcase(row.measurement.task or "", rule.task))
        and (rule.source is None or _source_fits(row.measurement, rule.source))
    ]
    # A roll-up is judged only where nothing finer answers, or where the rule names it outright:
    # its parts are evidence already, and judging both would count them twice.
    finer = [row for row in found if not row.measurement.aggregate]
    named = [row for row in found if rule.task is not None and row.measurement.task == rule.task]
    return named or finer or found


def _slice_fits(slice_: SliceKey, where: Mapping[str, str], dimensions: set[str]) -> bool:
    if len(slice_) != len(dimensions):
        return False
    for name, value in slice_:
        if name not in dimensions or where.get(name, value) != value:
            return False
    return True


def _source_name(measurement: Measurement) -> str:
    source = measurement.source
    if source is None:
        return "unnamed"
    return "/".join(part for part in (source.tool, source.suite) if part) or "unnamed"


def _source_fits(measurement: Measurement, pattern: str) -> bool:
    source = measurement.source
    if source is None:
        return False
    names = (source.tool or "", source.suite or "", _source_name(measurement))
    return any(fnmatchcase(name, pattern) for name in names if name)


def _required(rule: MeasuredRule) -> list[SliceKey]:
    """The slices that `require` demands: every combination of its values, beside `where`.

    A dimension of `by` without required values stays open and is filled by what was measured.
    """
    if not rule.require or set(rule.require) != set(rule.by or ()):
        return []
    fixed = tuple((rule.where or {}).items())
    names = sorted(rule.require)
    return [
        tuple(sorted((*fixed, *zip(names, values, strict=True))))
        for values in product(*(rule.require[name] for name in names))
    ]


def _expected(rule: MeasuredRule, expected: Iterable[SliceKey]) -> list[SliceKey]:
    where = rule.where or {}
    dimensions = {*where, *(rule.by or ())}
    if not rule.by:
        return []
    return [slice_ for slice_ in expected if _slice_fits(slice_, where, dimensions)]


def missing_values(rule: MeasuredRule, found: Iterable[Target]) -> list[tuple[str, str]]:
    """(dimension, value) pairs that `require` names and no measured slice has.

    Covers `require` over some of several `by` dimensions, where `targets` cannot name the slice.
    """
    if not rule.require or set(rule.require) == set(rule.by or ()):
        return []
    seen = {pair for target in found if target.absent is None for pair in target.slice}
    return [
        (name, value)
        for name, values in sorted(rule.require.items())
        for value in values
        if (name, value) not in seen
    ]


def _not_measured(metric: str, rule: MeasuredRule) -> str:
    scope = [metric]
    if rule.where:
        scope.append("for " + ", ".join(f"{k}={v}" for k, v in sorted(rule.where.items())))
    if rule.task not in {None, "*"}:
        scope.append(f"on a task like {rule.task}")
    if rule.source not in {None, "*"}:
        scope.append(f"from a source like {rule.source}")
    return f"nothing that was sent measures {' '.join(scope)}"
