"""decide(): policy, submission, history, waivers and time in, one decision out.

The only entry point of this package. It reads nothing and remembers nothing: same inputs, same
bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gates.evidence import Candidate, Submission
from gates.finding import Finding
from gates.history import History, Look
from gates.policy import Policy
from gates.verdict import Verdict
from gates.waivers import Waiver


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate's findings in policy order, and the worst they lead to."""

    gate: str
    verdict: Verdict
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class ReviewNeed:
    """What an escalation asks of people; None on a Decision that does not escalate."""

    needed: tuple[tuple[str, int], ...]
    """(role, minimum number of people), sorted by role; role `*` is any reviewer."""
    due_hours: float
    expires_hours: float
    evidence_first_hours: float
    """0 unless every open finding could be settled by more examples."""
    ladder: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """The engine's answer. `digest` covers candidate, stage, evidence, policy, waivers, findings."""

    verdict: Verdict
    digest: str
    candidate: Candidate
    stage: str
    attempt: int
    engine: str
    policy_name: str
    policy_digest: str
    summary: str
    gates: tuple[GateResult, ...]
    score: float | None
    observe: bool
    grants: Mapping[str, Any]
    valid_days: float
    valid_until: datetime | None
    """The end of validity imposed by waivers and documents, None when only valid_days counts."""
    review: ReviewNeed | None
    reasons: tuple[str, ...]
    """Why the verdict is what it is beside findings: nothing_proven, many_candidates, ..."""
    waivers: tuple[str, ...]
    """Ids of the waivers that were applied."""
    looks: tuple[Look, ...]
    """The looks this decision takes; a caller that only previews drops them."""
    context: Mapping[str, Any]
    """Counts that belong beside a decision: candidates judged, uses of the baseline sample."""
    decided_at: datetime

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, gate by gate."""
        return tuple(finding for gate in self.gates for finding in gate.findings)


def decide(
    policy: Policy,
    submission: Submission,
    history: History,
    waivers: Sequence[Waiver],
    at: datetime,
) -> Decision:
    """Judge a submission. See policy.md; raises ImpossibleEvidence for evidence that cannot be."""
    raise NotImplementedError
