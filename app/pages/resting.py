"""What a decision rests on: each measurement and document as it came in, and who vouches for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gates.evidence import Document, Evidence, Measurement, Source
from gates.metrics import resolve
from gates.rounding import number

MOST: Final = 100
GRADES: Final = {
    "declared": "named by the pipeline; nobody vouches for it",
    "attested": "a person vouches for it",
    "signed": "signed by the role's key",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement: what of, what it said, on how much, and from where."""

    metric: str
    scope: tuple[str, ...]
    said: str
    source: str


def measured(evidence: Evidence) -> list[Measured]:
    """The first `MOST` measurements, in the order in which they came."""
    return [
        Measured(_name(m.metric), _scope(m), _said(m), _source(m.source))
        for m in evidence.measurements[:MOST]
    ]


def documents(given: Iterable[Document]) -> list[dict[str, Any]]:
    """Every document with its grade in words; only web addresses become links."""
    return [_document(item) for item in given]


def _document(item: Document) -> dict[str, Any]:
    uri = item.uri or ""
    return {
        "kind": item.kind,
        "grade": item.grade,
        "grade_words": GRADES[item.grade],
        "signed_by": item.signed_by,
        "sha256": item.sha256,
        "issued_at": item.issued_at,
        "expires_at": item.expires_at,
        "uri": uri,
        "is_link": uri.startswith(("https://", "http://")),
    }


def _name(metric: str) -> str:
    known = resolve(metric)
    return known.metric.id if known else metric


def _scope(m: Measurement) -> tuple[str, ...]:
    return (*([m.task] if m.task else ()), *(f"{name}={value}" for name, value in m.slice))


def _said(m: Measurement) -> str:
    parts = [_value(m)]
    if m.n_errored:
        parts.append(f"{m.n_errored:,} errored")
    if m.missing:
        parts.append(m.missing)
    if m.incomplete:
        parts.append(m.incomplete)
    return "; ".join(parts)


def _value(m: Measurement) -> str:
    unit = f" {m.unit}" if m.unit and m.unit != "fraction" else ""
    if m.scores is not None:
        return f"{len(m.scores):,} scores, mean {_mean(m.scores)}{unit}"
    if m.count is not None:
        return f"{m.count:,} of {m.n:,}" if m.n is not None else f"{m.count:,} events"
    if m.exceed is not None:
        return f"{m.exceed.count:,} of {m.n:,} above {m.exceed.limit:.10g}{unit}"
    if m.table is not None:
        return f"a table of {len(m.table)} rows"
    if m.value is None:
        return "no value"
    error = f" ± {m.stderr:.3g}" if m.stderr is not None else ""
    size = f" (n = {m.n:,})" if m.n is not None else ""
    return f"{number(m.value, percent=False)}{error}{unit}{size}"


def _mean(scores: Sequence[float]) -> str:
    return number(sum(scores) / len(scores), percent=False) if scores else "of none"


def _source(source: Source | None) -> str:
    if source is None:
        return ""
    tool = " ".join(part for part in (source.tool, source.tool_version) if part)
    found = [tool, source.suite, source.dataset_name, source.run_id]
    return ", ".join(part for part in found if part)
