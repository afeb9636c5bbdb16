"""Ratios: F1 through its counts, averages that only look like ratios, else what the tool states."""

from gates.evidence import Measurement
from gates.ladder.means import mean
from gates.ladder.screening import Range, Unsettled
from gates.ladder.supplied import supplied
from gates.metrics import resolve
from gates.statistics.binomial import Rate
from gates.statistics.estimate import Estimate
from gates.statistics.f1 import F1

_AVERAGES = frozenset({"nps", "bleu", "chrf", "ter", "word_error_rate", "character_error_rate"})
"""Ratios whose per-example scores average to a value of their own meaning."""


def ratio(m: Measurement, bounds: Range | None) -> Estimate | Unsettled:
    """The estimate of a statistic that is neither a share nor a mean."""
    known = resolve(m.metric)
    name = known.metric.id if known else m.metric
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
