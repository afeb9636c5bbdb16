"""What happened before this decision, as far as it may bear on it: looks, stages, documents, facts.

The caller reads these from the record; `decide` never goes and looks for itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gates.evidence import Document, SliceKey


@dataclass(frozen=True, slots=True)
class Progress:
    """What a look under `anytime` hands on to the next (gates.rules.cumulative).

    `scope` says how it was measured and against what; only within one scope do looks continue each
    other. `certain` are the cumulative counts, which may not shrink. `shown` are (claim, limit,
    error): the smallest error at which `at_least`, `at_most`, `below` or `above` the limit was
    shown at any look so far.
    """

    scope: str
    certain: tuple[float, ...]
    shown: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """One earlier judgement of one hypothesis about this candidate at this stage.

    `hypothesis` is the key made by `gates.rules.looks.hypothesis_key`; `inputs` the digest of the
    evidence that was looked at; `number` counts from 1; `outcome` is what the finding said.
    `progress` is empty unless the policy lets anybody look at any time.
    """

    hypothesis: str
    inputs: str
    number: int
    outcome: str
    progress: tuple[Progress, ...] = ()


@dataclass(frozen=True, slots=True)
class PassedStage:
    """A clearance that was granted: at which stage, for which version and digest, until when."""

    stage: str
    version: str
    digest: str | None
    passed_at: datetime
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class History:
    """Everything the past contributes. Empty for a first submission."""

    looks: tuple[Look, ...] = ()
    known_slices: tuple[tuple[str, SliceKey], ...] = ()
    """(metric, slice) pairs that the model's last decision at this stage had."""
    passed_stages: tuple[PassedStage, ...] = ()
    documents: tuple[Document, ...] = ()
    """Documents registered in the service by people, with their grade."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """`model.facts`: registered by people about the model, never sent by the pipeline."""
    policy_published_at: datetime | None = None
    candidates_judged: int = 0
    """How many other digests of this model were judged at this stage since the last clearance."""
    baseline_uses: int = 0
    """How many candidates this baseline sample has judged before."""
    foreign_evidence: frozenset[str] = frozenset()
    """Input digests of per-example scores or native files that came with another candidate."""
    offline: bool = False
    """True for `clearance check`: what only the service can confirm is then inconclusive."""
