"""One estimate of each kind beside scipy.stats and statsmodels doing the same, in microseconds.

Both sides start from the same numbers and end with the same bounds; where a library has no such
bound, the row stands alone.
"""

import time
from collections.abc import Callable

import numpy as np
from scipy import stats
from statsmodels.stats import inter_rater, proportion

from gates.statistics.registry import ESTIMATORS
from gates.statistics.special import forget
from tests.bench.table import Row, Spread

ROUNDS = 9
PER_ROUND = 20
_DICE = np.random.default_rng(1)
_SCORES = _DICE.choice([0.0, 0.25, 0.5, 0.75, 1.0], size=1000)
_OTHER = np.clip(_SCORES + _DICE.normal(0.0, 0.1, size=1000), 0.0, 1.0)
_LABELS = (_DICE.random(1000) < 0.4).astype(float)
_COSTS = _DICE.lognormal(size=1000)
_TABLE = ((420, 30), (25, 525))

Call = Callable[[], object]


def contenders() -> dict[str, tuple[Call, dict[str, Call]]]:
    """Task -> ours, and others by name."""
    scores, other, labels = (tuple(x.tolist()) for x in (_SCORES, _OTHER, _LABELS))
    costs = tuple(_COSTS.tolist())
    apart = tuple((_SCORES - _OTHER).tolist())
    return {
        "rate, 445 of 500": (
            _both("rate", 445, 500),
            {
                "scipy.stats.binomtest": lambda: stats.binomtest(445, 500).proportion_ci(0.9),
                "statsmodels proportion_confint": lambda: proportion.proportion_confint(
                    445, 500, 0.1, method="beta"
                ),
            },
        ),
        "two rates, separate": (
            _both("rate_difference", 445, 500, 440, 500),
            {
                "statsmodels confint_proportions_2indep (newcomb)": lambda: (
                    proportion.confint_proportions_2indep(445, 500, 440, 500, method="newcomb")
                )
            },
        ),
        "ratio of two rates": (
            _both("rate_ratio", 445, 500, 440, 500),
            {
                "scipy.stats.contingency.relative_risk (Katz)": lambda: (
                    stats.contingency.relative_risk(445, 500, 440, 500).confidence_interval(0.9)
                )
            },
        ),
        "mean of 1,000 scores": (
            _both("bounded_mean", scores, 0.0, 1.0),
            {"scipy.stats.ttest_1samp": lambda: _t(_SCORES)},
        ),
        "paired means, 1,000": (
            _both("paired_means", apart, -1.0, 1.0),
            {
                "scipy.stats.ttest_rel": lambda: stats.ttest_rel(
                    _SCORES, _OTHER
                ).confidence_interval(0.9)
            },
        ),
        "95% quantile of 1,000": (
            _both("quantile", costs, 0.95),
            {
                "scipy.stats.quantile_test": lambda: stats.quantile_test(
                    _COSTS, q=5.0, p=0.95
                ).confidence_interval(0.9)
            },
        ),
        "betting on 1,000 scores": (_both("mean_by_betting", scores, 0.0, 1.0), {}),
        "AUC, 1,000 examples": (_both("auc", scores, labels), {}),
        "kappa of a table": (
            _both("kappa", _TABLE),
            {"statsmodels cohens_kappa": lambda: inter_rater.cohens_kappa(np.array(_TABLE))},
        ),
        "correlation of 1,000": (
            _both("correlation", scores, other),
            {
                "scipy.stats.pearsonr": lambda: stats.pearsonr(_SCORES, _OTHER).confidence_interval(
                    0.9
                )
            },
        ),
        "events per exposure": (
            _both("events", 7, 1000.0),
            {"scipy.stats.chi2": lambda: (stats.chi2.ppf(0.05, 14), stats.chi2.ppf(0.95, 16))},
        ),
        "ratio of sums, 1,000": (_both("ratio_of_sums", costs, labels), {}),
        "balanced accuracy by BCa, 1,000": (
            _both("of_labels", "balanced_accuracy", labels, tuple((_OTHER > 0.5).astype(float))),
            {"scipy.stats.bootstrap (a mean, 2,000 resamples)": _bootstrap},
        ),
    }


def _both(name: str, *given: object) -> Call:
    """Build the estimate and ask it for both bounds."""
    build = ESTIMATORS[name].build

    def call() -> object:
        forget()  # otherwise the second call would only look up what the first computed
        known = build(*given)
        return known.lower(0.05, errors=True), known.upper(0.05, errors=False)

    return call


def _t(values: np.ndarray) -> object:
    return stats.ttest_1samp(values, 0.5).confidence_interval(0.9)


def _bootstrap() -> object:
    return stats.bootstrap((_SCORES,), np.mean, n_resamples=2000, rng=1, confidence_level=0.9)


def rows() -> list[Row]:
    """Microseconds per call, rounds interleaved, so that a busy moment hits all alike."""
    found = []
    for task, (ours, others) in contenders().items():
        calls = {"gates": ours, **others}
        taken: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(ROUNDS):
            for name, call in calls.items():
                call()
                started = time.perf_counter()
                for _ in range(PER_ROUND):
                    call()
                taken[name].append((time.perf_counter() - started) / PER_ROUND * 1e6)
        spreads = {name: Spread.of(values) for name, values in taken.items()}
        for name, spread in spreads.items():
            ratio = spread.median / spreads["gates"].median
            note = "" if name == "gates" else f"takes {ratio:.1f} x ours"
            found.append(Row(task, name, {"µs": spread}, note))
    return found
