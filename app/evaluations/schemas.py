"""What a pipeline may send: the shape of a submission. Unknown fields and lax types are refused.

Shape only; whether a measurement is possible is for `gates.evidence` and the engine to say.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, Required, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
    with_config,
)
from typing_extensions import TypedDict

from app.bodies import Strict

MAX_MEASUREMENTS = 10_000
MAX_CONTEXT = 4096
MAX_INTEGER = 2**53

_PLAIN = r"^[^\x00-\x1f\x7f\u2028\u2029]+$"


def _time(value: object) -> object:
    """RFC 3339 text only: a bare number or a time without zone would be a guess."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError("a time such as 2026-11-20T10:00:00Z is needed")
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("a time such as 2026-11-20T10:00:00Z is needed") from None
    if parsed.tzinfo is None or parsed.utcoffset() is None:
        raise ValueError("a time needs its zone, such as 2026-11-20T10:00:00Z")
    if not 1900 < parsed.year < 9000:
        raise ValueError("this year cannot be meant")
    return parsed


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("text may not contain NUL")
    return value


Name = Annotated[str, Field(min_length=1, max_length=200, pattern=_PLAIN)]
Text = Annotated[str, Field(max_length=2000), AfterValidator(_no_nul)]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", examples=["sha256:" + "0" * 64])]
Time = Annotated[datetime, BeforeValidator(_time)]
Count = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Stage = Literal[
    "data_readiness", "baseline", "evaluation", "limited_release", "broad_rollout", "monitoring"
]


class ComponentIn(Strict):
    """One part of what ships: a prompt, an index, a tool, an upstream model."""

    kind: Name
    name: Name
    version: Name | None = None
    digest: Digest | None = None


class CandidateIn(Strict):
    """The version that asks for release."""

    model: Name
    version: Name
    digest: Annotated[
        Digest | None, Field(description="Names all that ships; else taken from `components`.")
    ] = None
    uri: Text | None = None
    components: Annotated[list[ComponentIn], Field(max_length=200)] = Field(default_factory=list)


_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
"""For mappings: a submission has so many measurements that model objects would cost too much."""


@with_config(_STRICT)
class DatasetIn(TypedDict, total=False):
    """The data set behind a measurement."""

    name: Name | None
    digest: Name | None


@with_config(_STRICT)
class SourceIn(TypedDict, total=False):
    """Where a measurement comes from."""

    tool: Name | None
    tool_version: Name | None
    suite: Name | None
    run_id: Name | None
    dataset: DatasetIn | None
    prompt_set_digest: Name | None


@with_config(_STRICT)
class ExceedIn(TypedDict):
    """How many of n examples lie above a limit."""

    limit: float
    count: Count


Counts = Annotated[list[Count], Field(min_length=2, max_length=1000)]


@with_config(_STRICT)
class MeasurementIn(TypedDict, total=False):
    """One value of one metric: one of `value`, `count` + `n`, `scores`, `exceed` + `n`, `table`.

    `count` may stand with `exposure` instead of `n`; `labels` and `denominators` beside `scores`.
    """

    metric: Required[Name]
    value: float | None
    n: Count | None
    count: Count | None
    n_errored: Count | None
    stderr: Annotated[float | None, Field(ge=0)]
    ci: Annotated[list[float] | None, Field(min_length=2, max_length=2)]
    confidence: Annotated[float | None, Field(gt=0, lt=1)]
    scores: Annotated[list[float] | None, Field(min_length=1, max_length=1_000_000)]
    ids: Annotated[list[Name] | None, Field(max_length=1_000_000)]
    clusters: Annotated[list[Name] | None, Field(max_length=1_000_000)]
    exceed: ExceedIn | None
    labels: Annotated[list[float] | None, Field(max_length=1_000_000)]
    denominators: Annotated[list[float] | None, Field(max_length=1_000_000)]
    table: Annotated[list[Counts] | None, Field(min_length=2, max_length=1000)]
    exposure: Annotated[float | None, Field(gt=0)]
    quantile: Annotated[float | None, Field(gt=0, le=1)]
    task: Name | None
    slice: Annotated[dict[Name, Name], Field(max_length=20)]
    unit: Name | None
    direction: Literal["higher", "lower"] | None
    source: SourceIn | None


class ResultIn(Strict):
    """A native result file: exactly one of `content` (as JSON), `text`, `base64`, `blob`."""

    name: Name
    format: Name = "auto"
    content: Any = None
    text: Annotated[str | None, Field(description="The file, as it stands")] = None
    base64: str | None = None
    blob: Annotated[Digest | None, Field(description="A file sent by PUT /v1/blobs/{digest}")] = (
        None
    )

    @model_validator(mode="after")
    def one_form(self) -> Self:
        """The same file twice could be two files."""
        given = {"content", "text", "base64", "blob"} & self.model_fields_set
        if len(given) != 1 or getattr(self, next(iter(given))) is None:
            raise ValueError("give exactly one of content, text, base64, blob")
        return self


Measurements = Annotated[list[MeasurementIn], Field(max_length=MAX_MEASUREMENTS)]
Results = Annotated[list[ResultIn], Field(max_length=100)]


class BaselineIn(Strict):
    """The version compared with: a known version, a known evaluation, or its measurements."""

    version: Name | None = None
    evaluation: Name | None = None
    measurements: Annotated[Measurements | None, Field(min_length=1)] = None
    results: Annotated[Results | None, Field(min_length=1)] = None

    @model_validator(mode="after")
    def one_form(self) -> Self:
        """Two baselines would be two answers."""
        given = (self.version, self.evaluation, self.measurements, self.results)
        if sum(item is not None for item in given) != 1:
            raise ValueError("give exactly one of version, evaluation, measurements, results")
        return self


class DocumentIn(Strict):
    """A document beside the numbers, as the pipeline declares it."""

    kind: Name
    uri: Text | None = None
    sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$")] = None
    subject: Digest | None = None
    issued_at: Time | None = None
    expires_at: Time | None = None
    signed_by: Name | None = None


def _within(value: str) -> str:
    """A file of a run; never one beside it."""
    if value.startswith(RUNS) and {"", ".", ".."} & set(value.removeprefix(RUNS).split("/")):
        raise ValueError("write runs:/<run id>/<path of a file of the run>")
    return value


RUNS = "runs:/"
"""How MLflow names a file of a run: `runs:/<run id>/<path>`."""
DataSet = Annotated[
    str,
    Field(
        max_length=1000,
        pattern=r"^(sha256:[0-9a-f]{64}|runs:/[0-9A-Za-z_-]{1,64}/[^\x00-\x1f\x7f\u2028\u2029]+)$",
        description="The digest of a data set sent by POST /v1/datasets, or a file of a run of the "
        "connected MLflow registry: `runs:/<run id>/<path>`",
        examples=["sha256:" + "0" * 64],
    ),
    AfterValidator(_within),
]


class ComparedIn(Strict):
    """Which columns of two data sets are compared, and how."""

    columns: Annotated[
        list[Name] | None,
        Field(min_length=1, max_length=2000, description="Left out: all columns of either."),
    ] = None
    target: Annotated[Name | None, Field(description="The column of true values")] = None
    prediction: Annotated[
        Name | None, Field(description="The column of predicted values or probabilities")
    ] = None
    task: Annotated[
        Literal["classification", "regression"] | None,
        Field(description="Left out: the target's values say which."),
    ] = None
    positive: Annotated[
        Name | int | bool | None, Field(description="The positive class, where it is not 1")
    ] = None
    text: Annotated[
        list[Name] | None,
        Field(min_length=1, max_length=50, description="Columns of free text to describe"),
    ] = None
    drift_method: Annotated[
        Literal["psi", "jensenshannon", "hellinger", "kl_div"] | None,
        Field(description="One method for all columns; else Evidently chooses by type and size."),
    ] = None

    @model_validator(mode="after")
    def together(self) -> Self:
        """Predictions are compared with true values, or with nothing."""
        if (self.target is None) != (self.prediction is None):
            raise ValueError("target and prediction belong together")
        if self.target is None and (self.task is not None or self.positive is not None):
            raise ValueError("task and positive belong to target and prediction")
        return self


class DataIn(ComparedIn):
    """Two data sets to compare: what the model was built on, and what it meets or answers now."""

    reference: DataSet
    current: DataSet


class SubmissionIn(Strict):
    """One evaluation: who asks for which stage, with which evidence."""

    candidate: CandidateIn
    stage: Stage
    policy: Name | None = None
    measurements: Measurements = Field(default_factory=list)
    results: Results = Field(default_factory=list)
    data: Annotated[
        DataIn | None,
        Field(description="Data to measure: the answer is 202, and the decision follows."),
    ] = None
    baseline: BaselineIn | None = None
    documents: Annotated[list[DocumentIn], Field(max_length=200)] = Field(default_factory=list)
    measured_at: Time | None = None
    context: dict[Name, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def small_context(self) -> Self:
        """Context is a note beside the evidence, not a place to keep files."""
        if sum(len(k.encode()) + len(v.encode()) for k, v in self.context.items()) > MAX_CONTEXT:
            raise ValueError(f"context is larger than {MAX_CONTEXT} bytes")
        return self
