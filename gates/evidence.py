"""Evidence: what was measured, and the documents that stand beside the numbers.

These are plain frozen values. They check that a measurement is possible at all (a count not above
its n, a proportion inside [0, 1]); whether it is enough for a rule is for the rules to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

SliceKey = tuple[tuple[str, str], ...]
"""A slice: sorted (dimension, value) pairs; empty means all examples."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a measurement comes from. Digests decide whether two samples may be compared."""

    tool: str | None = None
    tool_version: str | None = None
    suite: str | None = None
    run_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None
    prompt_set_digest: str | None = None
    file_digest: str | None = None
    """Digest of the native result file that the measurement was read from."""


@dataclass(frozen=True, slots=True)
class Exceed:
    """How many of n examples lie above a limit; the honest way to report a tail."""

    limit: float
    count: int


@dataclass(frozen=True)  # without slots, so that a default costs nothing: see `stated`
class Measurement:
    """One value of one metric, with what is known about its sampling.

    Exactly one of these is the measurement's form: `value` (a mean, rate or quantile computed
    elsewhere, with optional n / stderr / ci), `count` of `n` or per `exposure`, per-example
    `scores`, `exceed` of `n`, or a `table` of counts. Beside scores, `ids` name the examples (an
    id that stands twice is one question asked again), `clusters` what examples share, `labels`
    what is true of each (1 or 0, a class, a number) where the score is what the model said, and
    `denominators` what each score is per, for a ratio of sums. `exposure` is what events were
    counted over, in any unit (hours, requests). A `table` is a confusion table (rows: truth,
    columns: prediction), or for drift a row of reference counts and one of current counts.

    For `f1` the pair `count`, `n` is (TP, TP + FP + FN); for `precision` it is (TP, TP + FP); for
    `recall` (TP, TP + FN). `n` counts scored examples only; errored ones are in `n_errored`.
    `missing` names why a value that the tool wrote is not a number, and `incomplete` why its run
    cannot be trusted (a clause: "the run was limited to 1 example"); both keep the row visible
    instead of dropping it.
    `quantile` is set for order statistics (0.95 for p95) and `maximum` rows use 1.0;
    `bucketed` marks a quantile read off a histogram.
    `aggregate` marks a roll-up of rows that are present themselves: shown, never judged twice.
    """

    metric: str
    value: float | None = None
    n: int | None = None
    count: int | None = None
    n_errored: int = 0
    stderr: float | None = None
    ci: tuple[float, float] | None = None
    confidence: float | None = None
    scores: tuple[float, ...] | None = None
    ids: tuple[str, ...] | None = None
    clusters: tuple[str, ...] | None = None
    exceed: Exceed | None = None
    labels: tuple[float, ...] | None = None
    denominators: tuple[float, ...] | None = None
    table: tuple[tuple[int, ...], ...] | None = None
    exposure: float | None = None
    quantile: float | None = None
    bucketed: bool = False
    task: str | None = None
    slice: SliceKey = ()
    unit: str | None = None
    direction: Literal["higher", "lower"] | None = None
    source: Source | None = None
    aggregate: bool = False
    missing: str | None = None
    incomplete: str | None = None
    errors_stated: bool = False
    """True when the producer said how many examples errored, so that 0 is a statement."""

    @classmethod
    def stated(cls, fields: Mapping[str, Any]) -> "Measurement":
        """`Measurement(**fields)` for fields that were checked, at a seventh of its cost.

        A producer states three or four of the twenty-three fields; the others are left to the
        class, where a dataclass keeps its defaults.
        """
        made = object.__new__(cls)
        vars(made).update(fields)
        return made


@dataclass(frozen=True, slots=True)
class Document:
    """A non-numeric item: a DPIA, a model card, a red-team report. `grade` says who vouches."""

    kind: str
    uri: str | None = None
    sha256: str | None = None
    subject: str | None = None
    issued_at: datetime | None = None
    signed_by: str | None = None
    grade: Literal["declared", "attested", "signed"] = "declared"
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """The version that asks for release. `digest` names all that ships, where it is known."""

    model: str
    version: str
    digest: str | None = None
    uri: str | None = None
    components: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """All measurements and documents of one evaluation, of a candidate or of a baseline."""

    measurements: tuple[Measurement, ...] = ()
    documents: tuple[Document, ...] = ()
    measured_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The version compared with: how it was chosen, and its measurements."""

    reference: Mapping[str, Any] = field(default_factory=dict)
    evidence: Evidence = field(default_factory=Evidence)


class ImpossibleEvidence(ValueError):  # noqa: N818 - named for what it says
    """Evidence that cannot be: refused before anything is decided. `slug` is the problem type."""

    def __init__(self, slug: str, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.slug = slug
        self.pointer = pointer
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Submission:
    """What a pipeline hands in: who asks for which stage, with which evidence."""

    candidate: Candidate
    stage: str
    evidence: Evidence
    baseline: Baseline | None = None
