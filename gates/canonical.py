"""RFC 8785 bytes and digest of any JSON value, so that the same value has the same name everywhere.

It refuses what JSON cannot say (NaN, infinity, lone surrogates, keys that are not text, integers
that a double cannot hold) and never guesses what was meant.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring
from math import isfinite
from typing import Any

import rfc8785

SAFE_INTEGER = 2**53 - 1


class NotCanonical(ValueError):  # noqa: N818 - named for what it says
    """The value has no canonical JSON form; the message says which part and why."""


def canonical(value: Any, *, is_plain: bool = False) -> bytes:
    """The RFC 8785 form of a JSON value, as UTF-8 bytes.

    `is_plain` promises that every key is a str and every integer below 2^53, as in evidence that
    was checked; the standard library's encoder then does the work where its text is canonical.

    Takes None, bool, int, float, str, mappings with string keys, lists and tuples (as arrays).
    Raises NotCanonical for NaN and infinities, integers beyond 2^53 - 1, lone surrogates, other
    types, and nesting too deep to walk. Agrees byte for byte with the `rfc8785` package.
    """
    if is_plain and (text := _quick(value)) is not None:
        return text
    parts: list[str] = []
    try:
        _write(value, parts.append)
        return "".join(parts).encode()
    except UnicodeEncodeError:
        raise NotCanonical("a string contains a lone surrogate") from None
    except RecursionError:
        raise NotCanonical("the value is nested too deeply") from None


_INTEGRAL = (".0,", ".0}", ".0]")
_WIDE_KEY = re.compile(r"[^\x00-\x7f][^\"\\]*\":")


def _quick(value: Any) -> bytes | None:
    """The canonical text by the standard library's encoder, None where it may differ.

    It may where a number has an exponent or is integral, and where keys that are not ASCII would
    sort otherwise in UTF-16. A string that looks so only costs time; plain searches cost a tenth
    of a regular expression.
    """
    try:
        text = json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        if any(part in text for part in _INTEGRAL) or text.endswith(".0") or _has_exponent(text):
            return None
        if not text.isascii() and _WIDE_KEY.search(text):
            return None
        return text.encode()
    except (TypeError, ValueError, RecursionError):
        return None  # the careful way says what is wrong


def _has_exponent(text: str) -> bool:
    """Whether a digit stands before `e-` or `e+`; Python always writes an exponent's sign."""
    for mark in ("e-", "e+"):
        at = text.find(mark)
        while at > 0:
            if text[at - 1].isdigit():
                return True
            at = text.find(mark, at + 1)
    return False


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, as `sha256:<64 lower-case hex digits>`."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def rounded(value: Any) -> Any:
    """A copy of a JSON value with every float at 12 significant digits; tuples become lists.

    Twelve digits hide the last-bit differences between builds of mathematical libraries.
    """
    match value:
        case float():
            return float(f"{value:.12g}")
        case dict():
            return {key: rounded(item) for key, item in value.items()}
        case list() | tuple():
            return [rounded(item) for item in value]
        case _:
            return value


def _write(value: Any, out: Callable[[str], None]) -> None:
    """The plain types first: a dispatch on `type` is what keeps this near the speed of C."""
    kind = type(value)
    if kind is str:
        out(encode_basestring(value))
    elif kind is dict:
        _write_object(value, out)
    elif kind is list or kind is tuple:
        out("[")
        for position, item in enumerate(value):
            if position:
                out(",")
            _write(item, out)
        out("]")
    elif kind is int or kind is float:
        out(_integer(value) if kind is int else _number(value))
    elif value is None:
        out("null")
    elif kind is bool:
        out("true" if value else "false")
    else:
        _write(_plain(value), out)


def _write_object(value: dict[Any, Any], out: Callable[[str], None]) -> None:
    separator = "{"
    for key in _sorted_keys(value):
        out(separator)
        out(encode_basestring(key))
        out(":")
        _write(value[key], out)
        separator = ","
    out("}" if value else "{}")


def _sorted_keys(value: dict[Any, Any]) -> list[str]:
    """Keys in UTF-16 order, which is Python's own order as long as all of them are ASCII."""
    are_ascii = True
    for key in value:
        if not isinstance(key, str):
            raise NotCanonical(f"a key of type {type(key).__name__} is not a string")
        are_ascii = are_ascii and key.isascii()
    return sorted(value) if are_ascii else sorted(value, key=lambda key: key.encode("utf-16be"))


def _integer(value: int) -> str:
    if not -SAFE_INTEGER <= value <= SAFE_INTEGER:
        raise NotCanonical("an integer is beyond 2^53 - 1, more than a JSON number holds")
    return str(value)


def _number(value: float) -> str:
    """ECMAScript's form of a double. Python's repr differs only in integers and exponents."""
    if not isfinite(value):
        raise NotCanonical(f"{value} is not a JSON number")
    if value.is_integer() and -SAFE_INTEGER <= value <= SAFE_INTEGER:
        return str(int(value))
    if 1e-4 <= value < 1e15 or -1e15 < value <= -1e-4:
        return repr(value)
    return rfc8785.dumps(value).decode()


def _plain(value: Any) -> Any:
    """Subclasses (StrEnum, IntEnum, mappings) as the plain value that they carry."""
    match value:
        case str():
            return str.__str__(value)
        case int():
            return int.__int__(value)
        case float():
            return float.__float__(value)
        case list() | tuple():
            return list(value)
        case Mapping():
            return dict(value)
        case _:
            raise NotCanonical(f"{type(value).__name__} is not a JSON value")
