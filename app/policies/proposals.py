"""What a set of measurements can prove, as limits that a policy could state.

Each proposal rests on the bound that the engine itself would use at a candidate's first look. It
proposes nothing that the same measurements would not pass, and says why where there is nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Literal

from app.policies.rounding import friendly, percent, plain
from app.policies.series import (
    ALPHA,
    NothingShownError,
    Series,
    Subject,
    screened,
    series_of,
    subject_of,
)
from app.policies.tails import tail_limit
from gates.evidence import ImpossibleEvidence, Measurement
from gates.ladder import Unsettled, estimate
from gates.statistics.estimate import Estimate, Side


@dataclass(frozen=True, slots=True)
class Proposal:
    """A limit that the series proves, or (`limit` None) why it proves none, in `words`."""

    series: Series
    subject: Subject | None
    words: str
    field: Literal["min", "max", "max_count"] = "min"
    limit: Decimal | None = None
    quantile: float | None = None
    unit: str | None = None
    exact: bool = False
    min_samples: int | None = None


def propose(measurements: Iterable[Measurement]) -> list[Proposal]:
    """One proposal per series. Raises ImpossibleEvidence for what no evaluation may contain."""
    return [_proposal(series) for series in series_of(measurements)]


def _proposal(series: Series) -> Proposal:
    subject = None
    try:
        subject = subject_of(series)
        return _limit(series, subject, [screened(subject, row) for row in series.rows])
    except (NothingShownError, ImpossibleEvidence) as nothing:
        return Proposal(series, subject, str(nothing))


def _limit(series: Series, subject: Subject, rows: list[Measurement]) -> Proposal:
    if subject.kind == "quantile":
        return _quantile(series, subject, rows)
    if len(rows) > 1:
        raise NothingShownError("it has several values for one task, slice and source")
    if subject.kind == "count":
        return _count(series, subject, rows[0])
    if subject.kind == "point":
        return _exact(series, subject, rows[0])
    return _bounded(series, subject, rows[0])


def _quantile(series: Series, subject: Subject, rows: list[Measurement]) -> Proposal:
    quantile, limit = tail_limit(subject, rows)
    words = f"p{100 * quantile:g} shown to be at most {plain(limit)}{_suffix(subject)}"
    return Proposal(series, subject, words, "max", limit, quantile, unit=subject.unit)


def _bounded(series: Series, subject: Subject, m: Measurement) -> Proposal:
    higher = subject.direction == "higher"
    side: Side = "lower" if higher else "upper"
    known = estimate(
        m,
        kind=subject.kind,
        value_range=subject.value_range,
        quantile=None,
        limit=m.value or 0.0,
        side=side,
    )
    if isinstance(known, Unsettled):
        if subject.exact_allowed:
            return _exact(series, subject, m)
        raise NothingShownError(known.detail)
    bound = known.lower(ALPHA, errors=True) if higher else known.upper(ALPHA, errors=True)
    if not isfinite(bound) or _is_vacuous(bound, subject):
        raise NothingShownError(
            f"observed {_observed(known, m, subject)}; too few examples for a limit"
        )
    gap = abs(known.value - bound)
    limits = (friendly(bound, gap / finer, up=not higher) for finer in (1, 10, 100))
    exact = Decimal(repr(bound))
    limit = next((one for one in limits if not _is_vacuous(float(one), subject)), exact)
    shown = "at least" if higher else "at most"
    words = (
        f"observed {_observed(known, m, subject)}; "
        f"shown to be {shown} {_number(bound, subject, up=not higher)}"
    )
    return Proposal(series, subject, words, "min" if higher else "max", limit, unit=subject.unit)


def _is_vacuous(limit: float, subject: Subject) -> bool:
    """Whether every possible value meets the limit."""
    if subject.value_range is None:
        return False
    low, high = subject.value_range
    return limit <= low if subject.direction == "higher" else limit >= high


def _exact(series: Series, subject: Subject, m: Measurement) -> Proposal:
    if m.value is None:
        raise NothingShownError("it has no single value to compare")
    if m.n_errored:
        raise NothingShownError("examples errored, so its value is not exact")
    higher = subject.direction == "higher"
    limit = friendly(m.value, abs(m.value) / 10, up=not higher)
    if _is_vacuous(float(limit), subject):
        raise NothingShownError(f"observed {m.value:.4g}; a limit there would always hold")
    words = f"stated {_number(m.value, subject, up=not higher)}; compared as it is"
    return Proposal(
        series,
        subject,
        words,
        "min" if higher else "max",
        limit,
        unit=subject.unit,
        exact=True,
    )


def _count(series: Series, subject: Subject, m: Measurement) -> Proposal:
    if m.count is None or m.n is None:
        raise NothingShownError(
            "a count needs the number of examples it was counted in: send count, n"
        )
    if m.n_errored:
        raise NothingShownError("examples errored, and each may be an event")
    if subject.direction == "higher":
        raise NothingShownError("counts of what should happen are better sent as a rate")
    words = f"observed {m.count} in {m.n}"
    return Proposal(series, subject, words, "max_count", Decimal(m.count), min_samples=m.n)


def _observed(known: Estimate, m: Measurement, subject: Subject) -> str:
    n = known.n
    errored = f", {m.n_errored} errored" if m.n_errored else ""
    if subject.kind == "proportion":
        counted = f" ({known.count} of {n}{errored})" if known.count is not None and n else ""
        return f"{known.value:.1%}{counted}"
    of = f" (n = {n}{errored})" if n else ""
    return f"{known.value:.4g}{_suffix(subject)}{of}"


def _number(number: float, subject: Subject, *, up: bool) -> str:
    """A bound in words, never rounded to its better side."""
    if subject.kind == "proportion":
        return percent(number, up=up)
    return f"{plain(friendly(number, abs(number) / 500, up=up))}{_suffix(subject)}"


def _suffix(subject: Subject) -> str:
    return f" {subject.unit}" if subject.unit else ""
