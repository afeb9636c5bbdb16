"""What a sign-off binds to: one digest over candidate, evidence, policy, waivers and findings."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from hashlib import sha256
from operator import attrgetter
from typing import TypeVar

from pydantic import TypeAdapter

from gates.canonical import digest
from gates.evidence import Baseline, Candidate, Evidence, Submission
from gates.finding import Finding, Observed
from gates.waivers import Waiver

T = TypeVar("T")

_CANDIDATE = TypeAdapter(Candidate)
_EVIDENCE = TypeAdapter(Evidence)
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


def decision_digest(
    policy_digest: str,
    submission: Submission,
    evidence: bytes,
    findings: Sequence[Finding],
    waivers: Iterable[Waiver],
) -> str:
    """`sha256:` over what people see of a decision; change any of it and a sign-off is void.

    Computed numbers are rounded to 12 significant digits first, which hides the last-bit
    differences between builds of mathematical libraries; evidence is taken as it came, as
    `evidence_json` of the submission's.
    """
    used = sorted(waivers, key=lambda waiver: waiver.id)
    baseline = submission.baseline
    return digest(
        {
            "candidate": _name(_CANDIDATE, submission.candidate),
            "stage": submission.stage,
            "evidence": sha256(evidence).hexdigest(),
            "baseline": _name(_BASELINE, baseline) if baseline else None,
            "policy": policy_digest,
            "waivers": _name(_WAIVERS, used) if used else None,
            "findings": _findings_name(findings),
        }
    )


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
