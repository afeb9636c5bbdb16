"""The shape of decisions in answers, for /openapi.json. Answers are built elsewhere, once."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

Verdict = Literal["pass", "fail", "escalate"]
Status = Literal["passed", "failed", "pending", "expired", "revoked", "observed", "superseded"]
Outcome = Literal["pass", "fail", "inconclusive", "missing", "error", "not_applicable"]


class CandidateOut(BaseModel):
    """The version that asks for release."""

    model: str
    version: str
    digest: str | None
    uri: str | None
    components: list[dict[str, str]]


class PolicyRefOut(BaseModel):
    """The policy that decided."""

    name: str
    version: int
    digest: str


class ObservedOut(BaseModel):
    """The estimate with its one-sided bounds, each at its own confidence."""

    value: float | None
    n: int | None
    count: int | None
    n_errored: int
    lower: float | None
    lower_confidence: float | None
    upper: float | None
    upper_confidence: float | None
    method: str | None
    approximate: bool
    scale: str = Field(description="metric, difference, share_within_limit, ratio or gap")


class FlipOut(BaseModel):
    """How far a finding lies from another outcome."""

    by: float = Field(description="Better by so much passes; negative: it may be so much worse")
    samples: int | None = Field(description="More examples that would do at the rate seen")
    words: str


class FindingOut(BaseModel):
    """One rule's outcome with numbers and reason."""

    rule: str
    kind: str
    mode: str | None
    metric: str | None
    task: str | None
    slice: dict[str, str]
    quantile: float | None
    unit: str | None
    direction: str | None
    outcome: Outcome
    reason: str
    effect: Literal["none", "escalate", "fail"]
    proven: bool
    certified: bool | None = Field(
        None, description="Whether the slice may be published by itself, where the rule certifies"
    )
    observed: ObservedOut | None
    limit: dict[str, Any] | None
    target: float | None
    candidate: ObservedOut | None
    baseline: ObservedOut | None
    basis: str | None
    note: str | None
    message: str = Field(description="One sentence that a reviewer can act on")
    to_settle: dict[str, Any] | None = Field(description="How many examples would settle it")
    waiver: str | None
    advisory: bool
    weighed: bool
    look: int | None
    loosens: str | None
    flags: list[str]
    flip: FlipOut | None = Field(None, description="The nearest change that would flip it")
    hint: str | None = Field(None, description="What other evidence would have gained")


class GateOut(BaseModel):
    """A gate with its findings."""

    gate: str
    verdict: Verdict
    findings: list[FindingOut]


class NeedOut(BaseModel):
    """How many people of a role are asked, and how many approved; `*` is any reviewer."""

    role: str
    min: int
    have: int


class DecisionReviewOut(BaseModel):
    """The question to people that an escalation opened."""

    id: str | None
    status: str
    opens_at: datetime | None
    due_at: datetime | None
    expires_at: datetime | None
    needed: list[NeedOut]


class WantedOut(BaseModel):
    """Examples that would settle a finding."""

    gate: str
    rule: str
    metric: str | None
    task: str | None
    slice: dict[str, str]
    have: int
    need: int
    more: int


class MoreEvidenceOut(BaseModel):
    """Which examples, how many, and the commands to run."""

    settles_all: bool = Field(description="False where people are asked whatever comes")
    wait_hours: float
    examples: list[WantedOut]
    message: str
    commands: dict[str, str | None]


class AuditOut(BaseModel):
    """Where `decision.recorded` stands in the log, with its proof."""

    index: int
    leaf: str
    checkpoint: str = Field(description="A C2SP signed note")
    proof: list[str] = Field(description="RFC 6962 inclusion proof, hex, lowest first")


class GlassOut(BaseModel):
    """Somebody let this version through although the verdict says no."""

    id: str
    person: str
    reason: str
    until: datetime
    lets_through: bool = Field(description="Whether the status is `passed` because of this alone")
    review_status: str


class DecisionOut(BaseModel):
    """The engine's answer, never changed (`verdict`), and where it stands now (`status`)."""

    id: str | None
    verdict: Verdict
    status: Status
    digest: str = Field(description="What a sign-off binds to")
    candidate: CandidateOut
    stage: str
    evaluation: str | None
    attempt: int
    engine: str
    policy: PolicyRefOut
    summary: str
    reasons: list[str]
    score: float | None
    gates: list[GateOut]
    waivers: list[str]
    review: DecisionReviewOut | None
    more_evidence: MoreEvidenceOut | None = Field(
        None, description="What would settle the escalation without people"
    )
    accepts: list[str] = Field([], description="What an approval accepts, finding by finding")
    observe: bool
    grants: dict[str, Any]
    context: dict[str, Any]
    notes: list[str]
    decided_at: datetime
    valid_days: float
    valid_until: datetime | None
    links: dict[str, str]
    preview: bool | None = Field(None, description="True for a preview, which has no id")
    break_glass: GlassOut | None = Field(None, description="The newest use, where there is one")
    audit: AuditOut | None


class DecisionLineOut(BaseModel):
    """The parts of a Decision that a list shows."""

    id: str
    verdict: Verdict
    status: Status
    digest: str
    candidate: CandidateOut
    stage: str
    evaluation: str
    policy: PolicyRefOut
    summary: str
    decided_at: datetime
    valid_until: datetime | None
    links: dict[str, str]


class DecisionPageOut(BaseModel):
    """Decisions, newest first."""

    items: list[DecisionLineOut]
    next: str | None


class BarrierOut(BaseModel):
    """Why a barrier is open or closed."""

    status: str
    reason: str
    grants: dict[str, Any]
    decision: str | None


class ReplayOut(BaseModel):
    """Whether the recorded inputs give the recorded answer again.

    `identical`: the same engine gives all of it. `same_values`: so does another one, which may
    write fields beside them.
    """

    identical: bool
    same_values: bool
    engine: dict[str, str]
    differences: list[str]


class ClearanceOut(BaseModel):
    """Whether a version may stand at a stage."""

    cleared: bool
    decision: str | None
    status: str
    reason: str
    valid_until: datetime | None
    grants: dict[str, Any]
