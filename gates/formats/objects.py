"""Parts of parsed JSON that may be absent or of another type: found, or plainly not there.

Nothing here raises; a part that is not what it should be counts as absent.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import orjson

from gates.formats.cells import LARGEST, NotANumber, number, numbers, whole

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
_TEXTS = frozenset({str, type(None)})
_PLAIN = frozenset({float, int, type(None)})
EMPTY: Mapping[str, object] = {}


def mapping(parent: Mapping[str, object], *keys: str) -> Mapping[str, object]:
    """The object under a path of keys; an empty one where there is none."""
    found: object = parent
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else EMPTY


def entries(parent: Mapping[str, object], *keys: str) -> list[Mapping[str, object]]:
    """The objects in the list under a path of keys; none where there is no list."""
    found = mapping(parent, *keys[:-1]).get(keys[-1])
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def text(value: object) -> str | None:
    """A text that says something."""
    return (value.strip() or None) if isinstance(value, str) else None


def texts(*values: object, joint: str = "/") -> str | None:
    """The texts among the values, joined; None where there is none."""
    return joint.join(found for value in values if (found := text(value))) or None


def quantity(value: object) -> float | None:
    """A finite number; a text such as "N/A" or " ", or whatever else is no number, is none."""
    if type(value) is float and -LARGEST <= value <= LARGEST:
        return value
    try:
        return None if isinstance(value, bool) else number(value)
    except NotANumber:
        return None


def quantities(cells: Sequence[object]) -> list[float | None]:
    """`quantity` of each cell of a column."""
    if _PLAIN.issuperset(map(type, cells)):
        return numbers(cells)
    return list(map(quantity, cells))


def size(value: object) -> int | None:
    """A whole number; what cannot be a size is refused where all measurements are."""
    try:
        return whole(value)
    except NotANumber:
        return None


def marks(*columns: Sequence[object]) -> list[str]:
    """`mark` of each row of the columns as a list, for the examples of a file."""
    if all(_TEXTS.issuperset(map(type, column)) for column in columns):
        with suppress(TypeError):  # half of a surrogate pair
            return _short(zip(*columns, strict=True))
    return [mark(list(row)) for row in zip(*columns, strict=True)]


def marks_of(values: Sequence[object]) -> list[str]:
    """`mark` of each value of a column."""
    if _TEXTS.issuperset(map(type, values)):
        with suppress(TypeError):  # half of a surrogate pair
            return _short(values)
    return [mark(value) for value in values]


def _short(values: Iterable[object]) -> list[str]:
    sha, dumps = hashlib.sha256, orjson.dumps
    return [sha(dumps(value)).hexdigest()[:16] for value in values]


def mark(value: object) -> str:
    """A short name for a value by its content, which does not show the content."""
    # Nearly all are a text or a few, which orjson writes alike in a fraction of the time.
    is_plain = isinstance(value, str) or (
        isinstance(value, list) and _TEXTS.issuperset(map(type, value))
    )
    try:
        encoded = orjson.dumps(value) if is_plain else _encoded(value)
    except TypeError:  # half of a surrogate pair
        encoded = _encoded(value)
    return hashlib.sha256(encoded).hexdigest()[:16]


def _encoded(value: object) -> bytes:
    return _encode(value).encode("utf-8", "surrogatepass")
