"""Single values of result files: numbers, whole numbers and instants, as tools really write them.

It never guesses: a text that is neither a plain number nor a known way to say "no value" raises
NotANumber, and what is not finite, or beyond 1e300, is no value.
"""

import math
import re
from datetime import UTC, datetime

MISSING = "not_a_number"
"""Why a value that the tool wrote is not usable; stands in `Measurement.missing`."""

LARGEST = 1e300
"""Beyond this a number is an infinity that some tool has clipped (MLflow does)."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NO_VALUE = frozenset(
    {"", "-", "--", "n/a", "#n/a", "na", "nan", "none", "null", "undefined"}
    | {"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}
)


class NotANumber(ValueError):  # noqa: N818 - named for what it says
    """A value that is neither a number nor a known way to say that there is none."""


def number(value: object) -> float | None:
    """The value as a finite float; None where it says that there is no value.

    Booleans count as 1 and 0. Raises NotANumber for other texts and for containers.
    """
    match value:
        case None:
            return None
        case bool() | int() | float():
            return _finite(value)
        case str():
            text = value.strip()
            if len(text) < 400 and _NUMBER.fullmatch(text):
                return _finite(float(text))
            if text.lower() in _NO_VALUE:
                return None
            raise NotANumber(f"{shown(text)} is not a number")
        case _:
            raise NotANumber(f"{shown(value)} is not a number")


def whole(value: object) -> int | None:
    """The value as an int, None for no value. Raises NotANumber for fractions and booleans."""
    found = None if isinstance(value, bool) else number(value)
    if isinstance(value, bool) or (found is not None and found != int(found)):
        raise NotANumber(f"{shown(value)} is not a whole number")
    return None if found is None else int(found)


def is_blank(value: object) -> bool:
    """Whether a cell was left empty, which is not the same as holding `NaN`."""
    return value is None or (isinstance(value, str) and not value.strip())


def instant(value: object) -> datetime | None:
    """An epoch in seconds or an ISO 8601 text with a zone, as aware UTC; None for anything else."""
    try:
        match value:
            case bool():
                return None
            case int() | float():
                return datetime.fromtimestamp(value, UTC)
            case str():
                found = datetime.fromisoformat(value.strip())
                return None if found.tzinfo is None else found.astimezone(UTC)
            case _:
                return None
    except (ValueError, OverflowError, OSError):
        return None


def shown(value: object) -> str:
    """A value as an error message may show it: quoted and short."""
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "an object"
    text = repr(value[:60]) if isinstance(value, str) else "a very long number"
    if isinstance(value, bool | float | None) or (isinstance(value, int) and abs(value) < 10**40):
        text = str(value)
    return text if len(text) <= 45 else f"{text[:40]}…"


def _finite(value: float) -> float | None:
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and abs(found) <= LARGEST else None
