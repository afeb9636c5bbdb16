"""What a sign-off binds to: one digest over candidate, evidence, policy, waivers and findings."""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from math import isfinite
from typing import Any

from pydantic import TypeAdapter

from gates.canonical import NotCanonical, canonical, digest
from gates.evidence import Baseline, Candidate, Evidence, Submission
from gates.finding import Finding
from gates.waivers import Waiver

_CANDIDATE = TypeAdapter(Candidate)
_EVIDENCE = TypeAdapter(Evidence)
_BASELINE = TypeAdapter(Baseline)
_FINDINGS = TypeAdapter(list[Finding])
_WAIVERS = TypeAdapter(list[Waiver])
_COMPUTED = frozenset({"observed", "candidate", "baseline"})


def decision_digest(
    policy_digest: str,
    submission: Submission,
    findings: Sequence[Finding],
    waivers: Iterable[Waiver],
) -> str:
    """`sha256:` over what people see of a decision; change any of it and a sign-off is void.

    Computed numbers are rounded to 12 significant digits first, which hides the last-bit
    differences between builds of mathematical libraries; evidence is taken as it came.
    """
    used = sorted(waivers, key=lambda waiver: waiver.id)
    baseline = submission.baseline
    return digest(
        {
            "candidate": _plain(_CANDIDATE, submission.candidate),
            "stage": submission.stage,
            "evidence": _name(_EVIDENCE, submission.evidence),
            "baseline": _name(_BASELINE, baseline) if baseline else None,
            "policy": policy_digest,
            "waivers": _plain(_WAIVERS, used),
            "findings": _rounded_name(findings),
        }
    )


def _plain(adapter: TypeAdapter[Any], value: Any) -> Any:
    """JSON values without fields at their defaults, so that a new field keeps old digests."""
    return adapter.dump_python(value, mode="json", exclude_defaults=True)


def _name(adapter: TypeAdapter[Any], value: Any) -> str:
    return _hex(_plain(adapter, value))


def _hex(plain: Any) -> str:
    try:
        return sha256(canonical(plain, is_plain=True)).hexdigest()
    except NotCanonical:
        return sha256(canonical(_spelt(plain))).hexdigest()


def _rounded_name(findings: Sequence[Finding]) -> str:
    plain = _plain(_FINDINGS, list(findings))
    for finding in plain:
        for part in _COMPUTED & finding.keys():
            finding[part] = {
                name: float(f"{item:.12g}") if isinstance(item, float) else item
                for name, item in finding[part].items()
            }
    return _hex(plain)


def _spelt(value: Any) -> Any:
    """A value with its non-finite numbers as words, which JSON has no numbers for."""
    if isinstance(value, float):
        return value if isfinite(value) else repr(value)
    if isinstance(value, dict):
        return {key: _spelt(item) for key, item in value.items()}
    return [_spelt(item) for item in value] if isinstance(value, list) else value
