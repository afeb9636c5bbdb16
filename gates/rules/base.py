"""The fields that rules share. A rule kind adds its own and says how it is checked.

Parsing is strict: an unknown field, a non-finite number or a field without meaning for the kind
does not load.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from gates.verdict import Mode

OnFail = Literal["fail", "escalate", "weigh", "advise"]
OnOpen = Literal["fail", "escalate"]
OnMissing = Literal["fail", "escalate", "not_applicable"]
"""`not_applicable` hides a rule about what was not measured; the release then cannot pass."""
Need = Literal["ids", "clusters", "n_errored", "dataset_digest"]
BASIS_KINDS = ("law", "custom", "example")


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("a number is needed")  # noqa: TRY004 - pydantic turns ValueError into words
    return value


def _whole(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a whole number is needed")  # noqa: TRY004 - as above
    return value


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _text_map(value: object) -> object:
    """Slice values are text; `level: 3` means the same slice as `level: "3"`."""
    if isinstance(value, Mapping):
        return {key: as_texts(item) for key, item in value.items()}
    return value


def as_texts(value: object) -> object:
    """Numbers and booleans as the text that names a slice's value; lists item by item."""
    if isinstance(value, list):
        return [as_texts(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value


Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Whole = Annotated[int, BeforeValidator(_whole)]
Share = Annotated[float, BeforeValidator(_number), Field(ge=0, lt=1, allow_inf_nan=False)]
Confidence = Annotated[float, BeforeValidator(_number), Field(ge=0.5, lt=1, allow_inf_nan=False)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=200)]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=2000)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
TextMap = Annotated[dict[Name, Name], BeforeValidator(_text_map), Field(min_length=1)]
TextLists = Annotated[dict[Name, Names], BeforeValidator(_text_map), Field(min_length=1)]


class Strict(BaseModel):
    """Base of everything in a policy: frozen, and no unknown field."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Basis(Strict):
    """Why a number is what it is: a law, the custom of the field, or an example to replace."""

    kind: Literal["law", "custom", "example"]
    source: Text | None = None

    def words(self) -> str:
        """One phrase for findings: `custom: 29 CFR 1607.4(D)`."""
        return f"{self.kind}: {self.source}" if self.source else self.kind


def _basis(value: object) -> object:
    return {"kind": value} if isinstance(value, str) else value


class Rule(Strict):
    """Fields of every rule, whatever it asks (policy.md section 2)."""

    id: Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$")]
    on_fail: OnFail = "fail"
    on_inconclusive: OnOpen | None = None
    on_missing: OnMissing | None = None
    when: Text | None = None
    applies_from: date | None = None
    waivable: StrictBool = True
    basis: Annotated[Basis | None, BeforeValidator(_basis)] = None
    note: Text | None = None
    loosens: Text | None = None

    KIND: ClassVar[str]
    """The kind's name, as findings carry it."""

    def check(self, ctx: Any, gate: str) -> list[Any]:
        """Claims (gates.rules.context.Claim), one for each hypothesis of the rule."""
        raise TypeError(f"{type(self).__name__} asks nothing of {gate} in {ctx}")

    def problems(self) -> list[tuple[str, str]]:
        """(field, detail) of contradictions that no single field shows."""
        return []

    def expressions(self) -> list[tuple[str, str]]:
        """(field, CEL text) of the rule's expressions."""
        return [("when", self.when)] if self.when else []

    def warnings(self) -> list[str]:
        """What lint says about this rule although it loads."""
        return []


class MeasuredRule(Rule):
    """Fields of rules that judge measurements."""

    where: TextMap | None = None
    by: Names | None = None
    require: TextLists | None = None
    task: Name | None = None
    source: Name | None = None
    min_samples: Annotated[Whole, Field(ge=1)] | None = None
    max_error_share: Share | None = None
    needs: Annotated[tuple[Need, ...], BeforeValidator(_one_or_many)] = ()

    def problems(self) -> list[tuple[str, str]]:
        """`where` and `by` must not name one dimension twice; `require` belongs to `by`."""
        found = super().problems()
        by = self.by or ()
        if len(set(by)) != len(by):
            found.append(("by", "names a dimension twice"))
        found += [
            ("where", f"{name} stands in `by` as well; a slice is either picked or varied")
            for name in (self.where or {})
            if name in by
        ]
        found += [
            ("require", f"{name} is not in `by`; add `by: [{name}]`")
            for name in (self.require or {})
            if name not in by
        ]
        return found


class MetricRule(MeasuredRule):
    """Fields of rules that judge one metric."""

    metric: Name
    mode: Mode = Mode.PROVE
    notice: Annotated[Number, Field(gt=0)] | None = None
    confidence: Confidence | None = None
    quantile: Annotated[Number, Field(gt=0, lt=1)] | None = None
    accepts_point_estimate: Text | None = None
    strict: StrictBool = False
    """Only bounds that keep their level for every n; approximate ones stay inconclusive."""
    certify: StrictBool = False
    """Say of each slice whether it may be published as a claim of its own."""
    direction: Literal["higher", "lower"] | None = None
    declared_kind: Annotated[str | None, Field(alias="kind")] = None
    unit: Name | None = None
    range: tuple[Number, Number] | None = None


METRIC_KINDS = ("proportion", "mean", "quantile", "ratio", "count", "point")
_SLUG = re.compile(r"[^A-Za-z0-9_.-]+")


def slug(text: str) -> str:
    """A piece of an id: everything unusual becomes a hyphen."""
    return _SLUG.sub("-", text).strip("-")[:60] or "x"


def scope_suffix(raw: Mapping[str, Any]) -> str:
    """`-category-cbrne` for `where`, `-gsm8k` for `task`; empty without either."""
    where = raw.get("where")
    parts = []
    if isinstance(where, Mapping):
        parts += [f"{slug(str(k))}-{slug(str(v))}" for k, v in sorted(where.items())]
    if isinstance(raw.get("task"), str):
        parts.append(slug(raw["task"]))
    return "".join(f"-{part}" for part in parts)
