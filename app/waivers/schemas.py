"""What people may send about waivers, and what they get back."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from app.bodies import Strict
from app.evaluations.schemas import Digest, Name, Stage, Text, Time
from gates.waivers import range_problem

Words = Annotated[Text, Field(min_length=10)]
Pattern = Annotated[Name, Field(pattern=r"^[^\[\]\x00-\x1f\x7f]+$")]


def _possible(scope: str) -> str:
    if (problem := range_problem(scope)) is not None:
        raise ValueError(problem)
    return scope


class WaiverIn(Strict):
    """A request to accept one rule's finding for a while."""

    rule: Annotated[
        str,
        Field(
            pattern=r"^[^/\x00-\x1f\x7f]{1,100}/[^\x00-\x1f\x7f]{1,200}$",
            description="gate/rule, as findings name it",
            examples=["safety/attack_success_rate"],
        ),
    ]
    model: Annotated[Pattern, Field(description="The model's name; * and ? match many")]
    versions: Annotated[
        list[Annotated[Pattern, AfterValidator(_possible)]] | None,
        Field(
            min_length=1,
            max_length=50,
            description="Names, patterns (`4?`) or ranges (`41..45`, `1.2..`, `..1.9`)",
        ),
    ] = None
    digest: Digest | None = None
    stage: Stage | None = None
    slice: Annotated[dict[Name, Name], Field(min_length=1, max_length=20)] | None = None
    reason: Words
    compensating_control: Annotated[
        Words, Field(description="What keeps people safe while the rule does not hold")
    ]
    owner: Annotated[Name, Field(description="Who answers for it and mends the cause")]
    expires_at: Annotated[Time, Field(description="At most a year ahead")]


class ApprovalIn(Strict):
    """Nothing but the act itself."""


class ApprovalOut(BaseModel):
    """One person's approval."""

    person: str
    approved_at: datetime


class WaiverOut(BaseModel):
    """A waiver as it stands now."""

    id: str
    rule: str
    model: str
    versions: list[str]
    digest: str | None
    stage: str | None
    slice: dict[str, str] | None
    reason: str
    compensating_control: str
    owner: str
    status: str = Field(description="requested, approved, revoked or expired")
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    approved_at: datetime | None
    revoked_at: datetime | None
    approvals: list[ApprovalOut]
    approvals_needed: int
    decisions: list[str] = Field(description="Decisions that rest on it, newest first, at most 50")


class WaiverPageOut(BaseModel):
    """Waivers, newest first."""

    items: list[WaiverOut]
    next: str | None
