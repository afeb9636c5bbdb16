"""What a verifier trusts: attestation keys and logs, read from files that it was given.

Nothing is fetched. A file that is not understood is refused, so that trust is never guessed.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from app.attestations.dsse import EnvelopeError, decoded
from app.ledger.note import NoteError, VerifierKey

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)


class TrustError(ValueError):
    """A file of trusted keys is not understood."""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """An attestation key, and between which times it signed."""

    public: ec.EllipticCurvePublicKey
    valid_from: datetime = _BEGINNING
    valid_until: datetime = _END

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def id(self) -> str:
        """SHA-256 of the SubjectPublicKeyInfo in hex."""
        return sha256(self.spki).hexdigest()


@dataclass(frozen=True, slots=True)
class Trust:
    """Keys and logs. Without keys, an entry in a trusted log vouches for the key in it."""

    keys: Mapping[str, TrustedKey] = field(default_factory=dict)
    logs: Sequence[VerifierKey] = ()


def keys_of(content: bytes, name: str) -> list[TrustedKey]:
    """Attestation keys from PEM, `GET /v1/attestations/keys`, or an archive's `keys.json`."""
    if content.lstrip().startswith(b"{"):
        given = _object(content, name)
        items = given.get("items", given.get("attestation"))
        if not isinstance(items, list) or not items:
            raise TrustError(f"{name} lists no keys")
        return [_listed(item, name) for item in items]
    return [TrustedKey(p256(content, name))]


def logs_of(content: bytes, name: str) -> list[VerifierKey]:
    """The logs of a Sigstore trusted root; only Ed25519 checkpoints are known here."""
    tlogs = _object(content, name).get("tlogs")
    if not isinstance(tlogs, list) or not tlogs:
        raise TrustError(f"{name} names no transparency log")
    found = []
    for item in tlogs:
        try:
            origin = str(item["baseUrl"]).removeprefix("https://")
            key = load_der_public_key(decoded(item["publicKey"]["rawBytes"], "rawBytes"))
            if not isinstance(key, Ed25519PublicKey):
                raise TrustError(f"{name}: the key of {origin} is not Ed25519")
            log = VerifierKey(origin, key.public_bytes(Encoding.Raw, PublicFormat.Raw))
            if item["logId"]["keyId"] != b64encode(log.log_id).decode():
                raise TrustError(f"{name}: the id of {origin} is not that of its key")
        except (KeyError, TypeError, EnvelopeError, NoteError, ValueError) as error:
            if isinstance(error, TrustError):
                raise
            raise TrustError(f"{name} is not a trusted root: {error}") from error
        found.append(log)
    return found


def p256(content: bytes, name: str, *, is_der: bool = False) -> ec.EllipticCurvePublicKey:
    """An ECDSA P-256 public key."""
    try:
        key = load_der_public_key(content) if is_der else load_pem_public_key(content)
    except ValueError as error:
        raise TrustError(f"{name} is not a public key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise TrustError(f"{name} is not an ECDSA P-256 public key")
    return key


def _listed(item: Any, name: str) -> TrustedKey:
    try:
        until = item["valid_until"]
        key = TrustedKey(
            p256(item["public_key"].encode(), name),
            datetime.fromisoformat(item["valid_from"]),
            datetime.fromisoformat(until) if until is not None else _END,
        )
        if key.id != item["keyid"]:
            raise TrustError(f"{name}: the keyid {item['keyid']} is not that of its key")
    except (KeyError, TypeError, AttributeError) as error:
        raise TrustError(f"{name} is not a list of attestation keys: {error}") from error
    return key


def _object(content: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except ValueError as error:
        raise TrustError(f"{name} is not JSON") from error
    if not isinstance(value, dict):
        raise TrustError(f"{name} is not a JSON object")
    return value
