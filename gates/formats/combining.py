"""Files of one run side by side: scores of single examples take the place of their own mean.

What the summary knows besides (its limits, direction, data set) stays. It refuses scores whose mean
is not the summary's value, because then the two files are not of one run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import isclose

from gates.evidence import Measurement, SliceKey, Source
from gates.formats.understood import FormatError, Understood

_TOLERANCE = 1e-4
"""Summaries are printed; half a step of four digits is no contradiction."""

Key = tuple[str, str | None, SliceKey, str | None]


def combined(files: Sequence[Understood]) -> list[Measurement]:
    """The measurements of all files in their order, each question answered once.

    Raises FormatError (`impossible-value`) where a summary and its scores contradict each other.
    """
    if len(files) < 2:
        return [m for file in files for m in file.measurements]
    scored = {_key(m): m for file in files for m in file.measurements if m.scores}
    stated = {_key(m): m for file in files for m in file.measurements if _is_mean(m)}
    both = scored.keys() & stated.keys()
    return list(_joined((m for file in files for m in file.measurements), both, scored, stated))


def _joined(
    found: Iterable[Measurement],
    both: set[Key],
    scored: dict[Key, Measurement],
    stated: dict[Key, Measurement],
) -> Iterable[Measurement]:
    for m in found:
        key = _key(m)
        if key not in both:
            yield m
        elif m is scored[key]:
            yield _completed(m, stated[key])
        elif m is not stated[key]:
            yield m


def _key(m: Measurement) -> Key:
    return m.metric, m.task, m.slice, m.source.tool if m.source else None


def _is_mean(m: Measurement) -> bool:
    return m.value is not None and m.quantile is None and m.scores is None


def _completed(scores: Measurement, summary: Measurement) -> Measurement:
    values = scores.scores or ()
    mean, value = sum(values) / len(values), summary.value or 0.0
    if not isclose(mean, value, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
        where = f"{scores.metric} of {scores.task}" if scores.task else scores.metric
        raise FormatError(
            "impossible-value",
            f"{where}: the summary says {value:.6g}, and the mean of the single scores is "
            f"{mean:.6g}; the two files are not of one run",
        )
    one, other = scores.source or Source(), summary.source or Source()
    source = replace(
        other,
        file_digest=one.file_digest,
        prompt_set_digest=one.prompt_set_digest or other.prompt_set_digest,
    )
    return replace(
        scores,
        direction=scores.direction or summary.direction,
        unit=scores.unit or summary.unit,
        incomplete=scores.incomplete or summary.incomplete,
        n_errored=max(scores.n_errored, summary.n_errored),
        errors_stated=scores.errors_stated or summary.errors_stated,
        aggregate=summary.aggregate,
        source=source,
    )
