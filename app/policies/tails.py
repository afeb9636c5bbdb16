"""What a series shows about its tail: the smallest friendly limit that a quantile keeps.

Only upper limits; a percentile by itself shows nothing, and an errored request counts as slow.
"""

from collections.abc import Sequence
from decimal import Decimal

from app.policies.rounding import friendly
from app.policies.series import ALPHA, NothingShownError, Subject
from gates.evidence import Measurement
from gates.ladder import Unsettled, estimate

COUNTED: tuple[float, ...] = (0.99, 0.95, 0.9, 0.5)
VALUES: tuple[float, ...] = (0.95, 0.9, 0.5)
STATED: tuple[float, ...] = (0.95, 0.9)
"""Quantiles worth asking for, by what the series gives, the most telling first."""


def tail_limit(subject: Subject, rows: Sequence[Measurement]) -> tuple[float, Decimal]:
    """(quantile, limit) of the strongest evidence among the rows. Raises NothingShownError."""
    if subject.direction != "lower":
        raise NothingShownError("only upper limits of a quantile are drafted")
    forms = [(m.quantile, m.exceed and m.exceed.limit, m.scores is None) for m in rows]
    if len(set(forms)) < len(forms):
        raise NothingShownError("it has several values for one task, slice and source")
    for main, quantiles, limits in _evidence(rows):
        for quantile in quantiles:
            if (limit := _smallest(main, quantile, limits, rows)) is not None:
                return quantile, limit
    raise NothingShownError(
        "a percentile carries no uncertainty; send how many requests exceeded the limit (`exceed`)"
    )


def _evidence(
    rows: Sequence[Measurement],
) -> list[tuple[Measurement, tuple[float, ...], list[Decimal]]]:
    """(measurement, quantiles to try, limits to try in ascending order) of the strongest form."""
    scores = [(m, VALUES, _limits(m.scores)) for m in rows if m.scores is not None]
    exceed = [(m, COUNTED, [Decimal(repr(m.exceed.limit))]) for m in rows if m.exceed is not None]
    stated = [m for m in rows if m.quantile is not None and m.value is not None]
    values = _limits([m.value for m in stated if m.value is not None])
    # A rule takes the strongest form it finds, so a weaker one beside it never gets a say.
    return scores or exceed or [(m, STATED, values) for m in stated[:1]]


def _limits(values: Sequence[float]) -> list[Decimal]:
    return sorted({friendly(value, abs(value) / 25, up=True) for value in values})


def _smallest(
    main: Measurement, quantile: float, limits: Sequence[Decimal], rows: Sequence[Measurement]
) -> Decimal | None:
    """The first of ascending limits that is shown to hold; a higher limit is never harder."""
    low, high = 0, len(limits)
    while low < high:
        middle = (low + high) // 2
        if _shows(main, quantile, float(limits[middle]), rows):
            high = middle
        else:
            low = middle + 1
    return limits[low] if low < len(limits) else None


def _shows(main: Measurement, quantile: float, limit: float, rows: Sequence[Measurement]) -> bool:
    if main.quantile is not None:  # the rule reads the row of its own quantile first
        main = next((m for m in rows if m.quantile == quantile), main)
    known = estimate(
        main,
        kind="quantile",
        value_range=None,
        quantile=quantile,
        limit=limit,
        side="upper",
        related=tuple(m for m in rows if m is not main),
    )
    if isinstance(known, Unsettled):
        return False
    if getattr(known, "scale", "metric") == "share_within_limit":
        return known.lower(ALPHA, errors=True) >= quantile
    return known.upper(ALPHA, errors=True) <= limit
