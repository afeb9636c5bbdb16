"""Cohen's kappa from a confusion table: the large-sample standard error.

Fleiss, Cohen and Everitt, Psychological Bulletin 72 (1969), 323-327. Each bound is that of the
table with one more example: a disagreement for the lower bound, an agreement for the upper, placed
as chance would. It refuses tables in which chance alone agrees on everything.
"""

from collections.abc import Sequence
from math import fsum, sqrt

from gates.statistics.pivot import Pivot

Table = Sequence[Sequence[float]]


def kappa(table: Table) -> tuple[float, float]:
    """(kappa, its standard error).

    Raises:
        ValueError: for a table that is not square, is empty, or leaves nothing beyond chance.
    """
    size = range(len(table))
    if any(len(row) != len(table) for row in table):
        raise ValueError("a table of agreement is square")
    n = fsum(map(fsum, table))
    if not n > 0.0:
        raise ValueError("a table of agreement needs examples")
    cell = [[table[i][j] / n for j in size] for i in size]
    rows = [fsum(row) for row in cell]
    columns = [fsum(cell[i][j] for i in size) for j in size]
    seen = fsum(cell[i][i] for i in size)
    chance = fsum(rows[i] * columns[i] for i in size)
    if not chance < 1.0 - 1e-12:
        raise ValueError("one class holds everything, so nothing is left beyond chance")
    value = (seen - chance) / (1.0 - chance)
    miss = 1.0 - value
    diagonal = fsum(cell[i][i] * (1.0 - (rows[i] + columns[i]) * miss) ** 2 for i in size)
    rest = fsum(cell[i][j] * (columns[i] + rows[j]) ** 2 for i in size for j in size if i != j)
    variance = diagonal + miss * miss * rest - (value - chance * miss) ** 2
    return value, sqrt(max(0.0, variance) / n) / (1.0 - chance)


def of_table(table: Sequence[Sequence[int]], n_errored: int = 0) -> Pivot:
    """Kappa of a table of counts, rows one judge and columns the other.

    Raises:
        ValueError: as for `kappa`, or for fewer than two examples.
    """
    value, _ = kappa(table)
    n = sum(map(sum, table))
    worse, better = _more(table, agrees=False), _more(table, agrees=True)
    return Pivot(value, n, kappa(worse), kappa(better), -1.0, 1.0, "kappa_fleiss", n_errored)


def table_of(one: Sequence[float], two: Sequence[float]) -> tuple[tuple[int, ...], ...]:
    """The counts of each pair of classes, rows `one` and columns `two`, classes in order."""
    classes = sorted({*one, *two})
    place = {name: position for position, name in enumerate(classes)}
    counts = [[0] * len(classes) for _ in classes]
    for a, b in zip(one, two, strict=True):
        counts[place[a]][place[b]] += 1
    return tuple(map(tuple, counts))


def _more(table: Table, *, agrees: bool) -> list[list[float]]:
    """The table with one more example, spread over its cells as chance would."""
    size = range(len(table))
    rows = [fsum(row) for row in table]
    columns = [fsum(table[i][j] for i in size) for j in size]
    weights = [[rows[i] * columns[j] * ((i == j) == agrees) for j in size] for i in size]
    total = fsum(map(fsum, weights))
    if total <= 0.0:
        # Chance never puts one there: spread it evenly.
        weights = [[float((i == j) == agrees) for j in size] for i in size]
        total = fsum(map(fsum, weights))
    return [[table[i][j] + weights[i][j] / total for j in size] for i in size]
