"""How deep JSON nests, told from its bytes: before anything is built.

It looks at brackets outside of strings only; whether the bytes are JSON is for the parser to say.
"""

from typing import Final

_CHUNK: Final = 256 * 1024
_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"{}[]"))
_NOT_BRACKETS_OR_QUOTES: Final = bytes(set(_NOT_BRACKETS) - set(b'"'))


def is_deeper(body: bytes, limit: int) -> bool:
    """Whether brackets outside strings nest deeper than `limit`; linear in the body, no parsing."""
    if body.count(b"{") + body.count(b"[") <= limit:
        return False
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Strings without brackets become pairs of quotes; where a quote is left, some string has one.
    remaining = body.translate(_BRACKETS, _NOT_BRACKETS_OR_QUOTES).replace(b'""', b"")
    if b'"' in remaining:
        remaining = _outside_strings(body)
    for _ in range(limit):
        shorter = remaining.replace(b"[]", b"")
        if len(shorter) == len(remaining):
            break
        remaining = shorter
    # What is left is deeper than the limit or unbalanced; only an unbroken descent is deep.
    return remaining.count(b"[") > limit or (bool(remaining) and b"[]" in remaining)


def _outside_strings(body: bytes) -> bytes:
    """The brackets that open and close values, all as square ones."""
    brackets = bytearray()
    inside = 0
    for start in range(0, len(body), _CHUNK):
        parts = body[start : start + _CHUNK].split(b'"')
        brackets += b"".join(parts[inside::2]).translate(_BRACKETS, _NOT_BRACKETS)
        inside = (inside + len(parts) - 1) & 1
    return bytes(brackets)
