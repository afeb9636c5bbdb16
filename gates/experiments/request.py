"""What an experiment is asked: its arms in whatever form they were counted, and the question.

Strict, like a policy: what does not fit together is refused with the place where it does not.
"""

from math import fsum, sqrt
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from gates.evidence import Measurement
from gates.rules.base import Confidence, Name, Number, Strict, Text, Whole
from gates.rules.selection import HUGE, within
from gates.statistics.sample_ratio import DEFAULT_MIN_P

MAX_ARMS = 20
MAX_VALUES = 1_000_000
PLANNED = 5000
Count = Annotated[Whole, Field(ge=0, le=2**53 - 1)]
Values = Annotated[tuple[Number, ...], Field(min_length=1, max_length=MAX_VALUES)]


class Arm(Strict):
    """One arm's numbers: exactly one of these forms.

    Conversions: `count` of `n`. Means: `mean` and `n` with `sd` or `stderr`. Per-unit values:
    `values`. Ratios such as clicks per view: per unit `numerators` and `denominators`.
    """

    name: Name
    count: Count | None = None
    n: Count | None = None
    mean: Number | None = None
    sd: Annotated[Number, Field(ge=0)] | None = None
    stderr: Annotated[Number, Field(ge=0)] | None = None
    values: Values | None = None
    numerators: Values | None = None
    denominators: Values | None = None
    units: Count | None = Field(
        None, description="Units assigned to the arm, for the sample-ratio check; default n"
    )

    @property
    def form(self) -> str:
        """`count`, `mean`, `values` or `ratio`."""
        if self.count is not None:
            return "count"
        if self.values is not None:
            return "values"
        return "ratio" if self.numerators is not None else "mean"

    @property
    def size(self) -> int:
        """Units with a result."""
        if self.values is not None:
            return len(self.values)
        if self.numerators is not None:
            return len(self.numerators)
        return self.n or 0

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        forms = [
            self.count is not None,
            self.mean is not None,
            self.values is not None,
            self.numerators is not None,
        ]
        if sum(forms) != 1:
            raise ValueError("give exactly one of count, mean, values, numerators")
        if (self.count is not None or self.mean is not None) and not self.n:
            raise ValueError("`n` is needed beside it, and must not be 0")
        if self.count is not None and self.count > (self.n or 0):
            raise ValueError(f"{self.count} of {self.n} is more than all")
        if self.mean is not None and (self.sd is None) == (self.stderr is None):
            raise ValueError("a mean needs its `sd`, or its `stderr`, and not both")
        if self.values is not None and self.n not in {None, len(self.values)}:
            raise ValueError(f"n is {self.n} beside {len(self.values)} values")
        if (self.numerators is None) != (self.denominators is None):
            raise ValueError("a ratio needs `numerators` and `denominators`")
        if len(self.numerators or ()) != len(self.denominators or ()):
            raise ValueError("there must be one denominator for each numerator")
        if self.denominators is not None and not fsum(self.denominators) > 0:
            raise ValueError("the denominators add up to nothing")
        if self.units is not None and self.units < self.size:
            raise ValueError("fewer units were assigned than have a result")
        return self

    @model_validator(mode="after")
    def _measured(self) -> Self:
        series = (self.values or (), self.numerators or (), self.denominators or ())
        stated = [x for x in (self.mean, self.sd, self.stderr) if x is not None]
        if not all(within(numbers, -HUGE, HUGE) for numbers in (stated, *series)):
            raise ValueError(f"a number beyond {HUGE:g} measures nothing")
        return self

    def measurement(self) -> Measurement:
        """The arm as evidence, so that the rules' estimators read it."""
        if self.count is not None:
            return Measurement(self.name, count=self.count, n=self.n)
        if self.values is not None:
            return Measurement(self.name, scores=self.values)
        if self.numerators is not None and self.denominators is not None:
            return _ratio(self.name, self.numerators, self.denominators)
        stderr = self.stderr if self.sd is None else self.sd / sqrt(self.n or 1)
        return Measurement(self.name, value=self.mean, stderr=stderr, n=self.n)


def _ratio(name: str, over: tuple[float, ...], under: tuple[float, ...]) -> Measurement:
    """A ratio of sums with its delta-method standard error over units.

    r = sum a / sum b; stderr = sqrt(sum (a - r b)^2 / (n (n - 1))) / mean b (Deng, Knoblich and Lu,
    KDD 2018).
    """
    n = len(over)
    total = fsum(under)
    ratio = fsum(over) / total
    squares = fsum((a - ratio * b) ** 2 for a, b in zip(over, under, strict=True))
    stderr = sqrt(squares / (n * (n - 1))) * (n / total) if n > 1 else None
    return Measurement(name, value=ratio, stderr=stderr, n=n)


class Comparison(Strict):
    """One metric over all arms, and what is asked of it."""

    metric: Name = Field("conversion rate", description="In words; else `mean` or `ratio`")
    direction: Literal["higher", "lower"] = "higher"
    arms: Annotated[tuple[Arm, ...], Field(min_length=2, max_length=MAX_ARMS)]
    margin: Annotated[Number, Field(ge=0)] | None = Field(
        None, description="Non-inferiority: not worse than the control by more than this"
    )
    margin_percent: Annotated[Number, Field(ge=0, lt=100)] | None = Field(
        None, description="The same in percent of the control"
    )
    range: tuple[Number, Number] | None = None
    unit: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, written: Any) -> Any:
        """Means and ratios that nobody named are no conversion rates."""
        arms = written.get("arms") if isinstance(written, dict) else None
        first = arms[0] if isinstance(arms, (list, tuple)) and arms else None
        if not isinstance(first, dict) or "metric" in written or "count" in first:
            return written
        return {**written, "metric": "ratio" if "numerators" in first else "mean"}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [arm.name for arm in self.arms]
        if len(set(names)) != len(names):
            raise ValueError("two arms have one name")
        if len({arm.form == "count" for arm in self.arms}) != 1:
            raise ValueError("arms must be counted in the same form")
        if self.margin is not None and self.margin_percent is not None:
            raise ValueError("give `margin` or `margin_percent`, not both")
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError("`range` must go up")
        return self

    @property
    def is_rate(self) -> bool:
        """Whether the arms are conversions."""
        return self.arms[0].form == "count"


class Experiment(Comparison):
    """The primary metric with its arms, guardrails, and how sure to be."""

    control: Name | None = Field(None, description="The arm compared with; default the first")
    sides: Literal[1, 2] = Field(2, description="Two-sided, or one-sided towards better")
    confidence: Confidence = 0.95
    looks: Literal["single", "anytime"] = Field(
        "single", description="`anytime`: sequential, bounds hold however often they are looked at"
    )
    n_plan: Annotated[Whole, Field(ge=1, le=10**9)] | None = Field(
        None,
        description=f"Units of an arm for which bounds are sharpest; default {PLANNED}",
    )
    allocation: dict[Name, Annotated[Number, Field(gt=0)]] | None = Field(
        None, description="The share each arm was meant to get; default equal shares"
    )
    srm_min_p: Annotated[Number, Field(gt=0, lt=0.5)] = DEFAULT_MIN_P
    days: Annotated[Number, Field(ge=0)] | None = Field(None, description="How long it has run")
    min_days: Annotated[Number, Field(ge=0)] | None = None
    guardrails: Annotated[tuple[Comparison, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        names = {arm.name for arm in self.arms}
        if self.control is not None and self.control not in names:
            raise ValueError(f"`control` {self.control!r} is none of the arms")
        if self.allocation is not None and set(self.allocation) != names:
            raise ValueError("`allocation` must name each arm once")
        if self.n_plan is not None and self.looks != "anytime":
            raise ValueError("`n_plan` belongs to `looks: anytime`")
        for guardrail in self.guardrails:
            if {arm.name for arm in guardrail.arms} != names:
                raise ValueError(f"guardrail {guardrail.metric} must name the same arms")
        return self

    @property
    def base(self) -> str:
        """The control's name."""
        return self.control or self.arms[0].name

    @property
    def plan(self) -> int | None:
        """Units for which sequences are tuned: never taken from the data, which would void them."""
        return None if self.looks == "single" else self.n_plan or PLANNED
