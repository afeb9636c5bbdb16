"""What a rule may look at when it is checked, and the claims it hands back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from gates.evidence import Candidate, Evidence, Submission
from gates.finding import Finding
from gates.history import History, Progress
from gates.rules.base import Rule
from gates.rules.judging import Answer, Question, settle
from gates.rules.looks import LookBook
from gates.rules.selection import EvidenceIndex
from gates.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Defaults:
    """A policy's defaults, resolved."""

    confidence: float = 0.95
    looks: int = 2
    """Planned looks; 1 is `single`, 0 is `anytime`."""
    n_plan: int | None = None
    """Examples for which sequences are tuned; given exactly where looks are `anytime`."""
    on_inconclusive: str = "escalate"
    on_missing: str = "fail"
    max_error_share: float = 0.02

    @property
    def alpha_fail(self) -> float:
        """The one level of the fail side for the whole release."""
        return round(1 - self.confidence, 12)


@dataclass(frozen=True)
class Context:
    """Everything a check may read. Built once per decision."""

    defaults: Defaults
    submission: Submission
    history: History
    at: datetime
    looks: LookBook

    @property
    def candidate(self) -> Candidate:
        """Who asks for release."""
        return self.submission.candidate

    @cached_property
    def evidence(self) -> EvidenceIndex:
        """The candidate's measurements, checked for possibility."""
        return EvidenceIndex(self.submission.evidence)

    @cached_property
    def baseline(self) -> EvidenceIndex:
        """The baseline's measurements; empty where there is no baseline."""
        baseline = self.submission.baseline
        evidence = baseline.evidence if baseline else Evidence()
        return EvidenceIndex(evidence, "/baseline/measurements")

    @cached_property
    def variables(self) -> Mapping[str, Any]:
        """What `when` may read. Facts come from people, never from the pipeline."""
        candidate = self.candidate
        return {
            "stage": self.submission.stage,
            "candidate": {
                "model": candidate.model,
                "version": candidate.version,
                "digest": candidate.digest or "",
            },
            "model": {"name": candidate.model, "facts": dict(self.history.facts)},
        }


class Settle(Protocol):
    """Words a finding once Holm has spoken."""

    def __call__(self, *, rejected: bool, level: float) -> Finding:
        """As `Claim.settled`."""


class Claim(NamedTuple):
    """One finding on its way: settled, or waiting for the release-wide level of the fail side.

    `p` enters Holm where the rule is of the family (`gates.folding`); claims of others are tested
    at alpha_fail by themselves. `conclude` words the finding once the answer is known.
    `hypothesis` and `inputs` name the look that the claim takes.
    """

    finding: Finding
    p: float = 1.0
    question: Question | None = None
    conclude: Callable[[Answer], Finding] | None = None
    hypothesis: str | None = None
    inputs: str = ""
    progress: Progress | None = None
    """What the look hands on to the next, where looks are `anytime`."""
    valid_until: datetime | None = None
    """When what the claim rests on ends (a document, a stage), where it does."""
    shown: Callable[[float], bool] | None = None
    """Where the rule certifies: whether it clears with this share of its look's error."""
    settle: Settle | None = None
    """In place of `question` and `conclude`, where a rule needs neither (gates.rules.counted)."""

    def settled(self, *, rejected: bool, level: float) -> Finding:
        """The finding, once it is known whether Holm rejects "the requirement holds", and where."""
        if self.settle is not None:
            return self.settle(rejected=rejected, level=level)
        if self.question is None or self.conclude is None:
            return self.finding
        return self.conclude(settle(self.question, rejected=rejected, level=level))


def plain_finding(rule: Rule, gate: str, outcome: Outcome, reason: str, **fields: Any) -> Finding:
    """A finding that rests on no estimate; `fields` are what its kind adds."""
    return Finding(
        rule=rule.id,
        gate=gate,
        kind=rule.KIND,
        outcome=outcome,
        reason=reason,
        message=fields.pop("message", ""),
        basis=rule.basis.words() if rule.basis else None,
        note=rule.note,
        loosens=rule.loosens,
        **fields,
    )
