"""Parts of parsed JSON that may be absent or of another type: found, or plainly not there.

Nothing here raises; a part that is not what it should be counts as absent.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import cast

from gates.formats.cells import LARGEST, NotANumber, number, whole

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
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


def size(value: object) -> int | None:
    """A whole number; what cannot be a size is refused where all measurements are."""
    try:
        return whole(value)
    except NotANumber:
        return None


def marks(rows: Iterable[Sequence[object]]) -> list[str]:
    """`mark` of each row as a list, for the examples of a file."""
    rows = list(rows)
    texts = cast("list[Sequence[str]]", rows)
    try:
        # The general way takes several times as long.
        return [
            hashlib.sha256(f"[{','.join(map(encode_basestring, row))}]".encode()).hexdigest()[:16]
            for row in texts
        ]
    except (TypeError, UnicodeEncodeError):  # not all are texts
        return [mark(list(row)) for row in rows]


def mark(value: object) -> str:
    """A short name for a value by its content, which does not show the content."""
    # Nearly all are a text or a few; the encoder's general way takes several times as long.
    if isinstance(value, str):
        encoded = encode_basestring(value)
    elif isinstance(value, list):
        try:
            parts = ["null" if x is None else encode_basestring(x) for x in value]
            encoded = f"[{','.join(parts)}]"
        except TypeError:  # something in it is no text
            encoded = _encode(value)
    else:
        encoded = _encode(value)
    return hashlib.sha256(encoded.encode("utf-8", "surrogatepass")).hexdigest()[:16]
