"""DSSE envelopes and the `hashedrekord` leaf that puts one into the log: bytes in, bytes out.

Parsing accepts one signature with its keyid, and base64 in either of DSSE's two alphabets, each in
its only spelling. It checks no signature.
"""

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
BUNDLE_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
LEAF_KIND: Final = "hashedrekord"
LEAF_VERSION: Final = "0.0.2"
KEY_DETAILS: Final = "PKIX_ECDSA_P256_SHA_256"
MAX_ENVELOPE: Final = 16 * 1024 * 1024


class EnvelopeError(ValueError):
    """What should be an attestation is none; the message names the place."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with its one signature."""

    payload: bytes
    signature: bytes
    key_id: str
    payload_type: str = PAYLOAD_TYPE

    @property
    def signed(self) -> bytes:
        """The bytes under the signature."""
        return pae(self.payload_type, self.payload)

    def as_json(self) -> dict[str, Any]:
        """The envelope as DSSE's JSON."""
        return {
            "payload": _text(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"keyid": self.key_id, "sig": _text(self.signature)}],
        }


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: what is signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def leaf_body(envelope: Envelope, spki: bytes) -> bytes:
    """The leaf that stands for an envelope in the log: SHA-256 of what is signed, signature, key.

    The shape is Rekor v2's, with nothing added, because some verifiers refuse unknown fields.
    The text equals its RFC 8785 form, so that there is one way to write it.
    """
    digest = _text(sha256(envelope.signed).digest())
    return (
        f'{{"apiVersion":"{LEAF_VERSION}","kind":"{LEAF_KIND}","spec":{{"hashedRekordV002":'
        f'{{"data":{{"algorithm":"SHA2_256","digest":"{digest}"}},'
        f'"signature":{{"content":"{_text(envelope.signature)}",'
        f'"verifier":{{"keyDetails":"{KEY_DETAILS}",'
        f'"publicKey":{{"rawBytes":"{_text(spki)}"}}}}}}}}}}}}'
    ).encode()


def leaf_signature(body: bytes) -> tuple[bytes, bytes]:
    """Signature and public key in a leaf of ours."""
    try:
        found = json.loads(body)["spec"]["hashedRekordV002"]["signature"]
        key = found["verifier"]["publicKey"]["rawBytes"]
        return decoded(found["content"], "signature"), decoded(key, "public key")
    except (ValueError, KeyError, TypeError) as error:
        raise EnvelopeError("the log entry is no hashedrekord of ours") from error


def read_envelope(value: object) -> Envelope:
    """An envelope from its JSON."""
    if not isinstance(value, Mapping):
        raise EnvelopeError("an envelope is a JSON object")
    kind, signatures = value.get("payloadType"), value.get("signatures")
    if kind != PAYLOAD_TYPE:
        raise EnvelopeError(f"payloadType is {kind!r}, not {PAYLOAD_TYPE}")
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise EnvelopeError("signatures must hold exactly one signature")
    signature = signatures[0]
    if not isinstance(signature, Mapping):
        raise EnvelopeError("signatures/0 is no JSON object")
    key_id = signature.get("keyid")
    if not isinstance(key_id, str) or not key_id:
        raise EnvelopeError("signatures/0/keyid is missing")
    sig = _either(signature.get("sig"), "signatures/0/sig")
    if not sig:
        raise EnvelopeError("signatures/0/sig is empty")
    return Envelope(_either(value.get("payload"), "payload"), sig, key_id)


def _either(text: object, place: str) -> bytes:
    """Base64 in the standard or in the URL's alphabet: DSSE lets signers choose. Never both."""
    if isinstance(text, str) and set(text) & {"-", "_"} and not set(text) & {"+", "/"}:
        text = text.replace("-", "+").replace("_", "/")
    return decoded(text, place)


def decoded(text: object, place: str) -> bytes:
    """Base64 in its only canonical spelling: two spellings of one envelope would be two files."""
    if not isinstance(text, str):
        raise EnvelopeError(f"{place} is missing")
    try:
        raw = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise EnvelopeError(f"{place} is not standard base64") from None
    if _text(raw) != text:
        raise EnvelopeError(f"{place} is not base64 in its canonical form")
    return raw


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()
