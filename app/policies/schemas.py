"""Bodies and answers of the policy routes."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from app.bodies import Strict
from app.evaluations.schemas import Time


class SpreadIn(Strict):
    """What one example of a metric varies by."""

    sd: float = Field(gt=0, description="Standard deviation, in the metric's unit")
    relative: bool = Field(False, description="`sd` is a share of the mean: 0.4 for 40%")


class LintIn(Strict):
    """A draft, as text or as JSON, and what is known of its metrics before any sample."""

    policy: dict[str, Any] | str
    spreads: dict[str, SpreadIn] = Field(
        default_factory=dict, max_length=100, description="By metric; else from stored evaluations"
    )
    about: dict[str, float] = Field(
        default_factory=dict, max_length=100, description="Typical values, by metric"
    )


class BacktestIn(Strict):
    """A draft, and since when stored evaluations are decided again by it."""

    policy: dict[str, Any] | str = Field(description="YAML text, or the policy as JSON")
    since: Time | None = None


class PublishedOut(BaseModel):
    """A published version."""

    name: str
    version: int
    digest: str
    active: bool = Field(description="False while a version that loosens waits for approval")
    warnings: list[str]
    loosened: list[dict[str, str]]
    published_at: datetime


class PolicyOut(PublishedOut):
    """A version with what it says."""

    owner: str
    source: str
    media_type: str
    document: dict[str, Any] = Field(description="After `extends`: what the digest is of")
    approved_at: datetime | None


class PolicyLineOut(BaseModel):
    """One policy of the list."""

    name: str
    version: int | None = Field(description="The version in force; null before any is")
    newest: int
    digest: str | None
    owner: str


class PolicyPageOut(BaseModel):
    """Policies by name."""

    items: list[PolicyLineOut]
    next: str | None


class VersionsOut(BaseModel):
    """Versions of one policy, newest first."""

    items: list[PublishedOut]
    next: str | None


class LintErrorOut(BaseModel):
    """Something wrong in a policy's text."""

    pointer: str
    line: int
    detail: str


class PlanOut(BaseModel):
    """What one rule asks of samples, for each of its slices."""

    gate: str
    rule: str
    slices: int
    provable: bool = Field(description="False where no sample can ever prove it")
    samples: int | None = Field(
        description="Examples it takes; null where none would do, or `needs` says what to give"
    )
    paired: int | None = Field(description="The same where both answer the same examples")
    counts: str = Field(description="What `samples` counts: examples, units, TP + FP + FN")
    needs: list[str] = Field(
        description="What to give, any one of it, where no number can be said: `sd` (`spreads`), "
        "`about`, `pilot`, `target`, `margin`, `tolerance`, `n`, `rule`"
    )
    at_n: dict[str, float | None] | None = Field(
        description="What `n` examples resolve: the truths that pass and that fail; "
        "`paired_`: where both answer the same examples"
    )
    message: str


class ExpectedOut(BaseModel):
    """What a draft would have decided about the newest stored evaluations that it applies to."""

    evaluations: int
    passed: int
    escalated: int
    failed: int
    share_escalated: float
    lower: float
    upper: float
    confidence: float


class LintOut(BaseModel):
    """Whether a policy loads, and what to know about it."""

    plan: list[PlanOut]
    expected: ExpectedOut | None = Field(description="Null where nothing stored applies")

    valid: bool
    digest: str | None
    errors: list[LintErrorOut]
    warnings: list[str]
    loosened: list[dict[str, str]]


class ChangeOut(BaseModel):
    """A decision that the draft would have made otherwise."""

    decision: str
    model: str
    version: str
    stage: str
    was: str
    would_be: str
    summary: str


class BacktestOut(BaseModel):
    """What a draft would have changed."""

    digest: str
    decided: int
    skipped: int = Field(description="Evaluations whose evidence was erased or does not fit")
    changes: list[ChangeOut]
    is_complete: bool = Field(description="False where older evaluations were left out")
