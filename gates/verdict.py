"""Outcomes of rules and verdicts of decisions, and their order.

An outcome says what the evidence shows about one rule; an effect says what that does to the
verdict; a verdict is what the engine answers. Nothing here looks at numbers.
"""

from collections.abc import Iterable
from enum import StrEnum


class Outcome(StrEnum):
    """What the evidence says about one rule."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    MISSING = "missing"
    ERROR = "error"
    NOT_APPLICABLE = "not_applicable"


class Effect(StrEnum):
    """What one finding does to the verdict; ordered from harmless to fatal."""

    NONE = "none"
    ESCALATE = "escalate"
    FAIL = "fail"


class Verdict(StrEnum):
    """The engine's answer; recorded once and never changed."""

    PASS = "pass"
    ESCALATE = "escalate"
    FAIL = "fail"


class Mode(StrEnum):
    """Which question a rule asks of sampled evidence (policy.md section 3)."""

    PROVE = "prove"
    GUARD = "guard"
    EXACT = "exact"


_EFFECTS_FROM_WORST = (Effect.FAIL, Effect.ESCALATE)
_VERDICT_ORDER = (Verdict.PASS, Verdict.ESCALATE, Verdict.FAIL)
_OUTCOME_ORDER = (
    Outcome.NOT_APPLICABLE,
    Outcome.PASS,
    Outcome.INCONCLUSIVE,
    Outcome.MISSING,
    Outcome.FAIL,
    Outcome.ERROR,
)


def worst_effect(effects: Iterable[Effect]) -> Effect:
    """The strongest of the effects; `none` when there are no effects."""
    found = list(effects)
    return next((one for one in _EFFECTS_FROM_WORST if one in found), Effect.NONE)


def worst_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of the verdicts; `pass` when there are none, so callers guard against emptiness."""
    return max(verdicts, key=_VERDICT_ORDER.index, default=Verdict.PASS)


def worst_outcome(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst of the outcomes; `not_applicable` when there are none."""
    return max(outcomes, key=_OUTCOME_ORDER.index, default=Outcome.NOT_APPLICABLE)
