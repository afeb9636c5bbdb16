"""Where things stand in a forest plot: one strip per finding, the limit always on the same line.

Better is always to the right, so a strip right of the line holds and one across it is not settled.
Slices of one rule share their scale. It places points; drawing them is the template's business.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from app.pages.reading import Bounds, Line

LIMIT_AT = 40.0
"""Percent of the width at which a single limit stands."""
_ROOM_LEFT, _ROOM_RIGHT = 36.0, 56.0
_RANGE_LIMITS = (25.0, 75.0)
_EDGE_LEFT, _EDGE_RIGHT = 1.0, 99.0


@dataclass(frozen=True, slots=True)
class Strip:
    """One finding's plot, in percent of the width."""

    good: tuple[float, float]
    limits: tuple[float, ...]
    left: float | None
    right: float | None
    opens_left: bool
    """Nothing bounds the interval on this side: an arrow instead of an end."""
    opens_right: bool
    dot: float | None
    target: float | None


def strips(found: Sequence[Line]) -> list[Strip | None]:
    """A strip for each line that has numbers, None for the others."""
    scales = {
        key: _scale(bounds for item in found if _key(item) == key and (bounds := item.bounds))
        for key in {_key(item) for item in found if item.bounds}
    }
    return [_strip(item.bounds, scales[_key(item)]) if item.bounds else None for item in found]


def _key(item: Line) -> tuple[str, str, object, object]:
    known = item.bounds
    return (item.gate, item.rule, known and known.low, known and known.high)


def _scale(group: Iterable[Bounds]) -> float:
    """Percent of width per unit, so that the widest of the group just fits."""
    fits = []
    for known in group:
        if known.low is not None and known.high is not None:
            span = known.high - known.low
            fits.append((_RANGE_LIMITS[1] - _RANGE_LIMITS[0]) / span if span > 0 else 1.0)
            continue
        for point in (known.value, known.lower, known.upper, known.target):
            better = _better(known, point)
            if better is not None and better != 0:
                fits.append((_ROOM_RIGHT if better > 0 else _ROOM_LEFT) / abs(better))
    return min((fit for fit in fits if isfinite(fit)), default=1.0)


def _better(known: Bounds, point: float | None) -> float | None:
    """How far a point lies on the good side of the single limit; negative beyond it."""
    if point is None or not isfinite(point):
        return None
    if known.low is not None:
        return point - known.low
    return None if known.high is None else known.high - point


def _strip(known: Bounds, scale: float) -> Strip:
    is_range = known.low is not None and known.high is not None
    flips = known.low is None
    worse, better = (known.upper, known.lower) if flips else (known.lower, known.upper)
    has_interval = worse is not None or better is not None
    left, right = _place(known, worse, scale), _place(known, better, scale)
    return Strip(
        good=_RANGE_LIMITS if is_range else (LIMIT_AT, 100.0),
        limits=_RANGE_LIMITS if is_range else (LIMIT_AT,),
        left=(_EDGE_LEFT if left is None else left) if has_interval else None,
        right=(_EDGE_RIGHT if right is None else right) if has_interval else None,
        opens_left=has_interval and (left is None or left <= _EDGE_LEFT),
        opens_right=has_interval and (right is None or right >= _EDGE_RIGHT),
        dot=_place(known, known.value, scale),
        target=_place(known, known.target, scale),
    )


def _place(known: Bounds, point: float | None, scale: float) -> float | None:
    if known.low is not None and known.high is not None:
        at = None if point is None else _RANGE_LIMITS[0] + (point - known.low) * scale
    else:
        better = _better(known, point)
        at = None if better is None else LIMIT_AT + better * scale
    if at is None or not isfinite(at):
        return None
    return round(min(max(at, _EDGE_LEFT), _EDGE_RIGHT), 2)
