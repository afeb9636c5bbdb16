"""Examples with their truth beside what the model said: what one number per example cannot say.

Rates and losses become one score per example and go on as those; areas, agreement, correlation and
calibration have estimators of their own; other statistics of classes are left to the bootstrap.
"""

from collections.abc import Callable
from dataclasses import replace

from gates.evidence import Measurement
from gates.ladder.pairing import Pairs
from gates.ladder.screening import UNIT, Range, Unsettled, clusters_of, unsettled_by
from gates.metrics import resolve
from gates.statistics import agreement, auc, bootstrap, calibration, correlation
from gates.statistics.binomial import Rate
from gates.statistics.bootstrap import Rows
from gates.statistics.estimate import Estimate
from gates.statistics.f1 import F1

Kept = Callable[[float, float], bool]
Scored = Callable[[float, float], float]
_PER_EXAMPLE: dict[str, tuple[Kept, Scored]] = {
    "accuracy": (lambda _s, _y: True, lambda s, y: float(s == y)),
    "exact_match": (lambda _s, _y: True, lambda s, y: float(s == y)),
    "precision": (lambda s, _y: s == 1.0, lambda _s, y: float(y == 1.0)),
    "recall": (lambda _s, y: y == 1.0, lambda s, _y: float(s == 1.0)),
    "false_negative_rate": (lambda _s, y: y == 1.0, lambda s, _y: float(s != 1.0)),
    "specificity": (lambda _s, y: y == 0.0, lambda s, _y: float(s == 0.0)),
    "false_positive_rate": (lambda _s, y: y == 0.0, lambda s, _y: float(s != 0.0)),
    "brier": (lambda _s, _y: True, lambda s, y: (s - y) * (s - y)),
    "mse": (lambda _s, _y: True, lambda s, y: (s - y) * (s - y)),
    "mae": (lambda _s, _y: True, lambda s, y: abs(s - y)),
}
"""Metric -> which examples it is about, and the score of one, from prediction and truth."""
_BINARY = frozenset(
    {"precision", "recall", "specificity", "false_positive_rate", "false_negative_rate"}
)


def name_of(m: Measurement) -> str:
    """The metric's id in the catalogue, or its own name."""
    known = resolve(m.metric)
    return known.metric.id if known else m.metric


def per_example(m: Measurement) -> Measurement:
    """The measurement with one score per example, where its metric is a rate or mean loss."""
    if m.labels is None or m.scores is None:
        return m
    name = name_of(m)
    if name not in _PER_EXAMPLE:
        return m
    if name in _BINARY and not {*m.scores, *m.labels} <= {0.0, 1.0}:
        return m
    if name == "brier" and not set(m.labels) <= {0.0, 1.0}:
        return m
    kept, scored = _PER_EXAMPLE[name]
    rows = list(zip(m.scores, m.labels, strict=True))
    at = [i for i, (said, truth) in enumerate(rows) if kept(said, truth)]
    return replace(
        m,
        scores=tuple(scored(*rows[i]) for i in at),
        n=None,
        labels=None,
        ids=None if m.ids is None else tuple(m.ids[i] for i in at),
        clusters=None if m.clusters is None else tuple(m.clusters[i] for i in at),
    )


def range_of(m: Measurement, value_range: Range | None) -> Range | None:
    """What a score lies in: a Brier score of two classes lies in 0 to 1, of more it may not."""
    if name_of(m) == "brier" and m.labels is not None and set(m.labels) <= {0.0, 1.0}:
        return UNIT
    return value_range


def of_labels(m: Measurement) -> Estimate | Unsettled:
    """The estimate of a statistic of labelled examples."""
    assert m.labels is not None
    assert m.scores is not None
    name, clusters = name_of(m), clusters_of(m)
    try:
        if clusters is not None:
            return bootstrap.of_rows(name, Rows(m.labels, (m.scores,), clusters), m.n_errored)
        return _independent(name, m.scores, m.labels, m.n_errored)
    except ValueError as error:
        return unsettled_by(error)


def _independent(
    name: str, scores: tuple[float, ...], labels: tuple[float, ...], errors: int
) -> Estimate:
    match name:
        case "roc_auc":
            return auc.of_scores(scores, labels, errors)
        case "f1" | "jaccard" if {*scores, *labels} <= {0.0, 1.0}:
            hits = sum(1 for s, y in zip(scores, labels, strict=True) if s and y)
            either = sum(1 for s, y in zip(scores, labels, strict=True) if s or y)
            if not either:
                raise ValueError("nothing is positive, so there is no F1")
            known = Rate(hits, hits, either, errors)
            return F1(known) if name == "f1" else known
        case "kappa":
            return agreement.of_table(agreement.table_of(labels, scores), errors)
        case "pearson" | "spearman":
            ranks = name == "spearman"
            return correlation.of_pairs(scores, labels, ranks=ranks, n_errored=errors)
        case "ece":
            return calibration.of_scores(scores, labels, errors)
        case _:
            return bootstrap.of_rows(name, Rows(labels, (scores,)), errors)


def compared_by_label(
    pairs: Pairs, metric: str, factor: float
) -> tuple[Estimate | None, float | None]:
    """The paired difference of a statistic of labelled examples, and what pairing gained."""
    if pairs.labels is None or pairs.questions:
        return None, None
    name = name_of(Measurement(metric))
    try:
        if name == "roc_auc" and factor == 1.0 and pairs.clusters is None:
            known = auc.paired(pairs.candidate, pairs.baseline, pairs.labels, pairs.n_errored)
            one = auc.of_scores(pairs.candidate, pairs.labels)
            two = auc.of_scores(pairs.baseline, pairs.labels)
            return known, _ratio(one.variance + two.variance, known.variance)
        rows = Rows(pairs.labels, (pairs.candidate, pairs.baseline), pairs.clusters)
        return bootstrap.of_rows(name, rows, pairs.n_errored, factor), None
    except ValueError:
        return None, None


def _ratio(apart: float, together: float) -> float | None:
    return apart / together if together > 0.0 else None


def of_table(m: Measurement) -> Estimate | Unsettled:
    """The estimate of a statistic of a confusion table, rows truth and columns prediction."""
    assert m.table is not None
    name = name_of(m)
    if any(len(row) != len(m.table) for row in m.table):
        return Unsettled("no_uncertainty", "A confusion table is square: truth by prediction")
    try:
        if name == "kappa":
            return agreement.of_table(m.table, m.n_errored)
        return bootstrap.of_table(name, m.table, m.n_errored)
    except ValueError as error:
        return unsettled_by(error)
