"""Documents by people and by keys: the grade is earned, and an expiry ends a clearance."""

import json
from base64 import b64encode
from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.attestations.dsse import PAYLOAD_TYPE, pae
from app.documents.service import digest_of
from tests.app.http.service import POLICY, Service

SIGNED = POLICY.replace(
    "escalation:",
    "  compliance:\n    - {document: redteam_report, signed_by: security, grade: signed}\n"
    "escalation:",
)
REPORT = sha256(b"the report").hexdigest()


def pem(key):
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def envelope(key, digest=REPORT, kind=PAYLOAD_TYPE):
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "report.pdf", "digest": {"sha256": digest}}],
        "predicateType": "https://example.com/redteam/v1",
        "predicate": {},
    }
    payload = json.dumps(statement).encode()
    signed = pae(kind, payload)
    is_curve = isinstance(key, ec.EllipticCurvePrivateKey)
    sig = key.sign(signed, ec.ECDSA(SHA256())) if is_curve else key.sign(signed)
    return {
        "payloadType": kind,
        "payload": b64encode(payload).decode(),
        "signatures": [{"keyid": "lab", "sig": b64encode(sig).decode()}],
    }


@pytest.fixture
def sam(service: Service):
    service.publish(SIGNED)
    return service.key("sam", "reviewer:security", "reviewer:legal", person=True)


def trust(service, key, role="security", code=201):
    body = {"role": role, "name": "lab", "public_key": pem(key)}
    answer = service.call("POST", "/v1/document-keys", json=body)
    assert answer.status_code == code, answer.text
    return answer.json()


def register(service, token, **changes):
    body = {
        "model": "support-bot",
        "kind": "redteam_report",
        "sha256": REPORT,
        "role": "security",
        **changes,
    }
    return service.call("POST", "/v1/documents", token, json=body)


@pytest.mark.parametrize(
    "key",
    [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())],
    ids=["ed25519", "p256"],
)
def test_a_signature_by_the_roles_key_earns_the_grade_that_a_rule_asks_for(service, sam, key):
    attested = register(service, sam)
    assert (attested.status_code, attested.json()["grade"]) == (201, "attested")
    assert service.submit().json()["verdict"] == "fail"
    known = trust(service, key)
    signed = register(service, sam, envelope=envelope(key))
    assert signed.status_code == 201, signed.text
    assert (signed.json()["grade"], signed.json()["key"]) == ("signed", known["id"])
    assert service.submit(version="43").json()["verdict"] == "pass"
    assert service.call("GET", "/v1/documents").json()["items"][0] == signed.json()


def test_a_signature_that_does_not_hold_registers_nothing(service, sam):
    key, other = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    trust(service, key)
    trust(service, other, role="legal")
    good = envelope(key)
    cut = {**good, "signatures": []}
    swapped = {**good, "payload": envelope(key, "0" * 64)["payload"]}
    for wrong in (
        envelope(other),
        envelope(key, "0" * 64),
        envelope(key, kind="text/plain"),
        cut,
        swapped,
        {"payload": 3},
    ):
        refused = register(service, sam, envelope=wrong)
        assert (refused.status_code, refused.json()["type"]) == (422, "bad-signature"), wrong
    assert service.call("GET", "/v1/documents").json()["items"] == []
    crossed = register(service, sam, role="legal", envelope=good)
    assert crossed.json()["type"] == "bad-signature"


def test_a_revoked_key_signs_nothing_more_and_only_admins_trust_keys(service, sam):
    key = ed25519.Ed25519PrivateKey.generate()
    known = trust(service, key)
    trust(service, key, code=409)
    trust(service, rsa.generate_private_key(65537, 2048), code=422)
    assert service.call("POST", "/v1/document-keys", sam, json={}).status_code == 403
    ended = service.call("POST", f"/v1/document-keys/{known['id']}/revoke")
    assert (ended.status_code, bool(ended.json()["revoked_at"])) == (200, True)
    again = service.call("POST", f"/v1/document-keys/{known['id']}/revoke")
    assert again.json()["type"] == "already-revoked"
    assert register(service, sam, envelope=envelope(key)).json()["type"] == "bad-signature"
    assert service.call("GET", "/v1/document-keys", sam).json()["items"][0]["id"] == known["id"]


def test_an_expired_document_ends_the_clearance_that_rests_on_it(service, sam):
    key = ed25519.Ed25519PrivateKey.generate()
    trust(service, key)
    expires = service.clock() + timedelta(days=3)
    assert register(service, sam, expires_at=expires.isoformat(), envelope=envelope(key)).is_success
    decision = service.submit().json()
    assert decision["verdict"] == "pass"
    asked = "/v1/clearance?model=support-bot&version=42&stage=limited_release"
    assert service.call("GET", asked).json()["cleared"] is True
    service.clock.ahead = timedelta(days=3, minutes=1)
    assert service.call("GET", asked).json()["cleared"] is False
    past = (service.clock() - timedelta(days=1)).isoformat()
    assert register(service, sam, expires_at=past).status_code == 422


def test_an_upload_is_digested_piece_by_piece():
    assert digest_of([b"the ", b"report"]) == REPORT
