"""Ways to alter an envelope. None may be accepted by anybody, but for the spelling of base64."""

from collections.abc import Callable
from typing import Any

from tests.app.attestations.made import Made, b64, new_signer, statement, with_statement

Envelope = dict[str, Any]
OTHER = [{"name": "support-bot", "digest": {"sha256": "6e" * 32}}]


def _sig(envelope: Envelope, **changes: Any) -> Envelope:
    return envelope | {"signatures": [envelope["signatures"][0] | changes]}


def _other_signer(envelope: Envelope) -> Envelope:
    """Another key signs, and pretends to be ours."""
    from app.attestations.dsse import pae

    payload = b64_decoded(envelope["payload"])
    return _sig(envelope, sig=b64(new_signer().sign(pae(envelope["payloadType"], payload))))


def b64_decoded(text: str) -> bytes:
    import base64

    return base64.b64decode(text)


def _flipped(envelope: Envelope) -> Envelope:
    raw = bytearray(b64_decoded(envelope["signatures"][0]["sig"]))
    raw[-1] ^= 1
    return _sig(envelope, sig=b64(bytes(raw)))


ATTACKS: dict[str, Callable[[Envelope], Envelope]] = {
    "payload altered": lambda e: with_statement(e, predicate={"verificationResult": "PASSED"}),
    "subject swapped": lambda e: with_statement(e, subject=OTHER),
    "type swapped": lambda e: with_statement(e, predicateType="https://slsa.dev/provenance/v1"),
    "payload type swapped": lambda e: e | {"payloadType": "application/json"},
    "signature stripped": lambda e: e | {"signatures": []},
    "signature emptied": lambda e: _sig(e, sig=""),
    "signature altered": _flipped,
    "wrong key": _other_signer,
}
WRONG_KEY_ID = "0" * 64


def wrong_keyid(envelope: Envelope) -> Envelope:
    return _sig(envelope, keyid=WRONG_KEY_ID)


def url_safe(made: Made) -> Envelope:
    """The same bytes in the URL's alphabet; only where that is another text."""
    envelope = made.envelope()
    signature = envelope["signatures"][0]["sig"]
    changed = signature.replace("+", "-").replace("/", "_")
    assert changed != signature, "this signature has neither + nor /; make another"
    assert statement(envelope)
    return _sig(envelope, sig=changed)
