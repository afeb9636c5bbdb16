"""How many units an experiment needs before it starts, by the estimator that will judge it.

It asks for the difference that matters; it never guesses one.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gates.experiments.request import PLANNED
from gates.explanation import number
from gates.rules.base import Confidence, Number, Strict, Whole
from gates.statistics import power
from gates.statistics.anytime import sequence
from gates.statistics.binomial import Rate
from gates.statistics.difference import RateDifference
from gates.statistics.estimate import Side
from gates.statistics.sequence_mean import multiplier

_MODEL = 10**6
"""Units of the imagined sample in which the effect is seen exactly."""


class Hoped(Strict):
    """What is expected: the control's rate or mean, and the change that must not go unnoticed."""

    base: Number
    effect: Number = Field(description="Arm - control: +0.01 is one point more")
    sd: Annotated[Number, Field(gt=0)] | None = Field(
        None, description="Standard deviation of one unit; left out, `base` is a rate"
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.sd is None and not (0 < self.base < 1 and 0 <= self.base + self.effect <= 1):
            raise ValueError("rates lie between 0 and 1; for means give `sd`")
        return self


class Plan(Strict):
    """An experiment that has not started."""

    plan: Hoped
    direction: Literal["higher", "lower"] = "higher"
    margin: Annotated[Number, Field(ge=0)] = 0.0
    sides: Literal[1, 2] = 2
    confidence: Confidence = 0.95
    looks: Literal["single", "anytime"] = "single"
    n_plan: Annotated[Whole, Field(ge=1, le=10**9)] | None = None
    arms: Annotated[Whole, Field(ge=2, le=20)] = 2


@dataclass(frozen=True, slots=True)
class Needed:
    """Units for each arm, for an 80% chance that the change is shown; None where none would do."""

    per_arm: int | None
    total: int | None
    message: str


def needed(asked: Plan) -> Needed:
    """The size of an experiment.

    With more than two arms each claim is planned at its smallest share of the error (Bonferroni),
    so that the size holds whatever the other arms show.
    """
    alpha = (1.0 - asked.confidence) / asked.sides / (asked.arms - 1)
    hoped, n_plan = asked.plan, asked.n_plan or PLANNED
    side: Side = "lower" if asked.direction == "higher" else "upper"
    limit = -asked.margin if side == "lower" else asked.margin
    if hoped.sd is None:
        before = round(hoped.base * _MODEL)
        after = round((hoped.base + hoped.effect) * _MODEL)
        known = RateDifference(Rate(after, after, _MODEL), Rate(before, before, _MODEL))
        seen = known if asked.looks == "single" else sequence(known, n_plan, 1)
        per_arm = seen.samples_to_settle(limit, side, alpha)
    else:
        gap = hoped.effect - limit if side == "lower" else limit - hoped.effect
        per_arm = _mean(gap, hoped.sd * 2**0.5, alpha, n_plan if asked.looks != "single" else None)
    total = None if per_arm is None else per_arm * asked.arms
    return Needed(per_arm, total, _words(asked, per_arm))


def _mean(gap: float, deviation: float, alpha: float, n_plan: int | None) -> int | None:
    if n_plan is None or not gap > 0.0:
        return power.mean(gap, deviation, alpha)
    return power.first(
        lambda n: gap >= (multiplier(n, alpha, n_plan) + power.Z_POWER) * deviation / n**0.5
    )


def _words(asked: Plan, per_arm: int | None) -> str:
    hoped = asked.plan
    percent = hoped.sd is None
    change = number(hoped.effect, percent=percent).replace("%", " points")
    base = number(hoped.base, percent=percent)
    question = f"a change of {change} from {base}"
    if asked.margin:
        margin = number(asked.margin, percent=percent).replace("%", " points")
        question += f" to be shown within a margin of {margin}"
    if per_arm is None:
        return f"No realistic number of units shows {question}."
    return (
        f"{per_arm:,} units in each of {asked.arms} arms give an 80% chance to show {question}, "
        f"with {asked.confidence * 100:.4g}% confidence, {asked.sides}-sided."
    )
