"""Lists: newest first, a page at a time, with a cursor that says where the next page begins."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

from fastapi import Query

from app.database import to_text
from app.errors import Problem

MAX_LIMIT: Final = 200

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items a page has.")]
Cursor = Annotated[
    str | None, Query(max_length=300, description="`next` of the page before this one.")
]
Filter = Annotated[str | None, Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
RowT = TypeVar("RowT")


def cursor_after(time: datetime, name: str) -> str:
    """A cursor behind the item of this time and id."""
    text = json.dumps([to_text(time), name], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position(cursor: str) -> tuple[datetime, str]:
    """The time and id behind which a cursor points."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        time, name = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        moment = datetime.fromisoformat(time)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise _refused() from error
    if moment.tzinfo is None or not isinstance(name, str) or "\x00" in name:
        raise _refused()
    return moment, name


def _refused() -> Problem:
    detail = "The cursor is not one of ours. Start again without it."
    return Problem("invalid-request", detail, errors=[{"pointer": "/cursor", "detail": detail}])


def page(
    rows: Sequence[RowT],
    limit: int,
    show: Callable[[RowT], Any],
    key: Callable[[RowT], tuple[datetime, str]],
) -> dict[str, Any]:
    """A page of `limit` items from up to `limit + 1` rows."""
    shown = rows[:limit]
    more = cursor_after(*key(shown[-1])) if len(rows) > limit else None
    return {"items": [show(row) for row in shown], "next": more}
