"""The shape of reviews and sign-offs in answers, for /openapi.json."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.evaluations.answers import DecisionReviewOut


class SignOffOut(BaseModel):
    """One person's recorded answer."""

    id: str
    person: str
    role: str
    on_behalf_of: str | None = Field(None, description="Who delegated this answer")
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


class CommentOut(BaseModel):
    """What somebody wrote beside the question."""

    id: str
    person: str
    text: str
    created_at: datetime


class DelegationOut(BaseModel):
    """A person's answer given to another, until a date."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    role: str
    delegator: str = Field(alias="from")
    delegate: str = Field(alias="to")
    until: datetime
    reason: str
    created_at: datetime


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
    comments: list[CommentOut]
    grants: dict[str, Any] = Field(description="What an approval allows")
    asked_too: list[str] = Field(description="Roles that the ladder added; they stand in")
    deferred_until: datetime | None = Field(description="Not approved before")
    delegations: list[DelegationOut]


class ReviewPageOut(BaseModel):
    """Reviews, newest first."""

    items: list[ReviewOut]
    next: str | None
