"""What a settled decision says about its candidate, as in-toto statements. Values in, JSON out.

No personal data goes in: a statement cannot be called back. People appear by role, and sentences
(which may quote a document or a person) stay out; numbers are decimal strings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote, urlsplit

from app.attestations.predicates import (
    DECISION,
    PREDICATE_TYPES,
    RESULT,
    STATEMENT,
    SUMMARY,
    level,
)
from app.database import to_text

_RESULTS: Final = {"passed": "PASSED", "failed": "FAILED"}
_FINDING: Final = (
    *("rule", "kind", "mode", "metric", "task", "slice", "quantile", "unit", "direction"),
    *("outcome", "reason", "effect", "proven", "advisory", "waiver"),
)


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's answer, without the person."""

    sign_off: str
    role: str
    answer: str
    signed_at: datetime
    until: datetime | None

    def as_json(self) -> dict[str, Any]:
        """The answer as a statement shows it."""
        return {
            "signOff": self.sign_off,
            "role": self.role,
            "answer": self.answer,
            "time": to_text(self.signed_at),
            "until": to_text(self.until) if self.until else None,
        }


@dataclass(frozen=True, slots=True)
class Settlement:
    """A decision at the moment that settles it."""

    decision: Mapping[str, Any]
    """The Decision as first answered (api.md section 2)."""
    entry: str
    """The id of the log entry that settles it."""
    status: str
    evidence: str
    """Digest of the recorded inputs."""
    settled_at: datetime
    valid_until: datetime | None
    approvals: Sequence[Approval] = ()


def statements(settled: Settlement, verifier: str) -> Mapping[str, dict[str, Any]]:
    """Every statement that this settlement gives, by short name; none without a digest to name."""
    digest = settled.decision["candidate"]["digest"]
    if digest is None:
        return {}
    found = {DECISION: _release_decision(settled, verifier)}
    if settled.status in _RESULTS:
        found[SUMMARY] = _summary(settled, verifier)
    if settled.status == "passed":
        found[RESULT] = _result(settled, verifier)
    subject = [{"name": settled.decision["candidate"]["model"], "digest": _digest(digest)}]
    return {
        name: {
            "_type": STATEMENT,
            "subject": subject,
            "predicateType": PREDICATE_TYPES[name],
            "predicate": predicate,
        }
        for name, predicate in found.items()
    }


def _summary(settled: Settlement, verifier: str) -> dict[str, Any]:
    """SLSA: consumers must find their own resource and level in it."""
    shown = settled.decision
    passed = settled.status == "passed"
    return {
        "verifier": {"id": verifier, "version": {"clearance": shown["engine"]}},
        "timeVerified": to_text(settled.settled_at),
        "resourceUri": _resource(shown["candidate"]),
        "policy": _policy(shown, verifier),
        "verificationResult": _RESULTS[settled.status],
        "verifiedLevels": [level(shown["stage"])] if passed else ["FAILED"],
        **_extensions(settled),
    }


def _result(settled: Settlement, verifier: str) -> dict[str, Any]:
    shown = settled.decision
    return {
        "verifier": {"id": verifier, "policies": [_policy(shown, verifier)]},
        "timeCreated": to_text(settled.settled_at),
        "properties": [level(shown["stage"])],
        **_extensions(settled),
    }


def _extensions(settled: Settlement) -> dict[str, Any]:
    """What the common predicates have no field for and a gate must know."""
    return {
        "clearance_decision": settled.decision["id"],
        "clearance_model": settled.decision["candidate"]["model"],
        "clearance_stage": settled.decision["stage"],
        "clearance_validUntil": to_text(settled.valid_until) if settled.valid_until else None,
    }


def _release_decision(settled: Settlement, verifier: str) -> dict[str, Any]:
    shown = settled.decision
    candidate = shown["candidate"]
    return {
        "verifier": {"id": verifier, "version": {"clearance": shown["engine"]}},
        "decision": {"id": shown["id"], "digest": _digest(shown["digest"])},
        "model": candidate["model"],
        "version": candidate["version"],
        "components": candidate["components"],
        "resourceUri": _resource(candidate),
        "stage": shown["stage"],
        "verdict": shown["verdict"],
        "status": settled.status,
        "timeDecided": shown["decided_at"],
        "timeSettled": to_text(settled.settled_at),
        "validUntil": to_text(settled.valid_until) if settled.valid_until else None,
        "attempt": shown["attempt"],
        "policy": _policy(shown, verifier),
        "evidence": {"digest": _digest(settled.evidence)},
        "findings": [
            _finding(gate["gate"], finding)
            for gate in shown["gates"]
            for finding in gate["findings"]
        ],
        "approvals": [approval.as_json() for approval in settled.approvals],
        "waivers": shown["waivers"],
        "grants": _decimals(shown["grants"]) if settled.status == "passed" else {},
    }


def _finding(gate: str, finding: Mapping[str, Any]) -> dict[str, Any]:
    limit = finding["limit"]
    if limit is not None:
        # A policy may name a signer by their own name.
        limit = {key: _decimals(value) for key, value in limit.items() if key != "signed_by"}
    return {
        "gate": gate,
        **{name: _decimals(finding[name]) for name in _FINDING},
        "observed": _decimals(finding["observed"]),
        "limit": limit,
    }


def _policy(shown: Mapping[str, Any], verifier: str) -> dict[str, Any]:
    policy = shown["policy"]
    name = quote(policy["name"], safe="")
    return {
        "name": policy["name"],
        "uri": f"{verifier}/policies/{name}/versions/{policy['version']}",
        "digest": _digest(policy["digest"]),
    }


def _resource(candidate: Mapping[str, Any]) -> str:
    """The candidate's own URI, unless it could carry credentials; else a package URL."""
    uri = candidate["uri"]
    if uri is not None and _is_plain_uri(uri):
        return str(uri)
    name, version = (quote(str(candidate[part]), safe="") for part in ("model", "version"))
    return f"pkg:generic/{name}@{version}"


def _is_plain_uri(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme) and "@" not in parts.netloc and not parts.query


def _digest(text: str) -> dict[str, str]:
    algorithm, _, value = text.partition(":")
    return {algorithm: value}


def _decimals(value: Any) -> Any:
    """Fractions as decimal strings: not every reader's numbers are ours. Counts stay integers."""
    match value:
        case float():
            text = repr(value)
            return text if "e" not in text else format(Decimal(text), "f")
        case dict():
            return {key: _decimals(item) for key, item in value.items()}
        case list() | tuple():
            return [_decimals(item) for item in value]
        case _:
            return value
