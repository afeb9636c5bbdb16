"""Sigstore's shapes: a bundle (v0.3) with its entry in our own log, and the matching trusted root.

Both are in the JSON of Sigstore's protobufs with nothing added, so that strict readers take them.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.attestations.dsse import BUNDLE_TYPE, LEAF_KIND, LEAF_VERSION, Envelope
from app.ledger.note import VerifierKey
from app.ledger.reading import Inclusion
from app.ledger.signing_keys import raw_log_key

TRUSTED_ROOT_TYPE: Final = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """A key that the log's checkpoints verify under, and when it signed them."""

    origin: str
    spki: bytes
    valid_from: str
    valid_until: str | None

    @property
    def key(self) -> VerifierKey:
        """The key as checkpoints name it."""
        return VerifierKey(self.origin, raw_log_key(self.spki))

    def as_json(self) -> dict[str, Any]:
        """The key as a `TransparencyLogInstance`."""
        valid = {"start": self.valid_from}
        if self.valid_until is not None:
            valid["end"] = self.valid_until
        return {
            "baseUrl": f"https://{self.origin}",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": _text(self.spki),
                "keyDetails": "PKIX_ED25519",
                "validFor": valid,
            },
            "logId": {"keyId": _text(self.key.log_id)},
        }


def trusted_root(logs: Sequence[TrustedLog]) -> dict[str, Any]:
    """What a Sigstore client needs to check our log, and nothing that it could trust besides."""
    return {
        "mediaType": TRUSTED_ROOT_TYPE,
        "tlogs": [log.as_json() for log in logs],
        "certificateAuthorities": [],
        "ctlogs": [],
        "timestampAuthorities": [],
    }


def bundle(
    envelope: Envelope, leaf: bytes, place: Inclusion, log: VerifierKey
) -> Mapping[str, Any]:
    """An envelope with the proof that it is in the log."""
    checkpoint = place.signed.checkpoint
    entry = {
        "logIndex": str(place.index),
        "logId": {"keyId": _text(log.log_id)},
        "kindVersion": {"kind": LEAF_KIND, "version": LEAF_VERSION},
        "inclusionProof": {
            "logIndex": str(place.index),
            "rootHash": _text(checkpoint.root),
            "treeSize": str(checkpoint.size),
            "hashes": [_text(node) for node in place.proof],
            "checkpoint": {"envelope": place.signed.note},
        },
        "canonicalizedBody": _text(leaf),
    }
    return {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {
            "publicKey": {"hint": envelope.key_id},
            "tlogEntries": [entry],
        },
        "dsseEnvelope": envelope.as_json(),
    }


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()
