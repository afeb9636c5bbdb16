"""Waivers: a scoped, reasoned, expiring acceptance of one finding. The rule still runs.

This module says what a waiver covers and when it ends; it neither grants nor revokes.
"""

import re
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
    """An approved waiver. `rule` is `gate/rule`; times are aware UTC.

    `versions` are globs such as `4?`, or ranges such as `41..45`, `1.2..` and `..1.9` (both ends
    belong to them, and `1.10` comes after `1.9`).
    """

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
            and any(is_version_in(candidate.version, scope) for scope in self.versions)
            and self.digest in (None, candidate.digest)
            and self.stage in (None, stage)
            and self.slice in (None, finding.slice)
        )


def is_version_in(version: str, scope: str) -> bool:
    """Whether a glob or a range includes a version.

    A range compares numbers as numbers, and only versions that are otherwise spelt as its ends
    are: what cannot be put in order (`release-7` in `41..45`) lies outside.
    """
    start, dots, end = scope.partition("..")
    if not dots:
        return fnmatchcase(version, scope)
    words, numbers = _ordered(version)
    for bound, sign in ((start, 1), (end, -1)):
        if not bound:
            continue
        like, limit = _ordered(bound)
        if like != words or sign * _compared(numbers, limit) < 0:
            return False
    return bool(numbers) and bool(start or end)


def range_problem(scope: str) -> str | None:
    """Why a range includes nothing; None for one that may, and for globs."""
    start, dots, end = scope.partition("..")
    if not dots:
        return None
    bounds = [_ordered(bound) for bound in (start, end) if bound]
    if not bounds or not all(numbers for _, numbers in bounds):
        return f"{scope}: a range needs a number at one end, such as 41..45 or 1.2.."
    if len(bounds) == 2:
        (words, low), (others, high) = bounds
        if words != others or _compared(low, high) > 0:
            return f"{scope}: no version lies between these"
    return None


def _ordered(version: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """What is no number in a version, and its numbers; dots between numbers may be of any count."""
    parts = re.split(r"([0-9]+)", version)
    words = tuple(part for part in parts[::2] if part not in {"", "."})
    return words, tuple(int(number) for number in parts[1::2])


def _compared(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Below, equal or above as -1, 0, 1; `1.2` equals `1.2.0`."""
    size = max(len(one), len(other))
    left, right = (numbers + (0,) * (size - len(numbers)) for numbers in (one, other))
    return (left > right) - (left < right)


def covering(
    waivers: Iterable[Waiver], finding: Finding, candidate: Candidate, stage: str, at: datetime
) -> Waiver | None:
    """The covering waiver that lasts longest, or None; ties go to the smallest id."""
    found = [w for w in waivers if w.covers(finding, candidate, stage, at)]
    return max(sorted(found, key=lambda w: w.id), key=lambda w: w.expires_at, default=None)
