"""Our own verifier: what it accepts, and that each alteration is refused with its place named."""

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.attestations.dsse import EnvelopeError, pae
from app.attestations.keys import PemAttestationSigner
from app.attestations.trust import Trust, TrustedKey, TrustError, keys_of, logs_of, p256
from app.attestations.verifying import Verified, verified
from tests.app.attestations.attacks import ATTACKS, url_safe, wrong_keyid
from tests.app.attestations.made import (
    ARTIFACT,
    AT,
    Made,
    b64,
    made,
    new_signer,
    settlement,
    statement,
)


def trust(made: Made, *, keys: bool = True, logs: bool = False) -> Trust:
    known = TrustedKey(p256(made.pem.encode(), "key"))
    roots = logs_of(json.dumps(made.root).encode(), "root") if logs else []
    return Trust({known.id: known} if keys else {}, roots)


def check(value: object, trusted: Trust, artifact: str = ARTIFACT) -> list[Verified]:
    return verified(json.dumps(value).encode(), artifact, trusted)


def resigned(
    signer: PemAttestationSigner, envelope: dict[str, Any], payload: bytes
) -> dict[str, Any]:
    signature = b64(signer.sign(pae(envelope["payloadType"], payload)))
    signed = [{"keyid": signer.key.id, "sig": signature}]
    return envelope | {"payload": b64(payload), "signatures": signed}


@pytest.mark.parametrize("predicate", ["decision", "vsa", "svr"])
def test_each_statement_is_accepted_in_each_form(passed: Made, predicate: str):
    for value, trusted in (
        (passed.envelope(predicate), trust(passed)),
        (passed.bundle(predicate), trust(passed)),
        (passed.bundle(predicate), trust(passed, logs=True)),
        (passed.bundle(predicate), trust(passed, keys=False, logs=True)),
    ):
        [found] = check(value, trusted)
        assert found.predicate == predicate
        assert found.has_passed
        assert found.made_at == AT
        assert found.valid_until > datetime.now(UTC)
        assert found.is_for("limited_release")
        assert not found.is_for("broad_rollout")
        assert (found.log is not None) == bool(trusted.logs)


def test_all_lines_of_a_file_must_hold(passed: Made):
    lines = [json.dumps(passed.envelope(name)) for name in ("decision", "vsa", "svr")]
    found = verified("\n".join(lines).encode() + b"\n", ARTIFACT, trust(passed))
    assert [item.predicate for item in found] == ["decision", "vsa", "svr"]
    lines[1] = json.dumps(ATTACKS["payload altered"](passed.envelope()))
    with pytest.raises(EnvelopeError, match="line 2: the signature"):
        verified("\n".join(lines).encode(), ARTIFACT, trust(passed))


def test_a_failed_or_revoked_decision_has_not_passed():
    for status, names in (("failed", ["decision", "vsa"]), ("revoked", ["decision"])):
        found = made(settlement(status=status, valid_until=None))
        assert list(found.bundles) == names
        for name in names:
            [item] = check(found.bundle(name), trust(found, logs=True))
            assert not item.has_passed


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        ("payload altered", "signature does not match"),
        ("subject swapped", "signature does not match"),
        ("type swapped", "signature does not match"),
        ("payload type swapped", "payloadType"),
        ("signature stripped", "signatures must hold exactly one"),
        ("signature emptied", "sig is empty"),
        ("signature altered", "signature does not match"),
        ("wrong key", "signature does not match"),
    ],
)
def test_each_alteration_is_refused(passed: Made, attack: str, says: str):
    envelope = ATTACKS[attack](passed.envelope())
    with pytest.raises(EnvelopeError, match=says):
        check(envelope, trust(passed))
    with pytest.raises(EnvelopeError, match=says):
        check(passed.bundle() | {"dsseEnvelope": envelope}, trust(passed, logs=True))
    with pytest.raises(EnvelopeError):
        check(passed.bundle() | {"dsseEnvelope": envelope}, trust(passed, keys=False, logs=True))


def test_every_attack_is_in_the_table_above():
    marks = test_each_alteration_is_refused.pytestmark
    assert {name for name, _ in marks[0].args[1]} == set(ATTACKS)


def test_an_envelope_in_the_urls_alphabet_is_the_same_envelope(passed: Made):
    """DSSE lets signers choose between the two; a mixture, or lost padding, is neither."""
    [found] = check(url_safe(passed), trust(passed))
    assert found.has_passed
    envelope = url_safe(passed)
    signature = envelope["signatures"][0]["sig"]
    for sig in (f"+/{signature[2:]}", signature.rstrip("=") + "-", f"{signature}\n", "-_" * 50):
        changed = envelope | {"signatures": [envelope["signatures"][0] | {"sig": sig}]}
        with pytest.raises(EnvelopeError, match="signature"):
            check(changed, trust(passed))


def test_wrong_keyid_and_wrong_subject_are_refused(passed: Made):
    with pytest.raises(EnvelopeError, match="none of the trusted keys"):
        check(wrong_keyid(passed.envelope()), trust(passed))
    with pytest.raises(EnvelopeError, match="hint is not the signature's keyid"):
        check(passed.bundle() | {"dsseEnvelope": wrong_keyid(passed.envelope())}, trust(passed))
    with pytest.raises(EnvelopeError, match="subject: it is about"):
        check(passed.envelope(), trust(passed), "6e" * 32)
    with pytest.raises(EnvelopeError, match="none of the trusted keys"):
        check(passed.envelope(), trust(made()))
    with pytest.raises(EnvelopeError, match="no key is trusted"):
        check(passed.envelope(), Trust())


def test_a_foreign_statement_under_our_key_is_refused(passed: Made):
    """What the key signed for another purpose must not pass for a decision."""
    envelope = passed.envelope()
    for changes, says in (
        ({"_type": "https://in-toto.io/Statement/v0.1"}, "_type"),
        ({"predicateType": "https://slsa.dev/provenance/v1"}, "predicateType"),
        ({"predicate": None}, "predicate is no JSON object"),
        ({"subject": []}, "subject"),
        ({"subject": "x"}, "subject"),
    ):
        payload = json.dumps(statement(envelope) | changes).encode()
        with pytest.raises(EnvelopeError, match=says):
            check(resigned(passed.signer, envelope, payload), trust(passed))
    twice = b'{"_type":"a","_type":"b"}'
    with pytest.raises(EnvelopeError, match="twice"):
        check(resigned(passed.signer, envelope, twice), trust(passed))


def test_a_key_of_their_own_does_not_get_into_our_log(passed: Made):
    """Without --key the log vouches for the key: then the entry must be this envelope's."""
    attacker = new_signer()
    payload = json.dumps(statement(passed.envelope())).encode()
    forged = passed.bundle() | {"dsseEnvelope": resigned(attacker, passed.envelope(), payload)}
    forged["verificationMaterial"] = copy.deepcopy(forged["verificationMaterial"])
    forged["verificationMaterial"]["publicKey"]["hint"] = attacker.key.id
    with pytest.raises(EnvelopeError, match="keyid is not that of the key in the log entry"):
        check(forged, trust(passed, keys=False, logs=True))
    elsewhere = made(signer=attacker)
    with pytest.raises(EnvelopeError, match="none of the trusted logs"):
        check(elsewhere.bundle(), trust(passed, keys=False, logs=True))


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("logIndex",), "7", "logIndex differs"),
        (("logId", "keyId"), b64(b"x" * 32), "logId"),
        (("kindVersion", "version"), "0.0.1", "tlogEntries"),
        (("canonicalizedBody",), b64(b"{}"), "not that of this envelope"),
        (("inclusionProof", "logIndex"), "5", "logIndex differs"),
        (("inclusionProof", "logIndex"), "99", "logIndex differs|no leaf"),
        (("inclusionProof", "treeSize"), "9", "not about its checkpoint"),
        (("inclusionProof", "rootHash"), b64(b"r" * 32), "not about its checkpoint"),
        (("inclusionProof", "hashes"), [], "inclusionProof"),
        (("inclusionProof", "hashes"), [b64(b"short")], "inclusionProof"),
        (("inclusionProof", "hashes"), ["-_-_"], "not standard base64"),
        (("inclusionProof", "checkpoint", "envelope"), "", "checkpoint"),
        (("inclusionProof",), None, "incomplete"),
    ],
)
def test_a_damaged_log_entry_is_refused(passed: Made, path, value, says):
    bundle = passed.bundle()
    place = bundle["verificationMaterial"]["tlogEntries"][0]
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(EnvelopeError, match=says):
        check(bundle, trust(passed, logs=True))


def test_a_checkpoint_of_a_larger_index_is_no_proof(passed: Made):
    bundle = passed.bundle()
    entry = bundle["verificationMaterial"]["tlogEntries"][0]
    entry["logIndex"] = entry["inclusionProof"]["logIndex"] = "8"
    with pytest.raises(EnvelopeError, match="no leaf 8 in a tree of 8"):
        check(bundle, trust(passed, logs=True))


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff", b"{", b"{}", b"[" * 90_000])
def test_what_is_no_attestation_is_refused(passed: Made, content: bytes):
    with pytest.raises(EnvelopeError):
        verified(content, ARTIFACT, trust(passed))


def test_a_bundle_of_another_shape_is_refused(passed: Made):
    for changes in (
        {"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1"},
        {"verificationMaterial": None},
        {"verificationMaterial": {"publicKey": {"hint": "x"}, "tlogEntries": []}},
    ):
        with pytest.raises(EnvelopeError, match=r"mediaType|verificationMaterial"):
            check(passed.bundle() | changes, trust(passed))


def test_a_key_counts_only_while_it_signed(passed: Made):
    listed = {
        "keyid": passed.signer.key.id,
        "public_key": passed.pem,
        "valid_from": (AT - timedelta(days=9)).isoformat(),
        "valid_until": AT.isoformat(),
    }

    def given(**changes) -> Trust:
        content = json.dumps({"items": [listed | changes]}).encode()
        return Trust({key.id: key for key in keys_of(content, "keys")})

    assert check(passed.envelope(), given())
    assert check(passed.envelope(), given(valid_until=None))
    for changes in (
        {"valid_until": (AT - timedelta(seconds=1)).isoformat()},
        {"valid_from": (AT + timedelta(seconds=1)).isoformat(), "valid_until": None},
    ):
        with pytest.raises(EnvelopeError, match="did not sign at the time"):
            check(passed.envelope(), given(**changes))
    with pytest.raises(TrustError, match="not that of its key"):
        given(keyid="0" * 64)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"items": []}', b'{"items": [1]}', b"{", b"--"])
def test_what_is_no_key_is_not_trusted(content: bytes):
    with pytest.raises(TrustError):
        keys_of(content, "file")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"tlogs": []}', b'{"tlogs": [{}]}'])
def test_what_is_no_trusted_root_is_not_trusted(content: bytes):
    with pytest.raises(TrustError):
        logs_of(content, "file")


def test_a_trusted_root_with_another_id_for_its_key_is_not_trusted(passed: Made):
    root = copy.deepcopy(passed.root)
    root["tlogs"][0]["logId"]["keyId"] = b64(b"x" * 32)
    with pytest.raises(TrustError, match="not that of its key"):
        logs_of(json.dumps(root).encode(), "root")
