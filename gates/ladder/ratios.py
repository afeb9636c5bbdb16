"""Ratios: F1 through its counts, averages that only look like ratios, else what the tool states."""

from gates.evidence import Measurement
from gates.ladder.labelled import name_of, of_labels, of_table
from gates.ladder.means import TOO_SKEWED, mean
from gates.ladder.screening import Range, Unsettled, clusters_of, unsettled_by
from gates.ladder.supplied import beside, supplied
from gates.statistics import drift, fieller
from gates.statistics.binomial import Rate
from gates.statistics.correlation import Correlation
from gates.statistics.estimate import Estimate
from gates.statistics.f1 import F1
from gates.statistics.skewed import needed

_AVERAGES = frozenset({"nps", "bleu", "chrf", "ter", "word_error_rate", "character_error_rate"})
"""Ratios whose per-example scores average to a value of their own meaning."""


def ratio(m: Measurement, bounds: Range | None) -> Estimate | Unsettled:
    """The estimate of a statistic that is neither a share nor a mean."""
    name = name_of(m)
    if m.labels is not None:
        return of_labels(m)
    if m.table is not None:
        return of_drift(m.table, m.n_errored) if name == "psi" else of_table(m)
    if m.denominators is not None and m.scores is not None:
        return _of_sums(m.scores, m.denominators, m)
    if name in {"pearson", "spearman"} and m.value is not None and m.n is not None:
        return _of_correlation(m.value, m.n, name, m)
    if m.count is not None and m.n is not None and name in {"f1", "jaccard"}:
        jaccard = Rate(m.count, m.count, m.n, m.n_errored)
        return F1(jaccard) if name == "f1" else jaccard
    if m.scores is not None and name in _AVERAGES:
        return mean(m, bounds)
    if m.scores is not None:
        detail = f"Scores of single examples do not average to {name}; send `stderr` or `ci` and n"
        return Unsettled("no_uncertainty", detail)
    if m.count is not None:
        return Unsettled(
            "no_uncertainty", f"Counts do not bound {name}; send `stderr` or `ci`, and n"
        )
    better = "TP as `count`, TP + FP + FN as `n`" if name == "f1" else "`stderr` or `ci`, and `n`"
    return supplied(m, bounds, better)


def _of_sums(
    numerators: tuple[float, ...], denominators: tuple[float, ...], m: Measurement
) -> Estimate | Unsettled:
    """A ratio of two sums over the same examples, such as cost per success."""
    if clusters_of(m) is not None:
        return Unsettled("no_uncertainty", "A ratio of sums over clusters is not estimated")
    try:
        known = fieller.of_scores(numerators, denominators, m.n_errored)
    except ValueError as error:
        return unsettled_by(error)
    if known.size < (least := needed(known.skewness)):
        return Unsettled("too_few_samples", TOO_SKEWED.format(least=f"{least:,}"))
    return known


def _of_correlation(value: float, n: int, name: str, m: Measurement) -> Estimate | Unsettled:
    """A correlation from its value and n: Fisher's z needs no more."""
    try:
        known = Correlation(value, n, name == "spearman", m.n_errored)
    except ValueError as error:
        return unsettled_by(error)
    return beside(known, m, None)


def of_drift(table: tuple[tuple[int, ...], ...], n_errored: int) -> Estimate | Unsettled:
    """A stability index from a row of reference counts and a row of current ones."""
    if len(table) != 2:
        detail = "A stability index needs a table of two rows: reference counts, current counts"
        return Unsettled("no_uncertainty", detail)
    try:
        return drift.of_counts(table[0], table[1], n_errored)
    except ValueError as error:
        return unsettled_by(error)
