"""A finding: what one rule found on one slice, with the numbers, the reason and one sentence.

Plain values only; how a finding comes about is the business of `gates.rules`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gates.evidence import SliceKey
from gates.verdict import Effect, Mode, Outcome

SETTLED_BY_SAMPLES = frozenset({"interval_straddles_limit", "too_few_samples"})
"""Reasons of an open finding that more examples can take away."""


@dataclass(frozen=True)  # without slots, as a finding is
class Observed:
    """The estimate beside its one-sided bounds.

    `lower` and `upper` are each at their own confidence: the pass side at this look's level, the
    fail side at its Holm level. They are None only where no bound exists (`exact`, documents).
    `scale` is "metric" (units of the metric), "difference" (candidate - baseline), "ratio" or
    "gap" (of groups), or "share_within_limit" (a quantile rule judged by counting examples within
    the limit).
    """

    value: float | None = None
    n: int | None = None
    count: int | None = None
    n_errored: int = 0
    lower: float | None = None
    lower_confidence: float | None = None
    upper: float | None = None
    upper_confidence: float | None = None
    method: str | None = None
    approximate: bool = False
    scale: str = "metric"

    @classmethod
    def drafted(cls, **fields: Any) -> "Observed":
        """`Observed(**fields)` at a fraction of its cost, as `Finding.drafted`."""
        made = object.__new__(cls)
        vars(made).update(fields)
        return made


@dataclass(frozen=True)  # without slots, so that `drafted` and `finish` set all at once
class Finding:
    """One rule's outcome on one slice (policy.md sections 3 and 7)."""

    rule: str
    gate: str
    kind: str
    outcome: Outcome
    reason: str
    message: str
    effect: Effect = Effect.NONE
    mode: Mode | None = None
    metric: str | None = None
    task: str | None = None
    slice: SliceKey = ()
    quantile: float | None = None
    unit: str | None = None
    direction: str | None = None
    proven: bool = False
    observed: Observed | None = None
    limit: Mapping[str, Any] | None = None
    target: float | None = None
    candidate: Observed | None = None
    baseline: Observed | None = None
    basis: str | None = None
    note: str | None = None
    to_settle: Mapping[str, Any] | None = None
    """{"samples": total n} when more examples would settle it; {"samples": None} when no
    realistic sample would; None when the question does not arise."""
    waiver: str | None = None
    advisory: bool = False
    weighed: bool = False
    look: int | None = None
    loosens: str | None = None
    flags: tuple[str, ...] = ()
    """What was assumed or is worth knowing, e.g. `comparability: undeclared`."""
    certified: bool | None = None
    """Whether the slice may be published as a claim of its own; None where no rule asks."""

    @classmethod
    def drafted(cls, common: Mapping[str, Any], **fields: Any) -> "Finding":
        """`Finding(**common, **fields)` at a fraction of its cost.

        What is not named is left to the class, where a dataclass keeps its defaults.
        """
        made = object.__new__(cls)
        vars(made).update(common, **fields)
        return made


def finish(finding: Finding, **fields: Any) -> Finding:
    """Set the last fields of a finding that only its maker holds, and give it back.

    For the path of every submission, where copying a finding for each field that becomes known
    later was a fifth of a decision.
    """
    vars(finding).update(fields)
    return finding
