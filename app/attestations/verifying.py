"""Checks an attestation offline: signature, key, kind, subject, and its place in the log.

It refuses whatever it does not understand and says where; what it accepts still may say "failed".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from app.attestations.dsse import (
    BUNDLE_TYPE,
    LEAF_KIND,
    LEAF_VERSION,
    MAX_ENVELOPE,
    Envelope,
    EnvelopeError,
    decoded,
    leaf_body,
    leaf_signature,
    read_envelope,
)
from app.attestations.predicates import (
    DECISION,
    PREDICATE_TYPES,
    RESULT,
    STATEMENT,
    SUMMARY,
    level,
)
from app.attestations.trust import Trust, TrustedKey, TrustError, p256
from app.ledger.merkle import ProofError, leaf_hash, verify_inclusion
from app.ledger.note import NoteError, VerifierKey, open_checkpoint

_NAMES: Final = {kind: name for name, kind in PREDICATE_TYPES.items()}


@dataclass(frozen=True, slots=True)
class Verified:
    """A statement that its signer made about the artifact."""

    predicate: str
    key_id: str
    claim: Mapping[str, Any]
    log: str | None
    """The log that holds it; None where that was not checked."""
    index: int | None

    @property
    def has_passed(self) -> bool:
        """Whether it says that the artifact passed, valid or not."""
        if self.predicate == SUMMARY:
            return self.claim.get("verificationResult") == "PASSED"
        if self.predicate == RESULT:
            return bool(self._levels)
        return self.claim.get("status") == "passed"

    @property
    def made_at(self) -> datetime:
        """When the decision was settled, as the signer says."""
        names = {DECISION: "timeSettled", SUMMARY: "timeVerified", RESULT: "timeCreated"}
        return _time(self.claim, names[self.predicate])

    @property
    def valid_until(self) -> datetime:
        """When a pass ends."""
        return _time(self.claim, _own(self.predicate, "validUntil"))

    def is_for(self, stage: str) -> bool:
        """Whether it speaks of this stage."""
        if self.claim.get(_own(self.predicate, "stage")) != stage:
            return False
        return self.predicate == DECISION or level(stage) in self._levels

    @property
    def _levels(self) -> list[Any]:
        """What the common predicates say was verified."""
        names = {SUMMARY: "verifiedLevels", RESULT: "properties"}
        found = self.claim.get(names[self.predicate])
        return found if isinstance(found, list) else []


def verified(content: bytes, artifact: str, trust: Trust) -> list[Verified]:
    """Every statement in a file: DSSE, in-toto JSON lines or a Sigstore bundle.

    Raises EnvelopeError, with the place, unless each is signed by a trusted key, is of a known kind
    and is about the artifact (a SHA-256 in hex).
    """
    found = []
    for where, value in _parts(content):
        try:
            found.append(_verified(value, artifact, trust))
        except EnvelopeError as error:
            raise EnvelopeError(f"{where}{error}") from error
    return found


def _parts(content: bytes) -> list[tuple[str, Any]]:
    if len(content) > MAX_ENVELOPE:
        raise EnvelopeError(f"the file is larger than {MAX_ENVELOPE} bytes")
    try:
        return [("", _json(content))]
    except EnvelopeError:
        lines = [line for line in content.split(b"\n") if line.strip()]
        if len(lines) < 2:
            raise
    return [(f"line {number}: ", _json(line)) for number, line in enumerate(lines, 1)]


def _verified(value: Any, artifact: str, trust: Trust) -> Verified:
    is_bundle = isinstance(value, Mapping) and "dsseEnvelope" in value
    envelope = read_envelope(value["dsseEnvelope"] if is_bundle else value)
    entry = _entry(value, envelope) if is_bundle else None
    if trust.logs and entry is None:
        raise EnvelopeError("there is no proof of the log in it; use the Sigstore bundle")
    key = _key(envelope, entry, trust)
    try:
        key.public.verify(envelope.signature, envelope.signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise EnvelopeError("the signature does not match the payload") from None
    log = _in_log(entry, envelope, key, trust) if trust.logs and entry is not None else None
    name, claim = _claim(envelope.payload, artifact)
    index = int(entry["logIndex"]) if entry is not None and log is not None else None
    found = Verified(name, key.id, claim, log.name if log else None, index)
    if not key.valid_from <= found.made_at <= key.valid_until:
        raise EnvelopeError("the key did not sign at the time that the statement names")
    return found


def _key(envelope: Envelope, entry: Mapping[str, Any] | None, trust: Trust) -> TrustedKey:
    """The key that the keyid names: one that was given, else the one that the log vouches for."""
    if trust.keys:
        key = trust.keys.get(envelope.key_id)
        if key is None:
            raise EnvelopeError(f"keyid {envelope.key_id} is none of the trusted keys")
        return key
    if entry is None:
        raise EnvelopeError("no key is trusted")
    _, spki = leaf_signature(decoded(entry.get("canonicalizedBody"), "canonicalizedBody"))
    try:
        key = TrustedKey(p256(spki, "the key in the log entry", is_der=True))
    except TrustError as error:
        raise EnvelopeError(str(error)) from error
    if key.id != envelope.key_id:
        raise EnvelopeError("keyid is not that of the key in the log entry")
    return key


def _entry(value: Mapping[str, Any], envelope: Envelope) -> Mapping[str, Any]:
    """The one log entry of a bundle."""
    if value.get("mediaType") != BUNDLE_TYPE:
        raise EnvelopeError(f"mediaType is {value.get('mediaType')!r}, not {BUNDLE_TYPE}")
    try:
        material = value["verificationMaterial"]
        hint, entries = material["publicKey"]["hint"], material["tlogEntries"]
        entry = entries[0]
        kind = entry["kindVersion"]
        is_ours = (kind["kind"], kind["version"]) == (LEAF_KIND, LEAF_VERSION)
    except (KeyError, TypeError, IndexError) as error:
        raise EnvelopeError(f"verificationMaterial is incomplete: {error}") from error
    if hint != envelope.key_id:
        raise EnvelopeError("publicKey.hint is not the signature's keyid")
    if len(entries) != 1 or not is_ours or not isinstance(entry, Mapping):
        raise EnvelopeError(f"tlogEntries must hold one {LEAF_KIND} {LEAF_VERSION}")
    return entry


def _in_log(
    entry: Mapping[str, Any], envelope: Envelope, key: TrustedKey, trust: Trust
) -> VerifierKey:
    """The trusted log whose signed checkpoint covers exactly this envelope."""
    body = decoded(entry.get("canonicalizedBody"), "canonicalizedBody")
    if body != leaf_body(envelope, key.spki):
        raise EnvelopeError("the log entry is not that of this envelope")
    try:
        proof = entry["inclusionProof"]
        index, size = _count(proof["logIndex"]), _count(proof["treeSize"])
        named = decoded(entry["logId"]["keyId"], "logId")
        log = next((log for log in trust.logs if log.log_id == named), None)
        if log is None:
            raise EnvelopeError("logId is none of the trusted logs")
        signed = open_checkpoint(proof["checkpoint"]["envelope"], [log])
        nodes = [decoded(node, "inclusionProof/hashes") for node in proof["hashes"]]
        root = decoded(proof["rootHash"], "rootHash")
    except NoteError as error:
        raise EnvelopeError(f"inclusionProof/checkpoint: {error}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise EnvelopeError(f"inclusionProof is incomplete: {error}") from error
    if (log.name, size, root) != (signed.origin, signed.size, signed.root):
        raise EnvelopeError("inclusionProof is not about its checkpoint")
    if _count(entry.get("logIndex")) != index:
        raise EnvelopeError("logIndex differs from the proof's")
    try:
        verify_inclusion(index, size, leaf_hash(body), nodes, root)
    except ProofError as error:
        raise EnvelopeError(f"inclusionProof: {error}") from error
    return log


def _claim(payload: bytes, artifact: str) -> tuple[str, Mapping[str, Any]]:
    """The statement's kind and predicate, once it is about the artifact."""
    statement = _json(payload)
    if not isinstance(statement, Mapping) or statement.get("_type") != STATEMENT:
        raise EnvelopeError(f"_type is not {STATEMENT}")
    kind, claim = statement.get("predicateType"), statement.get("predicate")
    if kind not in _NAMES:
        raise EnvelopeError(f"predicateType {kind!r} is not one of ours")
    if not isinstance(claim, Mapping):
        raise EnvelopeError("predicate is no JSON object")
    subjects = statement.get("subject")
    digests = [
        item["digest"].get("sha256")
        for item in (subjects if isinstance(subjects, list) else [])
        if isinstance(item, Mapping) and isinstance(item.get("digest"), Mapping)
    ]
    if artifact not in digests:
        raise EnvelopeError(f"subject: it is about {digests}, not about sha256:{artifact}")
    return _NAMES[kind], claim


def _own(predicate: str, name: str) -> str:
    """A field of ours, which in others' predicates is an extension."""
    return name if predicate == DECISION else f"clearance_{name}"


def _time(claim: Mapping[str, Any], name: str) -> datetime:
    try:
        time = datetime.fromisoformat(claim[name])
    except (KeyError, TypeError, ValueError) as error:
        raise EnvelopeError(f"predicate/{name} is not a time") from error
    if time.tzinfo is None:
        raise EnvelopeError(f"predicate/{name} has no zone")
    return time


def _count(text: object) -> int:
    """A 64-bit number in the JSON of protobufs, which is a string."""
    if not (isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 20):
        raise EnvelopeError("logIndex and treeSize are decimal strings")
    return int(text)


def _json(content: bytes) -> Any:
    """JSON without duplicate keys: two readers must not see two values."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(found)
        if len(value) != len(found):
            raise EnvelopeError("a key stands twice in one object")
        return value

    try:
        return json.loads(content, object_pairs_hook=pairs)
    except EnvelopeError:
        raise
    except (ValueError, RecursionError) as error:
        raise EnvelopeError("this is not JSON") from error
