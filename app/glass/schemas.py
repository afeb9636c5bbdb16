"""What breaking the glass takes, and what it leaves behind."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.bodies import Strict
from app.evaluations.schemas import Text

Words = Annotated[Text, Field(min_length=10)]


class BreakGlassIn(Strict):
    """Why this cannot wait, and for how long."""

    reason: Words
    hours: Annotated[float, Field(gt=0, le=24)] = 24.0


class AfterwardsIn(Strict):
    """What another person makes of it afterwards."""

    outcome: Literal["justified", "unjustified"]
    comment: Words


class BreakGlassOut(BaseModel):
    """One use of the glass, and its review after the fact."""

    id: str
    decision: str
    model: str
    person: str
    reason: str
    used_at: datetime
    until: datetime
    review_status: str = Field(description="`open`, `overdue` or `closed`")
    review_due_at: datetime
    outcome: str | None
    reviewed_by: str | None
    reviewed_at: datetime | None
    comment: str | None


class BreakGlassPageOut(BaseModel):
    """Uses of the glass, newest first."""

    items: list[BreakGlassOut]
    next: str | None
