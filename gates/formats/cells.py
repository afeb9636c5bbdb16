"""Single values of result files: numbers, whole numbers and instants, as tools really write them.

It never guesses: a text that is neither a plain number nor a known way to say "no value" raises
NotANumber, and what is not finite, or beyond 1e300, is no value.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import cast

MISSING = "not_a_number"
"""Why a value that the tool wrote is not usable; stands in `Measurement.missing`."""

LARGEST = 1e300
"""Beyond this a number is an infinity that some tool has clipped (MLflow does)."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NO_VALUE = frozenset(
    {"", "-", "--", "n/a", "#n/a", "na", "nan", "none", "null", "undefined"}
    | {"inf", "+inf", "-inf", "infinity", "+infinity", "-infinity"}
)

_NUMERIC = frozenset({float, int, bool})
_WITH_GAPS = _NUMERIC | {type(None)}

_SAMPLE = 1_000
"""Cells that tell whether a column repeats itself."""

_LONGEST = 400
"""Characters of a number; what is longer is no measurement."""


class NotANumber(ValueError):  # noqa: N818 - named for what it says
    """A value that is neither a number nor a known way to say that there is none."""


def number(value: object) -> float | None:
    """The value as a finite float; None where it says that there is no value.

    Booleans count as 1 and 0. Raises NotANumber for other texts and for containers.
    """
    # Called for every cell of a file, so the common cases come first.
    if isinstance(value, float):
        return value if -LARGEST <= value <= LARGEST else None
    if isinstance(value, str):
        text = value.strip()
        if len(text) < _LONGEST and _NUMBER.fullmatch(text):
            found = float(text)
            return found if -LARGEST <= found <= LARGEST else None
        if text.lower() in _NO_VALUE:
            return None
        raise NotANumber(f"{shown(text)} is not a number")
    if value is None:
        return None
    if isinstance(value, int):
        return _finite(value)
    raise NotANumber(f"{shown(value)} is not a number")


def numbers(cells: Sequence[object]) -> list[float | None]:
    """`number` of each cell of a column; raises NotANumber at the first that is none."""
    if not cells:
        return []
    number(cells[0])  # a column of texts is left at its first cell
    kinds = set(map(type, cells))
    if kinds <= _NUMERIC:
        return _plain(cells) or list(map(number, cells))
    if kinds <= _WITH_GAPS:
        present = iter(numbers([cell for cell in cells if cell is not None]))
        return [None if cell is None else next(present) for cell in cells]
    if kinds == {str}:
        texts = cast("Sequence[str]", cells)
        first = texts[:_SAMPLE]
        is_repeating = 4 * len(set(first)) < len(first)
        return (None if is_repeating else _plain_texts(texts)) or _each_once(texts)
    return list(map(number, cells))


def _plain_texts(cells: Sequence[str]) -> list[float | None] | None:
    """A column in which every text is a number, at once; None for any other.

    `float` reads more than `number` does: underscores, digits of other scripts, infinity.
    """
    together = "".join(cells)
    if "_" in together or not together.isascii() or max(map(len, cells)) >= _LONGEST:
        return None
    return _plain(cells)


def _plain(cells: Sequence[object]) -> list[float | None] | None:
    try:
        found = list(map(float, cast("Sequence[float]", cells)))
    except (ValueError, OverflowError):
        return None
    # isfinite first: of NaN nothing is the largest. A sum is finite only of what is.
    usual = isfinite(sum(found)) and max(found) <= LARGEST and min(found) >= -LARGEST
    return [*found] if usual else None


class _Known(dict[str, float | None]):
    """`number` of texts, found once for each."""

    def __missing__(self, cell: str) -> float | None:
        found = self[cell] = number(cell)
        return found


def _each_once(cells: Sequence[str]) -> list[float | None]:
    """Texts repeat themselves: a gap, a 0 or a 1 is looked at once, in one pass over the cells."""
    return list(map(_Known().__getitem__, cells))


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


def _finite(value: int) -> float | None:
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if -LARGEST <= found <= LARGEST else None
