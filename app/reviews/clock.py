"""When something next happens to a review by itself: it opens, reminds, asks the next, expires."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Table

from app.jobs import outbox

CLOCK: Final = "review.clock"


def clock_of(row: Mapping[str, Any]) -> tuple[Table, Sequence[Mapping[str, Any]]]:
    """The job that follows a new review; put in the transaction that opens it."""
    return outbox.put(CLOCK, row["id"], {}, now=row["created_at"], due_at=next_at(row))


def next_at(row: Mapping[str, Any]) -> datetime:
    """The next moment at which a review that nobody closed changes by itself."""
    opens: datetime = row["opens_at"]
    expires: datetime = row["expires_at"]
    moments = [expires]
    if row["status"] == "awaiting_evidence":
        moments.append(opens)
    if row.get("reminded_at") is None:
        moments.append(row["due_at"])
    moments += [opens + timedelta(hours=hours) for hours, _ in rungs_left(row)]
    return min(moments)


def rungs_left(row: Mapping[str, Any]) -> Sequence[tuple[float, str]]:
    """The rungs of the ladder that were not climbed yet."""
    return [(hours, role) for hours, role in row.get("ladder") or ()][row.get("climbed") or 0 :]
