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
_ALIKE = frozenset({str, int, bool, type(None)})
_SORTED = orjson.OPT_SORT_KEYS
_EXACT = 2**53
EMPTY: Mapping[str, object] = {}


def mapping(parent: Mapping[str, object], *keys: str) -> Mapping[str, object]:
    """The object under a path of keys; an empty one where there is none."""
    for key in keys:
        found = parent.get(key)
        if not isinstance(found, dict):
            return EMPTY
        parent = found
    return parent


def parts(rows: Sequence[Mapping[str, object]], *keys: str) -> list[Mapping[str, object]]:
    """`mapping` of each row, key by key: a file has few keys and many rows."""
    found = list(rows)
    for key in keys:
        found = [part if isinstance(part := row.get(key), dict) else EMPTY for row in found]
    return found


def column(rows: Sequence[Mapping[str, object]], *keys: str) -> list[object]:
    """What stands under a path of keys in each row; None where nothing does."""
    return [row.get(keys[-1]) for row in parts(rows, *keys[:-1])]


def entries(parent: Mapping[str, object], *keys: str) -> list[Mapping[str, object]]:
    """The objects in the list under a path of keys; none where there is no list."""
    found = (mapping(parent, *keys[:-1]) if len(keys) > 1 else parent).get(keys[-1])
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def text(value: object) -> str | None:
    """A text that says something."""
    return (value.strip() or None) if isinstance(value, str) else None


def texts(*values: object, joint: str = "/") -> str | None:
    """The texts among the values, joined; None where there is none."""
    return joint.join(found for value in values if (found := text(value))) or None


def quantity(value: object) -> float | None:
    """A finite number; a text such as "N/A" or " ", or whatever else is no number, is none."""
    # Called for every number of a file, so the common cases come first.
    if (type(value) is float or type(value) is int) and -LARGEST < value < LARGEST:
        return float(value)
    if value is None:
        return None
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
    if type(value) is int and 0 <= value < _EXACT:
        return value
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
    return [sha(dumps(value)).digest()[:8].hex() for value in values]


def mark(value: object) -> str:
    """A short name for a value by its content, which does not show the content."""
    try:
        encoded = orjson.dumps(value, option=_SORTED) if _is_alike(value) else _encoded(value)
    except TypeError:  # half of a surrogate pair, a number beyond 64 bits
        encoded = _encoded(value)
    return hashlib.sha256(encoded).digest()[:8].hex()


def _is_alike(value: object) -> bool:
    """Whether orjson, which takes a fraction of the time, writes the value as `json` does."""
    if isinstance(value, dict):
        return all(map(_is_alike, value.values()))
    if isinstance(value, list):
        return _ALIKE.issuperset(map(type, value)) or all(map(_is_alike, value))
    return type(value) in _ALIKE


def _encoded(value: object) -> bytes:
    return _encode(value).encode("utf-8", "surrogatepass")
