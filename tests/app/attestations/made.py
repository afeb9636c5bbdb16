"""Attestations as the service makes them, without a service: settlement, key and a small log."""

import base64
import copy
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from app.attestations.attestor import Attestor
from app.attestations.bundle import TrustedLog, bundle, trusted_root
from app.attestations.dsse import Envelope, leaf_signature
from app.attestations.keys import PemAttestationSigner, new_attestation_key_pem
from app.attestations.statements import Approval, Settlement
from app.database import to_text
from app.ledger.keys import PemSigner, new_key_pem
from app.ledger.merkle import Edge, grow, leaf_hash
from app.ledger.note import Checkpoint, VerifierKey, sign_checkpoint
from app.ledger.reading import Inclusion, SignedCheckpoint
from app.ledger.signing_keys import log_key
from app.ledger.tables import evidence_blob

ORIGIN = "clearance.test/log"
ARTIFACT = "5d" * 32
AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
UNTIL = datetime.now(UTC) + timedelta(days=30)


def decision(**changes: Any) -> dict[str, Any]:
    """A Decision as api.md shows it, as far as statements look at it."""
    observed = {"value": 0.95, "n": 2000, "count": 1900, "lower": 0.9406582622199664}
    finding = {
        **dict.fromkeys(("task", "quantile", "waiver", "note", "unit"), None),
        "rule": "accuracy",
        "kind": "threshold",
        "mode": "prove",
        "metric": "accuracy",
        "slice": {},
        "direction": "higher",
        "outcome": "pass",
        "reason": "limit_met",
        "effect": "none",
        "proven": True,
        "advisory": False,
        "observed": observed,
        "limit": {"min": 0.85},
        "message": "Ada Lovelace approved this.",
    }
    return {
        "id": "dec_1",
        "digest": "sha256:" + "d1" * 32,
        "verdict": "pass",
        "candidate": {
            "model": "support-bot",
            "version": "42",
            "digest": f"sha256:{ARTIFACT}",
            "uri": None,
            "components": [],
        },
        "stage": "limited_release",
        "engine": "1.0.0",
        "attempt": 1,
        "policy": {"name": "p", "version": 3, "digest": "sha256:" + "a0" * 32},
        "decided_at": to_text(AT),
        "gates": [{"gate": "quality", "findings": [finding]}],
        "waivers": [],
        "grants": {"traffic_max": 0.05},
        **changes,
    }


def settlement(**changes: Any) -> Settlement:
    """A settlement: by default a pass."""
    given: dict[str, Any] = {
        "decision": decision(),
        "entry": "ent_1",
        "status": "passed",
        "evidence": "sha256:" + "ee" * 32,
        "settled_at": AT,
        "valid_until": UNTIL,
        "approvals": [Approval("sgn_1", "security", "approve", AT, None)],
    }
    return Settlement(**given | changes)


@dataclass(frozen=True)
class Made:
    """Everything that the service would serve about one settlement."""

    signer: PemAttestationSigner
    root: dict[str, Any]
    bundles: dict[str, dict[str, Any]]

    @property
    def pem(self) -> str:
        return pem_of(self.signer)

    def envelope(self, predicate: str = "vsa") -> dict[str, Any]:
        envelope: dict[str, Any] = copy.deepcopy(self.bundles[predicate]["dsseEnvelope"])
        return envelope

    def bundle(self, predicate: str = "vsa") -> dict[str, Any]:
        return copy.deepcopy(self.bundles[predicate])


def pem_of(signer: PemAttestationSigner) -> str:
    body = base64.encodebytes(signer.key.spki).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n"


def new_signer() -> PemAttestationSigner:
    return PemAttestationSigner(new_attestation_key_pem(), "the test's key")


def made(settled: Settlement | None = None, signer: PemAttestationSigner | None = None) -> Made:
    """Sign a settlement and put it into a log between other leaves."""
    signer, log = signer or new_signer(), PemSigner(new_key_pem(), "the test's log")
    attested = Attestor(signer, ORIGIN).attest(settled or settlement())
    payloads = [row for table, rows in attested.rows if table is evidence_blob for row in rows]
    bodies = [entry.body or b"" for entry in attested.entries]
    leaves = [leaf_hash(b"%d" % n) for n in range(5)] + [leaf_hash(body) for body in bodies]
    growth = grow(Edge(), leaves)
    checkpoint = Checkpoint(ORIGIN, growth.after.size, growth.after.root)
    signed = SignedCheckpoint(checkpoint, sign_checkpoint(checkpoint, log))
    key = VerifierKey(ORIGIN, log.public_key)
    bundles = {}
    for index, (name, body, row) in enumerate(zip(attested.refs, bodies, payloads, strict=True), 5):
        payload = row["body"] if row["encoding"] == "identity" else _unpacked(row["body"])
        signature, spki = leaf_signature(body)
        envelope = Envelope(payload, signature, sha256(spki).hexdigest())
        place = Inclusion(index, leaves[index], growth.inclusion(index), signed)
        bundles[name] = dict(bundle(envelope, body, place, key))
    trusted = TrustedLog(ORIGIN, log_key(log.public_key).spki, to_text(AT), None)
    return Made(signer, trusted_root([trusted]), bundles)


def _unpacked(body: bytes) -> bytes:
    import zlib

    return zlib.decompress(body)


def statement(envelope: dict[str, Any]) -> dict[str, Any]:
    """What an envelope says."""
    found: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
    return found


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def with_statement(envelope: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The envelope with another statement under the old signature."""
    altered = statement(envelope) | changes
    return envelope | {"payload": b64(json.dumps(altered).encode())}
