"""Statistics of labelled examples under weights: F1 over classes, kappa, areas, fits.

Each takes weights (k, r) and r rows of truth and prediction, and gives k values: a bootstrap asks
for thousands of samples at once. They follow scikit-learn's definitions; a class that a sample does
not hold is left out of its averages. They bound nothing.
"""

from collections.abc import Callable

from gates.statistics.arrays import Array, numpy

Statistic = Callable[[Array, Array, Array], Array]
"""(weights of shape (k, r), truth (r), prediction (r)) -> values (k)"""


def _tables(weights: Array, truth: Array, said: Array) -> Array:
    """Confusion tables of shape (k, classes, classes), rows truth."""
    np = numpy()
    classes = np.unique(np.concatenate([truth, said]))
    size = len(classes)
    cell = np.searchsorted(classes, truth) * size + np.searchsorted(classes, said)
    marks = np.zeros((len(truth), size * size))
    marks[np.arange(len(truth)), cell] = 1.0
    found: Array = (weights @ marks).reshape(-1, size, size)
    return found


def _shares(part: Array, whole: Array) -> Array:
    """Part / whole; NaN where there is no whole."""
    np = numpy()
    with np.errstate(all="ignore"):
        found: Array = np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)
    return found


def _f1s(tables: Array) -> Array:
    np = numpy()
    hits = np.einsum("kii->ki", tables)
    return _shares(2.0 * hits, tables.sum(axis=2) + tables.sum(axis=1))


def macro_f1(weights: Array, truth: Array, said: Array) -> Array:
    """The plain mean of the classes' F1."""
    return _mean(_f1s(_tables(weights, truth, said)))


def weighted_f1(weights: Array, truth: Array, said: Array) -> Array:
    """The mean of the classes' F1, weighted by their true size."""
    np = numpy()
    tables = _tables(weights, truth, said)
    sizes = tables.sum(axis=2)
    return _shares((np.nan_to_num(_f1s(tables)) * sizes).sum(axis=1), sizes.sum(axis=1))


def f1(weights: Array, truth: Array, said: Array) -> Array:
    """F1 of the class 1."""
    hits = (weights * ((truth == 1) & (said == 1))).sum(axis=1)
    either = (weights * (truth == 1)).sum(axis=1) + (weights * (said == 1)).sum(axis=1)
    found: Array = numpy().nan_to_num(_shares(2.0 * hits, either))
    return found


def balanced_accuracy(weights: Array, truth: Array, said: Array) -> Array:
    """The mean of the classes' recalls."""
    np = numpy()
    tables = _tables(weights, truth, said)
    return _mean(_shares(np.einsum("kii->ki", tables), tables.sum(axis=2)))


def mcc(weights: Array, truth: Array, said: Array) -> Array:
    """Matthews' correlation; 0 where a side has one class only."""
    np = numpy()
    tables = _tables(weights, truth, said)
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    n, hits = rows.sum(axis=1), np.einsum("kii->k", tables)
    spread = (n * n - (columns**2).sum(axis=1)) * (n * n - (rows**2).sum(axis=1))
    above = hits * n - (rows * columns).sum(axis=1)
    found: Array = np.nan_to_num(_shares(above, np.sqrt(np.maximum(spread, 0.0))))
    return found


def kappa(weights: Array, truth: Array, said: Array) -> Array:
    """Cohen's kappa; 0 where chance agrees on everything."""
    np = numpy()
    tables = _tables(weights, truth, said)
    n = tables.sum(axis=(1, 2))
    chance = (tables.sum(axis=2) * tables.sum(axis=1)).sum(axis=1) / n**2
    found: Array = np.nan_to_num(_shares(np.einsum("kii->k", tables) / n - chance, 1.0 - chance))
    return found


def roc_auc(weights: Array, truth: Array, said: Array) -> Array:
    """The chance that a positive scores above a negative; ties count half."""
    np = numpy()
    _, place = np.unique(said, return_inverse=True)
    positive = _by_value(weights * (truth == 1), place)
    negative = _by_value(weights * (truth == 0), place)
    below = np.cumsum(negative, axis=1) - negative / 2.0
    return _shares((positive * below).sum(axis=1), positive.sum(axis=1) * negative.sum(axis=1))


def pr_auc(weights: Array, truth: Array, said: Array) -> Array:
    """Average precision: the mean precision at each positive, as scikit-learn sums it."""
    np = numpy()
    _, place = np.unique(-said, return_inverse=True)
    positive = _by_value(weights * (truth == 1), place)
    flagged = np.cumsum(_by_value(weights, place), axis=1)
    precision = np.nan_to_num(_shares(np.cumsum(positive, axis=1), flagged))
    return _shares((positive * precision).sum(axis=1), positive.sum(axis=1))


def rmse(weights: Array, truth: Array, said: Array) -> Array:
    """The root of the mean squared error."""
    found: Array = numpy().sqrt(weights @ (said - truth) ** 2 / weights.sum(axis=1))
    return found


def r2(weights: Array, truth: Array, said: Array) -> Array:
    """The share of the truth's variance that the prediction explains."""
    np = numpy()
    n = weights.sum(axis=1)
    centred = truth - truth.mean()
    spread = weights @ centred**2 - (weights @ centred) ** 2 / n
    found: Array = 1.0 - weights @ (said - truth) ** 2 / np.where(spread > 0, spread, np.nan)
    return found


def pearson(weights: Array, truth: Array, said: Array) -> Array:
    """The linear correlation."""
    np = numpy()
    n = weights.sum(axis=1)
    x, y = truth - truth.mean(), said - said.mean()
    mx, my = weights @ x / n, weights @ y / n
    across = weights @ (x * y) / n - mx * my
    spread = (weights @ x**2 / n - mx**2) * (weights @ y**2 / n - my**2)
    return _shares(across, np.sqrt(np.maximum(spread, 0.0)))


def _by_value(weights: Array, place: Array) -> Array:
    """Weights summed over rows of one value, values in order."""
    np = numpy()
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    found: Array = np.add.reduceat(weights[:, order], starts, axis=1)
    return found


def _mean(values: Array) -> Array:
    np = numpy()
    known = ~np.isnan(values)
    return _shares(np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1))


OF_CLASSES: dict[str, Statistic] = {
    "f1": f1,
    "macro_f1": macro_f1,
    "weighted_f1": weighted_f1,
    "balanced_accuracy": balanced_accuracy,
    "mcc": mcc,
    "kappa": kappa,
}
"""Statistics of predicted classes."""
OF_RANKS: dict[str, Statistic] = {"roc_auc": roc_auc, "pr_auc": pr_auc}
"""Statistics of scores whose truth is 1 or 0."""
OF_NUMBERS: dict[str, Statistic] = {"rmse": rmse, "r2": r2, "pearson": pearson}
"""Statistics of predicted numbers."""
