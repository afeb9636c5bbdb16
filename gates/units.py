"""Units of measurements: which convert, and which must be equal. Money never converts."""

from dataclasses import replace

from gates.evidence import Exceed, ImpossibleEvidence, Measurement

_FACTORS: dict[str, tuple[str, float]] = {
    "ns": ("time", 1e-9),
    "us": ("time", 1e-6),
    "ms": ("time", 1e-3),
    "s": ("time", 1.0),
    "min": ("time", 60.0),
    "h": ("time", 3600.0),
    "fraction": ("share", 1.0),
    "percent": ("share", 1e-2),
    "%": ("share", 1e-2),
    "B": ("size", 1.0),
    "kB": ("size", 1e3),
    "MB": ("size", 1e6),
    "GB": ("size", 1e9),
    "g": ("mass", 1.0),
    "kg": ("mass", 1e3),
}
"""Unit -> (what it measures, how many base units it is)."""


def factor(given: str, wanted: str) -> float | None:
    """How many `wanted` one `given` is; None where they do not convert."""
    if given == wanted:
        return 1.0
    a, b = _FACTORS.get(given), _FACTORS.get(wanted)
    if a is None or b is None or a[0] != b[0]:
        return None
    return a[1] / b[1]


def convert(m: Measurement, wanted: str, pointer: str) -> Measurement:
    """The measurement in another unit. Raises ImpossibleEvidence (`unit-mismatch`)."""
    if m.unit is None or m.unit == wanted:
        return m
    by = factor(m.unit, wanted)
    if by is None:
        detail = f"{m.metric} is in {m.unit}, the policy asks for {wanted}; these do not convert"
        raise ImpossibleEvidence("unit-mismatch", f"{pointer}/unit", detail)
    return scaled(replace(m, unit=wanted), by)


def scaled(m: Measurement, by: float) -> Measurement:
    """The measurement with all its values multiplied."""
    if by == 1:
        return m
    return replace(
        m,
        value=None if m.value is None else m.value * by,
        stderr=None if m.stderr is None else m.stderr * by,
        ci=None if m.ci is None else (m.ci[0] * by, m.ci[1] * by),
        scores=None if m.scores is None else tuple(score * by for score in m.scores),
        exceed=None if m.exceed is None else Exceed(m.exceed.limit * by, m.exceed.count),
    )
