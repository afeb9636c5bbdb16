"""Numbers for reading: short, and never so short that one changes sides with its limit.

It rounds and words numbers; what they mean is for `gates.explanation`.
"""

from functools import lru_cache
from math import isclose, isfinite

_MAX_DECIMALS = 10
_NOISE = 1e-9


def number(value: float, *, percent: bool, against: float | None = None) -> str:
    """A number for people: `86.4%` or `0.71`, with enough digits to lie on its side of `against`.

    `against` is the limit it is compared with; equal stays equal, above stays above. Numbers that
    differ by less than one in a billion are equal: 465 / 500 - 0.95 is -2 points, not a hair less.
    """
    if value == 0.0:  # equal zeros may differ in sign, and so in text
        return _number(value, against, percent=percent)
    return _known(value, against, percent=percent)


def _number(value: float, against: float | None, *, percent: bool) -> str:
    if not isfinite(value):
        return "unbounded"
    text = ""
    for decimals in range(1 if percent else 0, _MAX_DECIMALS + 1):
        text = f"{value * 100:.{decimals}f}%" if percent else f"{value:.{decimals + 3}g}"
        if (percent or _close(value, text)) and (
            against is None or _keeps_order(value, text, against, percent=percent)
        ):
            break
    return text


_known = lru_cache(maxsize=4096)(_number)
"""The slices of a release have many counts, and so many numbers, in common."""


def _keeps_order(value: float, text: str, against: float, *, percent: bool) -> bool:
    """Whether what is shown lies on the side of `against` that the value lies on."""
    shown = round(float(text.rstrip("%")) / 100, 14) if percent else float(text)
    if isclose(value, against, rel_tol=_NOISE):
        return isclose(shown, against, rel_tol=_NOISE)
    return shown > against if value > against else shown < against


def _close(value: float, text: str) -> bool:
    return abs(float(text.rstrip("%")) - value) <= 5e-3 * abs(value)


def limit_text(value: float, *, percent: bool) -> str:
    """A limit as it was written: `85%`, `0.8`."""
    return f"{value * 100:.10g}%" if percent else f"{value:.10g}"


def points_text(value: float) -> str:
    """A difference of shares as it was written: `2 points`, `1 point`."""
    text = f"{value * 100:.10g}"
    return f"{text} point" if text in {"1", "-1"} else f"{text} points"
