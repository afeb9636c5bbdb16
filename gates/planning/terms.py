"""What a plan rests on: error levels, what is known of spreads, and what came out for a rule.

Plain values. What nobody knows stays unknown: a plan then says what to give, never a number.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, inf, isfinite, log1p, sqrt
from typing import NamedTuple

from gates.rules.measured import Subject
from gates.rules.selection import canonical_name

BETA = 0.20
"""The chance that a good candidate is not cleared at the first look, over all rules together."""
DISAGREEMENT = 0.10
"""Share of paired examples on which candidate and baseline are assumed to differ."""
CORRELATION = 0.5
"""Of candidate and baseline scores on the same examples, where nobody has said."""

AtN = dict[str, float | int | None]


@dataclass(frozen=True, slots=True)
class Terms:
    """The errors that all rules share; `power` is that of each hypothesis by itself."""

    alpha: float
    fail: float
    power: float
    n_plan: int | None
    n: int | None


@dataclass(frozen=True, slots=True)
class Spread:
    """What one example varies by: a standard deviation, in the metric's unit or of its mean.

    `skewness` is None where nobody knows it. `source` says where it comes from, in words.
    """

    sd: float
    relative: bool = False
    skewness: float | None = None
    source: str = "as given"

    def at(self, level: float | None) -> float | None:
        """In the metric's unit, at a mean of `level`; None where that is not known."""
        if not self.relative:
            return self.sd
        return None if level is None or level == 0.0 else self.sd * abs(level)

    def share(self, level: float | None) -> float | None:
        """As a share of the mean (the coefficient of variation)."""
        if self.relative:
            return self.sd
        return None if level is None or level == 0.0 else self.sd / abs(level)


class About(NamedTuple):
    """A typical value of a metric, and where it comes from, in words."""

    value: float
    source: str = "as given"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rule found on earlier data, by its own estimator.

    `sd` is what one example would have to vary by for the bound to lie where it did; `level` the
    baseline's value; `paired` whether examples were compared pair by pair; `n` examples were
    seen; `each` is how many a cluster had, None where none shared one.
    """

    value: float
    sd: float
    n: int
    level: float | None
    paired: bool
    each: float | None

    @property
    def clustered(self) -> bool:
        """Whether examples came in clusters, whose number counts then."""
        return self.each is not None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before the sample: by metric as given, by rule from earlier data.

    `sd` and `about` (a typical value) are keyed by the metric's name in the catalogue, `seen` by
    gate and rule. `source` names the earlier data in words.
    """

    sd: Mapping[str, Spread] = field(default_factory=dict)
    about: Mapping[str, About] = field(default_factory=dict)
    seen: Mapping[tuple[str, str], Seen] = field(default_factory=dict)
    source: str = ""

    def over(self, other: "Known") -> "Known":
        """This knowledge, and where it says nothing the other's."""
        return Known(
            {**other.sd, **self.sd},
            {**other.about, **self.about},
            {**other.seen, **self.seen},
            self.source or other.source,
        )


def given(
    sd: Mapping[str, Spread], about: Mapping[str, float], asked: Iterable[str] | None = None
) -> Known:
    """Knowledge that a person states, under any of a metric's names.

    Args:
        sd: Spreads by metric.
        about: Typical values by metric.
        asked: The metrics that the policy asks for; None takes any.

    Raises:
        ValueError: for what is no number, no spread, or about no metric of the policy.
    """
    if asked is not None:
        known = sorted(asked)
        for name in (*sd, *about):
            if canonical_name(name) not in known:
                raise ValueError(f"no rule plans with {name}; the policy asks for {_list(known)}")
    for name, spread in sd.items():
        if not (isfinite(spread.sd) and spread.sd > 0.0):
            raise ValueError(f"the standard deviation of {name} must be a number above 0")
    for name, value in about.items():
        if not isfinite(value):
            raise ValueError(f"what {name} is about must be a number")
    return Known(
        {canonical_name(name): spread for name, spread in sd.items()},
        {canonical_name(name): About(value) for name, value in about.items()},
    )


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) or "no metric"


@dataclass(frozen=True, slots=True)
class Found:
    """A rule's numbers before they are worded.

    `asks` is what to give where no number can be said, and `needs` the same for machines.
    `counts` is what `samples` counts; `each` where: in each slice, arm or group.
    """

    samples: int | None = None
    paired: int | None = None
    assumes: str = ""
    never: str = ""
    asks: str = ""
    needs: tuple[str, ...] = ()
    at_n: AtN = field(default_factory=dict)
    counts: str = "examples"
    each: str = ""
    paired_assumes: str = ""
    plain: bool = False
    """Whether it is compared without error control, so that no size shows more than another."""
    scale: str = "a true "
    """What the truths of `at_n` are, in words before the number."""


def best_of(subject: Subject, limit: float) -> float | None:
    """The best that a metric can be; a positive limit on what is better lower has 0 beyond it."""
    low, high = subject.value_range or (-inf, inf)
    if subject.direction == "lower":
        found = low if isfinite(low) else 0.0
        return found if found < limit else None
    return high if isfinite(high) and high > limit else None


def ask_spread(metric: str, formula: str) -> Found:
    """Nobody knows how much a metric varies."""
    return Found(
        asks=f"{formula}; nobody has said how much {metric} varies: give one example's standard "
        f"deviation (--sd {metric}=SD, or --sd {metric}=40% of its mean), or a pilot (--from FILE)",
        needs=("sd", "pilot"),
    )


def ask_pilot(metric: str, why: str) -> Found:
    """Only data can say it."""
    return Found(
        asks=f"{why}: give a pilot of {metric} (--from FILE), or plan from stored evaluations "
        "(--history)",
        needs=("pilot",),
    )


def ask_target(metric: str, why: str) -> Found:
    """Nobody knows how good a candidate to plan for."""
    return Found(
        asks=f"{why}: add a `target` to the rule, or say what {metric} is about "
        f"(--about {metric}=VALUE), or give a pilot (--from FILE)",
        needs=("target", "about", "pilot"),
    )


def lognormal_sigma(share: float) -> float:
    """The standard deviation of logarithms, where that of the values is `share` of their mean."""
    return sqrt(log1p(share * share))


def lognormal_skewness(share: float) -> float:
    """Skewness of a log-normal whose standard deviation is `share` of its mean."""
    return 3.0 * share + share**3


def sigma_of_skewness(skewness: float) -> float:
    """The sigma of a log-normal of such a positive skewness, by bisection."""
    low, high = 0.0, 4.0
    for _ in range(60):
        middle = (low + high) / 2.0
        w = exp(middle * middle)
        low, high = (middle, high) if (w + 2.0) * sqrt(w - 1.0) < skewness else (low, middle)
    return low
