"""What an experiment says: plain values, each with the sentence that a person reads."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["better", "not_worse", "worse", "undecided", "cannot_answer"]
"""`not_worse`: within the margin that was agreed; never "no difference"."""
Verdict = Literal["adopt", "keep_control", "undecided", "invalid"]


@dataclass(frozen=True, slots=True)
class ArmSeen:
    """One arm by itself; bounds are one-sided, each at `confidence`."""

    name: str
    n: int
    value: float | None
    lower: float | None
    upper: float | None
    confidence: float
    method: str | None


@dataclass(frozen=True, slots=True)
class Compared:
    """One arm against the control on one metric.

    `value` is arm - control in the metric's unit, or with a percent margin arm - control less the
    margin's share of the control. `samples` are units of the arm in all, the control growing in
    proportion, for an 80% chance to settle it if what was seen is true; None where no realistic
    number would, or nothing is open. `detectable` is the difference that these sizes would show
    with 80% probability. `p` is the p-value of "no difference" (with a margin: of "worse than it"),
    one- or two-sided as asked, of this claim alone; it heads nothing, the bounds decide.
    """

    arm: str
    metric: str
    outcome: Outcome
    value: float | None
    lower: float | None
    lower_confidence: float | None
    upper: float | None
    upper_confidence: float | None
    relative: float | None
    method: str | None
    approximate: bool
    effect: str
    message: str
    samples: int | None
    detectable: float | None
    p: float | None


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Whether the arms were filled as they should be."""

    holds: bool
    p: float
    min_p: float
    message: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """The whole answer. `adopt` names the arm to adopt, where the verdict says so."""

    verdict: Verdict
    adopt: str | None
    summary: str
    arms: tuple[ArmSeen, ...]
    primary: tuple[Compared, ...]
    guardrails: tuple[Compared, ...]
    sample_ratio: SampleRatio
    notes: tuple[str, ...]
