"""The part of a policy that is not its rules: who owns it, where it applies, how it escalates."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, field_validator

from gates.rules.base import Confidence, Name, Names, Number, OnOpen, Share, Strict, Text

MAX_PLANNED_LOOKS = 20
Hours = Annotated[Number, Field(ge=0, le=24 * 365)]


class AppliesTo(Strict):
    """Globs of models and stages."""

    model: Annotated[Names, BeforeValidator(lambda v: [v] if isinstance(v, str) else v)]
    stage: Annotated[Names, BeforeValidator(lambda v: [v] if isinstance(v, str) else v)]


class WrittenDefaults(Strict):
    """`defaults`."""

    confidence: Confidence = 0.95
    looks: Name = "planned(2)"
    n_plan: Annotated[int, Field(strict=True, ge=1, le=10**9)] | None = None
    on_inconclusive: OnOpen = "escalate"
    on_missing: OnOpen = "fail"
    max_error_share: Share = 0.02

    @field_validator("looks")
    @classmethod
    def _known_plan(cls, value: str) -> str:
        planned_looks(value)
        return value


def planned_looks(text: str) -> int:
    """1 for `single`, K for `planned(K)`, 0 for `anytime`. Raises ValueError."""
    if text in {"single", "anytime"}:
        return 1 if text == "single" else 0
    inner = text.removeprefix("planned(").removesuffix(")")
    if text == f"planned({inner})" and inner.isdigit() and 1 <= int(inner) <= MAX_PLANNED_LOOKS:
        return int(inner)
    raise ValueError(
        f"must be `single`, `anytime`, or `planned(K)`, K from 1 to {MAX_PLANNED_LOOKS}"
    )


class BaselineChoice(Strict):
    """Which version is compared with: exactly one of these."""

    version: Name | None = None
    alias: Name | None = None
    last_passed: Name | None = None

    def chosen(self) -> dict[str, str]:
        """The one choice."""
        return {name: value for name, value in self if value is not None}


class ReviewAsk(Strict):
    """So many people of a role."""

    role: Name
    min: Annotated[int, Field(strict=True, ge=1, le=20)] = 1


class Rung(Strict):
    """Whom to ask next, after how long."""

    after_hours: Hours
    role: Name


class Escalation(Strict):
    """What an escalation asks of people, and how long they have."""

    reviews: tuple[ReviewAsk, ...] = (ReviewAsk(role="*", min=1),)
    evidence_first_hours: Hours = 0.0
    due_hours: Hours = 24.0
    ladder: tuple[Rung, ...] = ()
    expires_hours: Hours = 72.0
    one_answer_per: Literal["person", "role"] = "person"


class Score(Strict):
    """Weighs the rules that say `on_fail: weigh`."""

    weights: Annotated[dict[Name, Annotated[Number, Field(ge=0)]], Field(min_length=1)]
    passes: Annotated[Number, Field(alias="pass", ge=0, le=100)]
    escalate: Annotated[Number, Field(ge=0, le=100)]


class Header(Strict):
    """A policy without its gates."""

    policy: Annotated[str, Field(strict=True, pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]
    owner: Name
    applies_to: AppliesTo
    description: Text | None = None
    version: Annotated[int, Field(strict=True, ge=1)] | None = None
    extends: Annotated[
        Names | None, BeforeValidator(lambda v: [v] if isinstance(v, str) else v)
    ] = None
    defaults: WrittenDefaults = WrittenDefaults()
    baseline: Literal["required"] | BaselineChoice = "required"
    escalation: Escalation = Escalation()
    score: Score | None = None
    grants: dict[str, Any] = Field(default_factory=dict)
    valid_days: Annotated[Number, Field(gt=0, le=3660)] = 90.0
    observe: StrictBool = False
    registered_before_results: StrictBool = False
    max_candidates: Annotated[int, Field(strict=True, ge=1)] | None = None
