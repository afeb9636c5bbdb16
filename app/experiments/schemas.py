"""The shape of an experiment's answer, for /openapi.json."""

from typing import Literal

from pydantic import BaseModel, Field


class ArmOut(BaseModel):
    """One arm by itself, with one-sided bounds."""

    name: str
    n: int
    value: float | None
    lower: float | None
    upper: float | None
    confidence: float
    method: str | None


class ComparedOut(BaseModel):
    """One arm against the control."""

    arm: str
    metric: str
    outcome: Literal["better", "not_worse", "worse", "undecided", "cannot_answer"]
    value: float | None = Field(description="Arm - control, in the metric's unit")
    lower: float | None
    lower_confidence: float | None
    upper: float | None
    upper_confidence: float | None
    relative: float | None = Field(description="The same as a share of the control")
    method: str | None
    approximate: bool
    effect: str = Field(description="The effect in plain words: 3 more per 1,000")
    message: str = Field(description="One sentence: what was seen, what is shown, what would do")
    samples: int | None = Field(description="Units of this arm in all that would settle it")
    detectable: float | None = Field(description="What these sizes would show, 4 times in 5")
    p: float | None = Field(
        description='p-value of "no difference" (with a margin, of "worse than it"), of this claim '
        "alone"
    )


class SampleRatioOut(BaseModel):
    """Whether the arms were filled as they should be."""

    holds: bool
    p: float
    min_p: float
    message: str


class AnalysisOut(BaseModel):
    """What an experiment shows."""

    verdict: Literal["adopt", "keep_control", "undecided", "invalid"]
    adopt: str | None = Field(description="The arm to adopt, where the verdict says so")
    summary: str
    arms: list[ArmOut]
    primary: list[ComparedOut]
    guardrails: list[ComparedOut]
    sample_ratio: SampleRatioOut
    notes: list[str]


class NeededOut(BaseModel):
    """How large a planned experiment must be."""

    per_arm: int | None
    total: int | None
    days: int | None = Field(description="At `units_per_day`; null where nobody said how many come")
    message: str
