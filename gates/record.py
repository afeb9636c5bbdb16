"""Decisions and their inputs as plain JSON values, and inputs back again: what replay stands on.

Fields at their defaults are left out, so that a record stays small and an added field does not
change old digests.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from math import isfinite
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from gates.canonical import digest, rounded
from gates.evidence import Candidate, Evidence, Submission
from gates.finding import Finding
from gates.history import History
from gates.waivers import Waiver

T = TypeVar("T")


def decision_digest(
    policy_digest: str,
    submission: Submission,
    findings: Sequence[Finding],
    waivers: Iterable[Waiver],
) -> str:
    """What a sign-off binds to: candidate, stage, evidence, policy, waivers and findings.

    Computed numbers are rounded to 12 significant digits first, evidence is taken as it came.
    """
    return digest(
        {
            "candidate": document(submission.candidate),
            "stage": submission.stage,
            "evidence": digest(document(submission.evidence)),
            "baseline": digest(document(submission.baseline)) if submission.baseline else None,
            "policy": policy_digest,
            "waivers": [document(waiver) for waiver in sorted(waivers, key=lambda w: w.id)],
            "findings": digest(rounded([document(finding) for finding in findings])),
        }
    )


def inputs_document(
    submission: Submission, history: History, waivers: Iterable[Waiver], at: datetime
) -> dict[str, Any]:
    """Everything beside the policy that a decision followed from, as a JSON value."""
    return {
        "submission": document(submission),
        "history": document(history),
        "waivers": [document(waiver) for waiver in sorted(waivers, key=lambda w: w.id)],
        "at": _time(at),
    }


def load_inputs(
    value: Mapping[str, Any],
) -> tuple[Submission, History, tuple[Waiver, ...], datetime]:
    """The inputs of a recorded decision. Raises ValueError for a value that is no such record."""
    try:
        return (
            _load(Submission, value["submission"]),
            _load(History, value["history"]),
            tuple(_load(Waiver, waiver) for waiver in value["waivers"]),
            datetime.fromisoformat(value["at"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not the recorded inputs of a decision: {error!r}") from None


def evidence_document(evidence: Evidence) -> dict[str, Any]:
    """Canonical evidence, as it is stored and digested."""
    found: dict[str, Any] = document(evidence)
    return found


def candidate_document(candidate: Candidate) -> dict[str, Any]:
    """A candidate as it is recorded."""
    found: dict[str, Any] = document(candidate)
    return found


@lru_cache(maxsize=64)
def _plan(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    """(field, default) of a dataclass; MISSING where a field has no plain default."""
    found = []
    for field in fields(kind):
        default = field.default
        if default is MISSING and field.default_factory is not MISSING:
            default = field.default_factory()
        found.append((field.name, default))
    return tuple(found)


def document(value: Any) -> Any:
    """A value of this package as JSON: dataclasses as objects, tuples as arrays, times RFC 3339."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        # JSON has no word for these; a record must still say what was sent.
        return value if isfinite(value) else repr(value)
    if kind is tuple or kind is list:
        return [item if type(item) in _PLAIN else document(item) for item in value]
    if is_dataclass(value):
        found = {}
        for name, default in _plan(kind):
            item = getattr(value, name)
            if item is default or (default is not MISSING and item == default):
                continue
            found[name] = item if type(item) in _PLAIN else document(item)
        return found
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): document(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, frozenset):
        return sorted(document(item) for item in value)
    raise TypeError(f"a {kind.__name__} has no place in a record")


_PLAIN = frozenset({str, int, bool, type(None)})


def _time(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=64)
def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


def _load(kind: type[T], value: Any) -> T:
    """Build a dataclass from its document; absent fields take their defaults."""
    hints = _hints(kind)
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise TypeError(f"{kind.__name__} has no field {unknown[0]}")
    return kind(**{name: _typed(hints[name], item) for name, item in value.items()})


def _typed(hint: Any, value: Any) -> Any:
    """A JSON value as the type that a field is annotated with."""
    if value is None:
        return None
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        return _typed(options[0], value) if len(options) == 1 else value
    if origin is tuple:
        parts = get_args(hint)
        if len(parts) == 2 and parts[1] is Ellipsis:
            return tuple(_typed(parts[0], item) for item in value)
        return tuple(_typed(part, item) for part, item in zip(parts, value, strict=True))
    if origin is frozenset:
        return frozenset(value)
    if isinstance(hint, type) and is_dataclass(hint):
        return _load(hint, value)
    if hint is datetime:
        return datetime.fromisoformat(value)
    if hint is float and not isinstance(value, bool):
        return float(value)
    return value
