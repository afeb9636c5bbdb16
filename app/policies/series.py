"""Measurements as the series that rules judge: one metric on one task, slice and source.

It sorts and screens; a series on which no rule could pass is refused with words for the user.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from gates.evidence import Evidence, Measurement, SliceKey
from gates.ladder import clusters_of, sample_size
from gates.metrics import Direction, Kind, resolve
from gates.rules.context import Defaults
from gates.rules.looks import planned_alpha
from gates.rules.measured import MIN_CLUSTERS
from gates.rules.selection import EvidenceIndex, Row, is_number
from gates.units import convert, factor

DEFAULTS = Defaults()
ALPHA = planned_alpha(DEFAULTS.alpha_fail, DEFAULTS.looks, 1) or DEFAULTS.alpha_fail
"""The error that a first look may spend under a policy's defaults."""


class NothingShownError(ValueError):
    """A series proves no limit; the message says why."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A metric as a rule would describe it; `declared` where the catalogue does not know it."""

    name: str
    title: str
    kind: Kind
    direction: Direction
    value_range: tuple[float, float] | None
    family: str
    exact_allowed: bool
    unit: str | None
    declared: bool


@dataclass(frozen=True, slots=True)
class Series:
    """The measurements of one metric on one task, slice and source."""

    metric: str
    task: str | None
    slice: SliceKey
    source: str
    rows: tuple[Row, ...]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names of the slice's dimensions."""
        return tuple(name for name, _ in self.slice)


def series_of(measurements: Iterable[Measurement]) -> list[Series]:
    """The series in the order of their first measurement; roll-ups are left out.

    Raises ImpossibleEvidence for measurements that cannot be.
    """
    evidence = Evidence(tuple(m for m in measurements if not m.aggregate))
    groups: dict[tuple[str, str | None, SliceKey, str], list[Row]] = {}
    for row in EvidenceIndex(evidence).all():
        m = row.measurement
        groups.setdefault((row.metric, m.task, m.slice, source_name(m)), []).append(row)
    return [Series(*key, tuple(rows)) for key, rows in groups.items()]


def source_name(m: Measurement) -> str:
    """How rules name a source: tool, suite or tool/suite; empty where it has neither."""
    if m.source is None:
        return ""
    return "/".join(part for part in (m.source.tool, m.source.suite) if part)


def subject_of(series: Series) -> Subject:
    """What the catalogue, or else the measurement itself, says about the metric."""
    m = series.rows[0].measurement
    known = resolve(series.metric)
    if known is None:
        kind = _declared_kind(m)
        if kind is None:
            raise NothingShownError(
                "the catalogue does not know it: declare `direction` and `kind`"
            )
        if m.direction is None:
            raise NothingShownError("the catalogue does not know it: declare `direction`")
        bounds = (0.0, 1.0) if kind == "proportion" else None
        return Subject(
            series.metric,
            series.metric.replace("_", " "),
            kind,
            m.direction,
            bounds,
            "other",
            exact_allowed=False,
            unit=m.unit,
            declared=True,
        )
    metric = known.metric
    if metric.direction == "info":
        raise NothingShownError("neither end is good by itself: choose `min` or `max`")
    kind = metric.kind
    unit = None if kind == "proportion" else m.unit or metric.unit
    return Subject(
        metric.id,
        metric.title,
        kind,
        metric.direction,
        metric.value_range,
        metric.family,
        metric.exact_allowed,
        unit,
        declared=False,
    )


def _declared_kind(m: Measurement) -> Kind | None:
    """What an unknown metric's form says about its kind; None where it says nothing."""
    if m.quantile is not None or m.exceed is not None:
        return "quantile"
    if m.count is not None:
        return "proportion"
    if m.scores is not None:
        return "proportion" if set(m.scores) <= {0.0, 1.0} else "mean"
    return "mean" if m.stderr is not None or m.ci is not None else None


def screened(subject: Subject, row: Row) -> Measurement:
    """The measurement in the series' unit. Raises where no rule on it could pass."""
    m = row.measurement
    if m.incomplete is not None:
        raise NothingShownError(m.incomplete)
    if m.missing is not None or (m.value is not None and not is_number(m.value)):
        raise NothingShownError("it was reported, but not as a finite number")
    if m.scores is not None and not all(is_number(score) for score in m.scores):
        raise NothingShownError("one of its scores is not a finite number")
    n = sample_size(m)
    if n == 0:
        raise NothingShownError("it was measured on no example")
    if n is not None and m.n_errored > DEFAULTS.max_error_share * (n + m.n_errored):
        share = m.n_errored / (n + m.n_errored)
        raise NothingShownError(f"{share:.1%} of its examples errored; a policy allows 2%")
    if (clusters := clusters_of(m)) is not None and len(set(clusters)) < MIN_CLUSTERS:
        raise NothingShownError(f"fewer than {MIN_CLUSTERS} clusters support no bound")
    if subject.unit is None:
        return m
    if m.unit is not None and factor(m.unit, subject.unit) is None:
        raise NothingShownError(f"its values are in {subject.unit} and {m.unit}")
    return convert(m, subject.unit, row.pointer)
