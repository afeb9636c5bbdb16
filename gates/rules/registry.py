"""Which kinds of rules there are, and which kind a written rule is.

Adding a kind is a file beside this one, its test, and a line in KINDS.
"""

from collections.abc import Mapping
from typing import Any

from gates.metrics import resolve
from gates.rules.base import Rule, scope_suffix, slug
from gates.rules.coverage import Coverage
from gates.rules.disparity import Disparity
from gates.rules.distribution import Distribution
from gates.rules.document import Document
from gates.rules.experiment import Experiment
from gates.rules.expr import Expr
from gates.rules.passed_stage import PassedStage
from gates.rules.sign_off import SignOff
from gates.rules.threshold import Threshold
from gates.rules.versus_baseline import VersusBaseline
from gates.rules.zero_tolerance import ZeroTolerance

KINDS: Mapping[str, type[Rule]] = {
    "max_count": ZeroTolerance,
    "versus_baseline": VersusBaseline,
    "disparity": Disparity,
    "distribution": Distribution,
    "experiment": Experiment,
    "coverage": Coverage,
    "document": Document,
    "passed_stage": PassedStage,
    "sign_off": SignOff,
    "expr": Expr,
}
"""The field that marks a kind -> the kind. A metric without a mark is a threshold."""


class UnknownKindError(ValueError):
    """A rule that is of no kind, or of several."""


def kind_of(raw: Mapping[str, Any]) -> type[Rule]:
    """The kind of a written rule. Raises UnknownKindError."""
    marks = [mark for mark in KINDS if mark in raw]
    if len(marks) > 1:
        raise UnknownKindError(f"a rule asks one thing; this one has {' and '.join(marks)}")
    if marks:
        return KINDS[marks[0]]
    if "metric" in raw:
        return Threshold
    known = ", ".join(["metric", *KINDS])
    raise UnknownKindError(f"a rule needs one of {known}")


def default_id(raw: Mapping[str, Any]) -> str:
    """An id from what the rule asks: `latency_p95`, `f1-versus-baseline`, `document-dpia`."""
    kind = kind_of(raw)
    if issubclass(kind, (Threshold, VersusBaseline, ZeroTolerance, Distribution)):
        return _metric_id(raw) + _KIND_SUFFIX[kind] + scope_suffix(raw)
    if kind is Coverage:
        inner = raw.get("coverage")
        dimension = inner.get("dimension") if isinstance(inner, Mapping) else None
        return f"coverage-{slug(str(dimension))}{scope_suffix(raw)}"
    if kind is Experiment:
        inner = raw.get("experiment")
        primary = inner.get("primary") if isinstance(inner, Mapping) else None
        name = primary.get("metric") if isinstance(primary, Mapping) else None
        return f"experiment-{slug(str(name))}{scope_suffix(raw)}"
    if kind is Expr:
        return f"expr-{slug(str(raw.get('expr')))[:40]}"
    mark = next(name for name in KINDS if name in raw)
    return f"{mark.replace('_', '-')}-{slug(str(raw[mark]))}"


_KIND_SUFFIX: Mapping[type[Rule], str] = {
    Threshold: "",
    VersusBaseline: "-versus-baseline",
    ZeroTolerance: "-count",
    Distribution: "-distribution",
}


def _metric_id(raw: Mapping[str, Any]) -> str:
    name = str(raw.get("metric"))
    known = resolve(name)
    if known is not None:
        name = known.metric.id
    quantile = raw.get("quantile") or (known.quantile if known else None)
    suffix = f"_p{float(quantile) * 100:g}" if isinstance(quantile, (int, float)) else ""
    return slug(name) + suffix
