"""Uses of the glass with the names of who broke it and who judged it."""

from datetime import datetime
from typing import Final

from sqlalchemy import select

from app.auth.tables import principal
from app.glass.tables import break_glass

_reviewer: Final = principal.alias("reviewer")
GLASS: Final = (
    select(break_glass, principal.c.name, _reviewer.c.name.label("reviewer_name"))
    .join(principal, principal.c.id == break_glass.c.person)
    .join(_reviewer, _reviewer.c.id == break_glass.c.reviewed_by, isouter=True)
)


def review_status(outcome: str | None, due_at: datetime, now: datetime) -> str:
    """How the review after the fact stands: open, overdue or closed."""
    if outcome is not None:
        return "closed"
    return "overdue" if now >= due_at else "open"
