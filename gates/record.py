"""What a sign-off binds to: one digest over candidate, evidence, policy, waivers and findings."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from hashlib import sha256
from operator import attrgetter
from typing import Final, TypeVar

from pydantic import TypeAdapter

from gates.canonical import digest
from gates.evidence import Baseline, Candidate, Evidence, Measurement, Submission
from gates.finding import Finding, Observed
from gates.waivers import Waiver

T = TypeVar("T")

AT_ONCE: Final = 10_000
"""Measurements and scores of single examples whose JSON is held at once; about 300 kB."""

_CANDIDATE = TypeAdapter(Candidate)
_EVIDENCE = TypeAdapter(Evidence)
_MEASUREMENTS = TypeAdapter(tuple[Measurement, ...])
_BASELINE = TypeAdapter(Baseline)
_WAIVERS = TypeAdapter(list[Waiver])
_COMPUTED = ("observed", "candidate", "baseline")
_WORDS = ("outcome", "effect", "mode")
_APART = (*_COMPUTED, *_WORDS, "certified")
_STATED = attrgetter(*(field.name for field in fields(Finding) if field.name not in _APART))
_SEEN = attrgetter(*(field.name for field in fields(Observed)))
_COUNTED = (float, int, int, int, float, float, float, float, str, bool, str)
"""The types of what is observed where a count of n has both bounds: the commonest by far."""
_COUNTED_TEXT = (
    "['%.12g', %d, %d, %d, '%.12g', '%.12g', '%.12g', '%.12g', '%s', %s, '%s']"  # plain names
)


def evidence_json(evidence: Evidence) -> bytes:
    """JSON without fields at their defaults, so that a new field keeps old digests."""
    return _EVIDENCE.dump_json(evidence, exclude_defaults=True)


def _is_large(evidence: Evidence) -> bool:
    """Whether its JSON is better not held whole."""
    return sum(map(_weight, evidence.measurements)) > AT_ONCE


def whole_json(evidence: Evidence) -> bytes | None:
    """`evidence_json`, and None where it is large."""
    return None if _is_large(evidence) else evidence_json(evidence)


def evidence_pieces(evidence: Evidence) -> Iterator[bytes]:
    """What `evidence_json` writes, in pieces: large evidence a few measurements at a time."""
    if (whole := whole_json(evidence)) is not None:
        yield whole
        return
    mark = b'{"measurements":['
    for some in _few_at_once(evidence.measurements):
        yield mark
        yield _MEASUREMENTS.dump_json(some, exclude_defaults=True)[1:-1]
        mark = b","
    rest = evidence_json(replace(evidence, measurements=()))
    yield b"]}" if rest == b"{}" else b"]," + rest[1:]


def _few_at_once(measurements: Sequence[Measurement]) -> Iterator[tuple[Measurement, ...]]:
    some: list[Measurement] = []
    weight = 0
    for m in measurements:
        weight += _weight(m)
        if some and weight > AT_ONCE:
            yield tuple(some)
            some, weight = [], _weight(m)
        some.append(m)
    yield tuple(some)


def _weight(m: Measurement) -> int:
    return 1 if m.scores is None else 1 + len(m.scores)


def decision_digest(
    policy_digest: str,
    submission: Submission,
    evidence: bytes | None,
    findings: Sequence[Finding],
    waivers: Iterable[Waiver],
) -> str:
    """`sha256:` over what people see of a decision; change any of it and a sign-off is void.

    Computed numbers are rounded to 12 significant digits first, which hides the last-bit
    differences between builds of mathematical libraries; evidence is taken as it came, as
    `evidence_json` of the submission's, or None where that was not written whole.
    """
    used = sorted(waivers, key=lambda waiver: waiver.id)
    baseline = submission.baseline
    name = evidence_name(submission.evidence) if evidence is None else sha256(evidence).hexdigest()
    return digest(
        {
            "candidate": _name(_CANDIDATE, submission.candidate),
            "stage": submission.stage,
            "evidence": name,
            "baseline": _name(_BASELINE, baseline) if baseline else None,
            "policy": policy_digest,
            "waivers": _name(_WAIVERS, used) if used else None,
            "findings": _findings_name(findings),
        }
    )


def evidence_name(evidence: Evidence) -> str:
    """SHA-256 over the evidence's JSON, in hexadecimal."""
    found = sha256()
    for piece in evidence_pieces(evidence):
        found.update(piece)
    return found.hexdigest()


def _name(adapter: TypeAdapter[T], value: T) -> str:
    """Over JSON without fields at their defaults, as above."""
    return sha256(adapter.dump_json(value, exclude_defaults=True)).hexdigest()


def _findings_name(findings: Sequence[Finding]) -> str:
    """Over the fields in their order, as Python writes a list of them.

    A decision is a few kilobytes, and this is its hot path: what `repr` of the whole list would
    say is put together from its parts.
    """
    parts: list[str] = []
    for f in findings:
        mode = "None" if f.mode is None else f"'{f.mode}'"
        parts.append(f"'{f.outcome}', '{f.effect}', {mode}, {_STATED(f)!r}")
        parts += (_seen_text(f.observed), _seen_text(f.candidate), _seen_text(f.baseline))
        if f.certified is not None:  # named only where it is asked, so that old digests stay
            parts.append(f"('certified', {f.certified!r})")
    return sha256(f"[{', '.join(parts)}]".encode()).hexdigest()


def _seen_text(seen: Observed | None) -> str:
    """Floats as text of 12 significant digits, everything else as it is written."""
    if seen is None:
        return "None"
    fields = _SEEN(seen)
    if tuple(map(type, fields)) == _COUNTED:
        return _COUNTED_TEXT % fields
    return repr([f"{x:.12g}" if type(x) is float else x for x in fields])
