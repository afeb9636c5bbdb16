"""What all rules about a metric share: what the metric is, which measurement answers, what bars it.

It picks and screens evidence; it neither estimates nor decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from gates.evidence import ImpossibleEvidence, Measurement
from gates.ladder import clusters_of, sample_size
from gates.metrics import nearest, resolve
from gates.rules.base import METRIC_KINDS, MeasuredRule, MetricRule
from gates.rules.context import Context
from gates.rules.selection import HUGE, Row, Target, canonical_name, is_number, within
from gates.units import convert
from gates.verdict import Mode, Outcome

MIN_CLUSTERS = 20  # below it, cluster-robust errors are unreliable (statistics.md section 4)
CATALOGUE_UNITLESS = frozenset({None, "fraction"})
UNDECLARED_ERRORS = ("errors: undeclared",)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a rule judges: the catalogue's metric, or what the rule declares of an unknown one."""

    metric: str
    title: str
    kind: str
    direction: str
    value_range: tuple[float, float] | None
    unit: str | None
    """The unit of unstated measurements; None where the catalogue fixes none."""
    money: bool
    exact_allowed: bool
    quantile: float | None


class UnknownMetricError(ValueError):
    """A metric that neither the catalogue nor the rule describes."""


def subject_of(rule: MetricRule) -> Subject:
    """Resolve a rule's metric. Raises UnknownMetricError with the nearest valid names."""
    known = resolve(rule.metric)
    if known is None:
        if rule.direction is None or rule.declared_kind is None:
            near = nearest(rule.metric)
            hint = f"did you mean {' or '.join(near)}? Otherwise " if near else ""
            raise UnknownMetricError(
                f"{rule.metric} is not in the catalogue; {hint}declare `direction: higher|lower` "
                f"and `kind: {'|'.join(METRIC_KINDS)}` on the rule"
            )
        kind = rule.declared_kind
        bounds = rule.range or ((0.0, 1.0) if kind == "proportion" else None)
        title = rule.metric.replace("_", " ")
        return Subject(
            rule.metric,
            title,
            kind,
            rule.direction,
            bounds,
            unit=None,
            money=False,
            exact_allowed=kind == "point",
            quantile=rule.quantile,
        )
    metric = known.metric
    return Subject(
        metric.id,
        metric.title,
        rule.declared_kind or metric.kind,
        rule.direction or metric.direction,
        rule.range or metric.value_range,
        known.unit or metric.unit,
        metric.money,
        metric.exact_allowed,
        rule.quantile if rule.quantile is not None else known.quantile,
    )


class JudgedRule(MetricRule):
    """A rule about one metric, which it resolves once."""

    @cached_property
    def subject(self) -> Subject:
        """What is judged. Raises UnknownMetricError before `problems` has been asked."""
        return subject_of(self)

    @cached_property
    def in_every_finding(self) -> Mapping[str, Any]:
        """The fields that all findings of the rule share while their outcome is not known."""
        subject = self.subject
        return {
            "rule": self.id,
            "kind": self.KIND,
            "outcome": Outcome.MISSING,
            "reason": "not_measured",
            "message": "",
            "mode": self.mode,
            "metric": subject.metric,
            "quantile": subject.quantile,
            "unit": self.unit or ("fraction" if subject.kind == "proportion" else None),
            "direction": subject.direction,
            "target": getattr(self, "target", None),
            "basis": self.basis.words() if self.basis else None,
            "note": self.note,
            "loosens": self.loosens,
        }


def metric_problems(rule: MetricRule) -> list[tuple[str, str]]:
    """Contradictions between a rule and its metric: (field, detail)."""
    if rule.declared_kind is not None and rule.declared_kind not in METRIC_KINDS:
        return [("kind", f"must be one of {', '.join(METRIC_KINDS)}")]
    try:
        subject = subject_of(rule)
    except UnknownMetricError as error:
        return [("metric", str(error))]
    return [
        *_declaration_problems(rule),
        *_certificate_problems(rule),
        *strict_problems(rule),
        *_mode_problems(rule, subject),
        *_quantile_problems(rule, subject),
    ]


def _declaration_problems(rule: MetricRule) -> list[tuple[str, str]]:
    found = []
    if rule.range is not None and not rule.range[0] < rule.range[1]:
        found.append(("range", "the first number must be below the second"))
    known = resolve(rule.metric)
    kind = rule.declared_kind if known is None else known.metric.kind
    if kind == "proportion" and rule.unit not in (None, "fraction"):
        found.append(("unit", "limits on a proportion are fractions: write 0.85, not 85 percent"))
    if known is None:
        return found
    metric = known.metric
    as_mean = rule.declared_kind == "mean" and metric.kind == "quantile"
    if rule.declared_kind not in (None, metric.kind) and not as_mean:
        found.append(("kind", f"the catalogue says that {metric.id} is a {metric.kind}"))
    if rule.direction not in (None, metric.direction) and metric.direction != "info":
        found.append(("direction", f"the catalogue says that {metric.direction} is better"))
    return found


CERTIFIED = frozenset({"threshold", "versus_baseline"})
NOT_STRICT = frozenset({"disparity", "distribution"})


def strict_problems(rule: MetricRule) -> list[tuple[str, str]]:
    """Kinds of which no bound keeps its level for every n and distribution."""
    if rule.strict and rule.KIND in NOT_STRICT:
        detail = f"no bound of a {rule.KIND} keeps its level for every n; leave `strict` out"
        return [
            ("strict", f"{detail}, or add a strict rule with `min`, `max` or `versus_baseline`")
        ]
    return []


def _certificate_problems(rule: MetricRule) -> list[tuple[str, str]]:
    if not rule.certify:
        return []
    if rule.KIND not in CERTIFIED:
        return [("certify", "belongs to rules with `min`, `max` or `versus_baseline`")]
    if not rule.by:
        return [("certify", "certifies slices; add `by`")]
    if rule.mode is not Mode.PROVE:
        return [("certify", "certifies what is proven; leave `mode` out")]
    return []


def _mode_problems(rule: MetricRule, subject: Subject) -> list[tuple[str, str]]:
    found = []
    if rule.mode is Mode.GUARD and rule.notice is None:
        found.append(("mode", "guard needs `notice`: the shortfall that must not go unnoticed"))
    if rule.notice is not None and rule.mode is not Mode.GUARD:
        found.append(("notice", "belongs to `mode: guard`"))
    sampled = subject.kind in {"proportion", "ratio", "quantile"}
    if (
        rule.mode is Mode.EXACT
        and sampled
        and not subject.exact_allowed
        and rule.accepts_point_estimate is None
    ):
        detail = f"{subject.metric} is sampled; `exact` needs `accepts_point_estimate: <reason>`"
        found.append(("mode", detail))
    return found


def _quantile_problems(rule: MetricRule, subject: Subject) -> list[tuple[str, str]]:
    if subject.kind == "quantile" and subject.quantile is None:
        detail = f"say which quantile of {subject.metric}: `quantile: 0.95`, or `kind: mean`"
        return [("metric", detail)]
    if subject.kind != "quantile" and rule.quantile is not None:
        return [("quantile", f"{subject.metric} is a {subject.kind}, not a quantile")]
    if subject.quantile is not None and subject.quantile >= 1:
        return [("metric", f"a maximum of {subject.metric} cannot be proven; use `quantile`")]
    named = resolve(rule.metric)
    if named and rule.quantile is not None and named.quantile not in (None, rule.quantile):
        return [("quantile", f"{rule.metric} already names the quantile {named.quantile:g}")]
    return []


class Picked(NamedTuple):
    """The measurement that answers, other percentiles of its series, and what is assumed."""

    measurement: Measurement
    related: tuple[Measurement, ...]
    flags: tuple[str, ...]

    @property
    def n(self) -> int | None:
        """Scored examples."""
        return sample_size(self.measurement)


@dataclass(frozen=True, slots=True)
class Absent:
    """Why nothing can be judged: a reason of policy.md section 4 and a sentence."""

    reason: str
    detail: str


def pick(
    rule: MetricRule, subject: Subject, target: Target, limit: float | None
) -> Picked | Absent:
    """The one measurement of a target that the rule judges, in the rule's unit.

    Raises ImpossibleEvidence where two values answer the same question.
    """
    if target.absent is not None:
        return Absent(target.absent, target.detail)
    wanted = rule.unit or (subject.unit if not subject.money else None)
    rows: list[Measurement] = []
    for row in target.rows:
        m = row.measurement
        if m.unit is None and rule.unit is not None and subject.unit is None:
            detail = f"{subject.metric} was sent without a unit; the rule asks for {rule.unit}"
            return Absent("unit_unstated", detail)
        rows.append(convert(_with_unit(m, subject), wanted, row.pointer) if wanted else m)
    if subject.kind == "quantile":
        main, related = _series(rows, subject, limit, target.rows)
    else:
        plain = [m for m in rows if m.quantile is None]
        if not plain:
            detail = f"only quantiles of {subject.metric} were sent; the rule asks for its mean"
            return Absent("not_measured", detail)
        main, related = _only(plain, subject, target.rows), ()
    return _screen(rule, subject, main, related)


def _with_unit(m: Measurement, subject: Subject) -> Measurement:
    if m.unit is not None or subject.unit is None:
        return m
    return replace(m, unit=subject.unit)


def _only(found: Sequence[Measurement], subject: Subject, rows: Sequence[Row]) -> Measurement:
    if len(found) > 1:
        detail = (
            f"{subject.metric} has {len(found)} values for one slice, task and source; send one, "
            "or tell them apart with `task`, `slice` or `source`"
        )
        raise ImpossibleEvidence("ambiguous-measurement", rows[1].pointer, detail)
    return found[0]


def _series(
    found: list[Measurement], subject: Subject, limit: float | None, rows: Sequence[Row]
) -> tuple[Measurement, tuple[Measurement, ...]]:
    """The strongest form of a quantile's evidence, and the other percentiles as order information.

    Per-example values say more than a count over the limit, and that more than a percentile.
    """
    scores = [m for m in found if m.scores is not None]
    exceed = [m for m in found if m.exceed is not None]
    at_limit = [m for m in exceed if m.exceed is not None and m.exceed.limit == limit]
    stated = [m for m in found if m.quantile == subject.quantile]
    others = tuple(m for m in found if m.quantile not in (None, subject.quantile))
    for form in (scores, at_limit, exceed, stated):
        if form:
            main = _only(form, subject, rows)
            return main, (*(m for m in stated if m is not main), *others)
    if others:
        return others[0], others[1:]
    plain = [m for m in found if m.quantile is None]
    return _only(plain, subject, rows), ()


def _screen(
    rule: MetricRule, subject: Subject, m: Measurement, related: tuple[Measurement, ...]
) -> Picked | Absent:
    if m.incomplete is not None:
        return Absent("incomplete_run", m.incomplete)
    if m.missing is not None or (m.value is not None and not is_number(m.value)):
        return Absent("not_a_number", f"{subject.metric} was reported, but not as a finite number")
    if m.scores is not None and not within(m.scores, -HUGE, HUGE):
        return Absent("not_a_number", f"a score of {subject.metric} is not a finite number")
    if sample_size(m) == 0:
        errored = f"; {m.n_errored} errored" if m.n_errored else ""
        return Absent("no_samples", f"{subject.metric} was measured on no example{errored}")
    lacking = [need for need in rule.needs if not _has(m, need)]
    if lacking:
        detail = f"the rule needs {', '.join(lacking)} with {subject.metric}; the evidence has none"
        return Absent("needs_not_met", detail)
    flags = () if _has(m, "n_errored") else UNDECLARED_ERRORS
    return Picked(m, tuple([r for r in related if is_number(r.value)]), flags)


def _has(m: Measurement, need: str) -> bool:
    match need:
        case "ids":
            return m.ids is not None
        case "clusters":
            return m.clusters is not None
        case "n_errored":
            return m.errors_stated or m.n_errored > 0
        case _:
            return m.source is not None and m.source.dataset_digest is not None


def blocks(rule: MeasuredRule, ctx: Context, m: Measurement) -> tuple[str, ...]:
    """Reasons that bar a pass whatever the bounds say."""
    if rule.min_samples is None and clusters_of(m) is None and not m.n_errored:
        return ()
    found = []
    n = sample_size(m)
    few = rule.min_samples is not None and (n is None or n < rule.min_samples)
    if few or has_few_clusters(m):
        found.append("too_few_samples")
    allowed = ctx.defaults.max_error_share if rule.max_error_share is None else rule.max_error_share
    if n is not None and m.n_errored > allowed * (n + m.n_errored):
        found.append("too_many_errors")
    return tuple(found)


def has_few_clusters(m: Measurement) -> bool:
    """Whether examples share so few clusters that no bound over them is trusted for a pass."""
    clusters = clusters_of(m)
    return clusters is not None and len(set(clusters)) < MIN_CLUSTERS


def known_slices(ctx: Context, metric: str) -> list[tuple[tuple[str, str], ...]]:
    """Slices of a metric that the baseline, or the model's last decision here, had."""
    seen = {slice_ for name, slice_ in ctx.history.known_slices if canonical_name(name) == metric}
    seen.update(row.measurement.slice for row in ctx.baseline.rows(metric))
    return sorted(seen)
