"""The shape of reviews and sign-offs in answers, for /openapi.json."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from app.evaluations.answers import DecisionReviewOut


class SignOffOut(BaseModel):
    """One person's recorded answer."""

    id: str
    person: str
    role: str
    answer: str
    comment: str | None
    decision_digest: str
    until: datetime | None
    signed_at: datetime


class SignOffResultOut(SignOffOut):
    """The answer, and what it made of review and decision."""

    review: str
    review_status: str
    decision_status: str
    valid_until: datetime | None


class ReviewOut(DecisionReviewOut):
    """An open question to people."""

    decision: str
    decision_digest: str
    decision_status: str
    model: str
    version: str
    stage: str
    created_at: datetime
    closed_at: datetime | None
    sign_offs: list[SignOffOut]
    comments: list[dict[str, Any]]


class ReviewPageOut(BaseModel):
    """Reviews, newest first."""

    items: list[ReviewOut]
    next: str | None
