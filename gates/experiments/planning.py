"""How many units an experiment needs before it starts, by the estimator that will judge it.

It asks for the difference that matters; it never guesses one.
"""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gates.experiments.request import PLANNED
from gates.rounding import number
from gates.rules.base import Confidence, Number, Strict, Whole
from gates.statistics import power
from gates.statistics.anytime import sequence
from gates.statistics.binomial import Rate
from gates.statistics.difference import RateDifference, null_variance
from gates.statistics.estimate import Side
from gates.statistics.sequence_mean import multiplier
from gates.statistics.special import z_quantile

_MODEL = 10**6
"""Units of the imagined sample in which the effect is seen exactly."""


class Hoped(Strict):
    """What is expected: the control's rate or mean, and the change that must not go unnoticed."""

    base: Number
    effect: Number | None = Field(None, description="Arm - control: +0.01 is one point more")
    effect_percent: Number | None = Field(None, description="The same in percent of `base`")
    sd: Annotated[Number, Field(gt=0)] | None = Field(
        None, description="Standard deviation of one unit; left out, `base` is a rate"
    )

    @property
    def change(self) -> float:
        """Arm - control, in the metric's unit."""
        if self.effect is not None:
            return self.effect
        return (self.effect_percent or 0.0) / 100.0 * abs(self.base)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if (self.effect is None) == (self.effect_percent is None):
            raise ValueError("give `effect` or `effect_percent`, and not both")
        if self.sd is None and not (0 < self.base < 1 and 0 <= self.base + self.change <= 1):
            raise ValueError("rates lie between 0 and 1; for means give `sd`")
        return self


class Plan(Strict):
    """An experiment that has not started."""

    plan: Hoped
    direction: Literal["higher", "lower"] = "higher"
    margin: Annotated[Number, Field(ge=0)] = 0.0
    sides: Literal[1, 2] = 2
    confidence: Confidence = 0.95
    power: Annotated[Number, Field(ge=0.5, lt=1)] = power.POWER
    looks: Literal["single", "anytime"] = "single"
    n_plan: Annotated[Whole, Field(ge=1, le=10**9)] | None = None
    arms: Annotated[Whole, Field(ge=2, le=20)] = 2
    units_per_day: Annotated[Number, Field(gt=0)] | None = Field(
        None, description="Units of all arms together, for how many days it takes"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.looks == "anytime" and self.power != power.POWER:
            raise ValueError(f"`power` belongs to `looks: single`; `anytime` has {power.POWER:g}")
        return self


@dataclass(frozen=True, slots=True)
class Needed:
    """Units for each arm, for the asked chance that the change is shown; None where none would do.

    `days` are whole days at `units_per_day`; None where nobody said how many come.
    """

    per_arm: int | None
    total: int | None
    days: int | None
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
    gap = hoped.change - limit if side == "lower" else limit - hoped.change
    if hoped.sd is not None:
        deviation = hoped.sd * 2**0.5
        tuned = n_plan if asked.looks != "single" else None
        per_arm = _mean(gap, deviation, alpha, asked.power, tuned)
    elif asked.looks == "single":
        per_arm = _rates(hoped, limit, side, alpha, asked.power)
    else:
        before = round(hoped.base * _MODEL)
        after = round((hoped.base + hoped.change) * _MODEL)
        known = RateDifference(Rate(after, after, _MODEL), Rate(before, before, _MODEL))
        per_arm = sequence(known, n_plan, 1).samples_to_settle(limit, side, alpha)
    total = None if per_arm is None else per_arm * asked.arms
    days = None
    if total is not None and asked.units_per_day is not None:
        days = ceil(total / asked.units_per_day)
    return Needed(per_arm, total, days, _words(asked, per_arm, days, gap))


def _rates(hoped: Hoped, limit: float, side: Side, alpha: float, wanted: float) -> int | None:
    """Null deviations of Miettinen and Nurminen's test beside deviations as hoped."""
    one, two = hoped.base + hoped.change, hoped.base
    if side == "upper":
        one, two, limit = two, one, -limit
    gap = one - two - limit
    if not gap > 0.0 or limit <= -1.0:
        return None if not gap > 0.0 else 1
    z, z_power = z_quantile(alpha), z_quantile(1.0 - wanted)
    seen = one * (1.0 - one) + two * (1.0 - two)

    def clears(n: int) -> bool:
        null = null_variance(n * one, n, n * two, n, limit)
        return gap >= z * sqrt(null) + z_power * sqrt(seen / n)

    return power.first(clears)


def _mean(
    gap: float, deviation: float, alpha: float, wanted: float, n_plan: int | None
) -> int | None:
    if n_plan is None or not gap > 0.0:
        return power.mean(gap, deviation, alpha, wanted)
    return power.first(
        lambda n: gap >= (multiplier(n, alpha, n_plan) + power.Z_POWER) * deviation / n**0.5
    )


def _words(asked: Plan, per_arm: int | None, days: int | None, gap: float) -> str:
    hoped = asked.plan
    percent = hoped.sd is None
    change = number(hoped.change, percent=percent).replace("%", " points")
    base = number(hoped.base, percent=percent)
    question = f"a change of {change} from {base}"
    if asked.margin:
        margin = number(asked.margin, percent=percent).replace("%", " points")
        question = f"that {question} is within a margin of {margin}"
    if hoped.change == 0.0 and not asked.margin:
        return "No number of units shows that there is no change: plan a gain, or allow a margin."
    if not gap > 0.0:
        way = "more" if asked.direction == "higher" else "less"
        return (
            f"No number of units shows {question}, because {way} is better here: say that the "
            "other way is (`direction`, --lower), plan a gain, or allow a margin."
        )
    if per_arm is None:
        return f"No realistic number of units shows {question}."
    sided = "two-sided" if asked.sides == 2 else "one-sided"
    lasting = "" if days is None else f" That is {days:,} days at {asked.units_per_day:,g} a day."
    return (
        f"{per_arm:,} units in each of {asked.arms} arms show {question}, with a chance of "
        f"{asked.power * 100:.4g}%, at {asked.confidence * 100:.4g}% confidence, {sided}."
        f"{lasting}"
    )
