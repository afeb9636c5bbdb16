"""Waivers: a scoped, reasoned, expiring acceptance of one finding. The rule still runs.

This module says what a waiver covers and when it ends; it neither grants nor revokes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from gates.evidence import Candidate, SliceKey
from gates.finding import Finding
from gates.verdict import Outcome

WAIVABLE_OUTCOMES = frozenset({Outcome.FAIL, Outcome.INCONCLUSIVE})
"""A missing or broken finding says nothing that a person could accept."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """An approved waiver. `rule` is `gate/rule`; `versions` are globs; times are aware UTC."""

    id: str
    rule: str
    model: str
    reason: str
    expires_at: datetime
    approved_at: datetime
    versions: tuple[str, ...] = ("*",)
    digest: str | None = None
    stage: str | None = None
    slice: SliceKey | None = None
    compensating_control: str | None = None
    revoked_at: datetime | None = None

    def covers(self, finding: Finding, candidate: Candidate, stage: str, at: datetime) -> bool:
        """Whether this waiver stands at `at` and its scope includes the finding."""
        if finding.outcome not in WAIVABLE_OUTCOMES:
            return False
        if self.approved_at > at or self.expires_at <= at:
            return False
        if self.revoked_at is not None and self.revoked_at <= at:
            return False
        return (
            self.rule == f"{finding.gate}/{finding.rule}"
            and fnmatchcase(candidate.model, self.model)
            and any(fnmatchcase(candidate.version, pattern) for pattern in self.versions)
            and self.digest in (None, candidate.digest)
            and self.stage in (None, stage)
            and self.slice in (None, finding.slice)
        )


def covering(
    waivers: Iterable[Waiver], finding: Finding, candidate: Candidate, stage: str, at: datetime
) -> Waiver | None:
    """The covering waiver that lasts longest, or None; ties go to the smallest id."""
    found = [w for w in waivers if w.covers(finding, candidate, stage, at)]
    return max(sorted(found, key=lambda w: w.id), key=lambda w: w.expires_at, default=None)
