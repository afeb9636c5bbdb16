"""What a browser's form sends: known fields, each once, short. It knows no use case."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

MAX_FIELDS: Final = 50


class FormError(ValueError):
    """The form is not one of ours; the message says why."""


def fields(body: bytes) -> Mapping[str, str]:
    """Fields of a urlencoded form, without those left empty. Raises FormError."""
    try:
        text = body.decode("utf-8")
        pairs = parse_qsl(text, max_num_fields=MAX_FIELDS, strict_parsing=bool(text))
    except ValueError as error:
        raise FormError("The form could not be read; load the page again.") from error
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise FormError(f"The form names {name} twice.")
        found[name] = value.strip()
    return {name: value for name, value in found.items() if value}


def start_of(day: str) -> datetime:
    """The first moment of a day as `<input type=date>` writes it, in UTC. Raises FormError."""
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise FormError(f"{day!r} is not a day such as 2026-12-31.") from error


def end_of(day: str) -> datetime:
    """The last moment of that day. Raises FormError."""
    return start_of(day).replace(hour=23, minute=59, second=59)
