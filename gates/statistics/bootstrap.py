"""The bias-corrected and accelerated bootstrap over examples or clusters: the last resort.

Efron, JASA 82 (1987), 171-185. For statistics that have no bound of their own (macro-F1, average
precision, R2); always approximate, 10% false passes instead of 5% are known for F1. The dice are
seeded by the data, so the same evidence gives the same bound. Each bound is that of the sample with
pseudo-examples that are worst for it, one of each class. It refuses samples without spread, and
more rows than it could resample in a second.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import ceil, floor, isfinite

from gates.statistics import power
from gates.statistics.arrays import Array, array, numpy
from gates.statistics.estimate import Side
from gates.statistics.hybrid import smallest_alpha
from gates.statistics.labelled import OF_CLASSES, OF_NUMBERS, OF_RANKS, Statistic
from gates.statistics.special import z_quantile, z_tail

SAMPLES = 2000
MIN_EXAMPLES = 50
MAX_ROWS = 20_000
MAX_CLASSES = 60
_GROUPS = 200
_CHUNK = 4_000_000
_PAIRED = 2
"""More columns than truth and one prediction hold a second prediction."""
_Theta = Callable[[Array, Array], Array]


@dataclass(frozen=True, slots=True)
class Replicates:
    """Sorted bootstrap values with their bias correction and acceleration."""

    values: tuple[float, ...]
    bias: float
    acceleration: float

    def rank(self, alpha: float) -> float:
        """The adjusted rank of the lower alpha-quantile, from 1 to the number of values."""
        z = self.bias - z_quantile(alpha)
        bend = 1.0 - self.acceleration * z
        if not isfinite(z) or bend <= 0.0:
            return 0.0 if z < 0.0 else float(len(self.values) + 1)
        return (len(self.values) + 1) * z_tail(-(self.bias + z / bend))


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A statistic of labelled examples; implements Estimate. Errors leave nothing to say."""

    value: float
    n: int
    for_lower: Replicates
    for_upper: Replicates
    low: float
    high: float
    n_errored: int = 0
    method: str = "bca_bootstrap"
    approximate: bool = True
    count: int | None = None

    def lower(self, alpha: float, *, errors: bool) -> float:
        """The adjusted alpha-quantile; the range's end where the samples are too few for it."""
        if (errors and self.n_errored) or alpha <= 0.0:
            return self.low
        rank = floor(self.for_lower.rank(alpha))
        values = self.for_lower.values
        return self.low if rank < 1 else min(self.value, values[min(rank, len(values)) - 1])

    def upper(self, alpha: float, *, errors: bool) -> float:
        """The adjusted (1 - alpha)-quantile."""
        if (errors and self.n_errored) or alpha <= 0.0:
            return self.high
        rank = ceil(self.for_upper.rank(1.0 - alpha))
        values = self.for_upper.values
        return self.high if rank > len(values) else max(self.value, values[max(rank, 1) - 1])

    def p_below(self, limit: float) -> float:
        """The smallest alpha at which the upper bound reaches the limit, by bisection."""
        if limit > self.high:
            return 0.0
        return smallest_alpha(lambda alpha: self._is_below(self.upper(alpha, errors=False), limit))

    def p_above(self, limit: float) -> float:
        """The smallest alpha at which the lower bound reaches the limit, by bisection."""
        if limit < self.low:
            return 0.0
        return smallest_alpha(lambda alpha: self._is_above(self.lower(alpha, errors=False), limit))

    def _is_below(self, bound: float, limit: float) -> bool:
        """Whether the bound reaches the limit; the end of the range reaches itself for nothing."""
        return bound <= limit and bound < self.high

    def _is_above(self, bound: float, limit: float) -> bool:
        return bound >= limit and bound > self.low

    def samples_to_settle(self, limit: float, side: Side, alpha: float) -> int | None:
        """The normal formula on the spread of the bootstrap values; None with errors."""
        gap = self.value - limit if side == "lower" else limit - self.value
        values = (self.for_lower if side == "lower" else self.for_upper).values
        mean = sum(values) / len(values)
        spread = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
        return None if self.n_errored else power.mean(gap, spread * self.n**0.5, alpha)


@dataclass(frozen=True, slots=True)
class Rows:
    """Labelled examples: truth, one or two series of predictions, and clusters."""

    truth: tuple[float, ...]
    series: tuple[tuple[float, ...], ...]
    clusters: tuple[str, ...] | None = None


def of_rows(name: str, rows: Rows, n_errored: int = 0, factor: float = 1.0) -> Bootstrap:
    """A statistic by its metric's name, or with two series the first less factor * the second.

    Raises:
        ValueError: for unknown names, labels that do not fit, or samples that are too small, too
            large or without spread.
    """
    if len(rows.truth) < MIN_EXAMPLES:
        raise ValueError(f"the bootstrap needs {MIN_EXAMPLES} examples")
    if rows.clusters is not None and len(set(rows.clusters)) == 1:
        raise ValueError("the bootstrap needs examples of more than one cluster")
    statistic, worst = _statistic(name, rows)
    table, counts, places = _compressed(rows)
    return _resampled(_Question(name, statistic, worst, factor), table, (counts, places), n_errored)


def of_table(name: str, table: Sequence[Sequence[int]], n_errored: int = 0) -> Bootstrap:
    """A statistic of predicted classes from their confusion table, rows truth.

    Raises:
        ValueError: as for `of_rows`.
    """
    np = numpy()
    cells = [
        (float(i), float(j), count)
        for i, row in enumerate(table)
        for j, count in enumerate(row)
        if count
    ]
    if name not in OF_CLASSES:
        raise ValueError(f"a confusion table says nothing of {name}")
    if sum(map(sum, table)) < MIN_EXAMPLES:
        raise ValueError(f"the bootstrap needs {MIN_EXAMPLES} examples")
    truth, said, counts = zip(*cells, strict=True)
    statistic, worst = _statistic(name, Rows(truth, (said,)))
    data = np.column_stack([array(truth), array(said)])
    question = _Question(name, statistic, worst, 1.0)
    return _resampled(question, data, (array(counts), None), n_errored)


@dataclass(frozen=True, slots=True)
class _Question:
    name: str
    statistic: Statistic
    worst: "Worst"
    factor: float

    def __call__(self, weights: Array, data: Array) -> Array:
        found = self.statistic(weights, data[:, 0], data[:, 1])
        if data.shape[1] > _PAIRED:
            found = found - self.factor * self.statistic(weights, data[:, 0], data[:, 2])
        return found


def _resampled(
    question: _Question, table: Array, sizes: tuple[Array, Array | None], n_errored: int
) -> Bootstrap:
    np = numpy()
    counts, places = sizes
    if len(table) > MAX_ROWS:
        raise ValueError(f"the bootstrap takes {MAX_ROWS:,} examples; send `stderr` or `ci` and n")
    value = float(question(counts[None, :], table)[0])
    if not isfinite(value):
        raise ValueError("the statistic is not defined on this sample")
    low, high = _RANGES.get(question.name, (0.0, 1.0))
    if table.shape[1] > _PAIRED:
        low, high = low - question.factor * high, high - question.factor * low
    sides = []
    for against, end in ((True, low), (False, high)):
        extra = question.worst(against=against)
        data = np.concatenate([table, extra]) if len(extra) else table
        side = _replicated(question, data, counts, places, len(extra))
        if side.values[0] == side.values[-1] != end:
            raise ValueError("every resample tells the same, so the spread is unknown")
        sides.append(side)
    return Bootstrap(value, int(counts.sum()), sides[0], sides[1], low, high, n_errored)


def _replicated(
    theta: _Theta, data: Array, counts: Array, places: Array | None, extra: int
) -> Replicates:
    """Bootstrap values of a sample with its pseudo-examples, each a cluster of its own."""
    np = numpy()
    sizes = np.concatenate([counts, np.ones(extra)])
    if places is None:
        unit_sizes, unit_of = sizes, np.arange(len(sizes))
    else:
        units = int(places.max()) + 1
        unit_of = np.concatenate([places, units + np.arange(extra)])
        unit_sizes = np.ones(units + extra)
    total = int(unit_sizes.sum())
    seed = sha256(data.tobytes() + sizes.tobytes() + unit_of.tobytes()).digest()
    dice = np.random.Generator(np.random.PCG64(int.from_bytes(seed[:16], "big")))
    share = unit_sizes / unit_sizes.sum()
    step = max(1, _CHUNK // len(unit_of))
    found: list[float] = []
    while len(found) < SAMPLES:
        drawn = dice.multinomial(total, share, size=min(step, SAMPLES - len(found)))
        weights = drawn[:, unit_of].astype(float)
        if places is not None:
            weights *= sizes
        found += theta(weights, data).tolist()
    centre = float(theta(sizes[None, :], data)[0])
    kept = sorted(value for value in found if isfinite(value))
    if len(kept) < SAMPLES // 2:
        raise ValueError("the statistic is not defined on most resamples")
    below = sum(value < centre for value in kept) + sum(value == centre for value in kept) / 2
    share_below = min(max(below, 0.5), len(kept) - 0.5) / len(kept)
    return Replicates(
        tuple(kept), -z_quantile(share_below), _acceleration(theta, data, sizes, unit_of)
    )


def _acceleration(theta: _Theta, data: Array, sizes: Array, unit_of: Array) -> float:
    """Skewness of the jackknife over at most 200 groups of units, over six."""
    np = numpy()
    groups = min(_GROUPS, int(unit_of.max()) + 1)
    group_of = unit_of % groups
    step = max(1, _CHUNK // len(unit_of))
    left: list[float] = []
    for start in range(0, groups, step):
        which = np.arange(start, min(groups, start + step))
        left += theta(sizes * (group_of != which[:, None]), data).tolist()
    apart = array([value for value in left if isfinite(value)])
    if len(apart) == 0:
        return 0.0
    apart = apart.mean() - apart
    second = float((apart**2).sum())
    return float((apart**3).sum()) / (6.0 * second**1.5) if second > 0.0 else 0.0


def _compressed(rows: Rows) -> tuple[Array, Array, Array | None]:
    """Distinct rows with their counts in a fixed order, or clustered rows with their clusters."""
    np = numpy()
    data = np.column_stack([array(rows.truth), *map(array, rows.series)])
    if rows.clusters is None:
        table, counts = np.unique(data, axis=0, return_counts=True)
        return table, counts.astype(float), None
    names, places = np.unique(np.asarray(rows.clusters), return_inverse=True)
    order = np.lexsort((*data.T[::-1], places))
    del names
    return data[order], np.ones(len(data)), places[order]


def _statistic(name: str, rows: Rows) -> tuple[Statistic, "Worst"]:
    truth = set(rows.truth)
    if name in OF_CLASSES:
        classes = sorted(truth.union(*rows.series))
        if len(classes) > MAX_CLASSES:
            raise ValueError(f"the bootstrap takes {MAX_CLASSES} classes at most")
        return OF_CLASSES[name], Worst(tuple(classes), rows.series, ranks=False)
    if name in OF_RANKS:
        if truth != {0.0, 1.0}:
            raise ValueError("this statistic needs labels 1 and 0, some of each")
        return OF_RANKS[name], Worst((0.0, 1.0), rows.series, ranks=True)
    if name in OF_NUMBERS:
        return OF_NUMBERS[name], Worst((), rows.series, ranks=False)
    raise ValueError(f"no bootstrap is known for {name}")


@dataclass(frozen=True, slots=True)
class Worst:
    """The pseudo-examples that are worst for a side: one of each class."""

    classes: tuple[float, ...]
    series: tuple[tuple[float, ...], ...]
    ranks: bool

    def __call__(self, *, against: bool) -> Array:
        """Rows of truth and predictions; the second series fares the other way round."""
        found = []
        for place, label in enumerate(self.classes):
            cells = [label]
            for number, values in enumerate(self.series):
                wrong = against if number == 0 else not against
                if self.ranks:
                    down = (label == 1.0) == wrong
                    cells.append(min(values) - 1.0 if down else max(values) + 1.0)
                else:
                    other = self.classes[(place + 1) % len(self.classes)]
                    cells.append(other if wrong else label)
            found.append(cells)
        rows: Array = numpy().asarray(found, dtype=float).reshape(-1, 1 + len(self.series))
        return rows


_INF = float("inf")
_RANGES: dict[str, tuple[float, float]] = {
    "mcc": (-1.0, 1.0),
    "kappa": (-1.0, 1.0),
    "pearson": (-1.0, 1.0),
    "rmse": (0.0, _INF),
    "r2": (-_INF, 1.0),
}
