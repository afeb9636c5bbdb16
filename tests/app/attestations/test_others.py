"""Tools that know nothing of Clearance accept what it signs and refuse what was altered."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # it is exported

from app.attestations.dsse import pae
from tests.app.attestations.attacks import ATTACKS, b64_decoded, url_safe, wrong_keyid
from tests.app.attestations.conftest import Judge
from tests.app.attestations.made import Made, made, new_signer, settlement

PREDICATES = ("decision", "vsa", "svr")


def case(
    made: Made, bundle: dict[str, Any] | None = None, keys: Any = None, root: Any = None
) -> Any:
    return {
        "bundle": bundle or made.bundle(),
        "trustedRoot": root or made.root,
        "keys": keys or {made.signer.key.id: made.pem},
    }


def altered(made: Made, envelope: dict[str, Any]) -> dict[str, Any]:
    return made.bundle() | {"dsseEnvelope": envelope}


def test_sigstore_accepts_every_statement_and_its_place_in_the_log(
    sigstore_judge: Judge, passed: Made
):
    failed = made(settlement(status="failed", valid_until=None))
    cases = [case(passed, passed.bundle(name)) for name in PREDICATES]
    cases += [case(failed, failed.bundle(name)) for name in ("decision", "vsa")]
    assert sigstore_judge(cases) == [{"accepted": True}] * 5


def test_sigstore_refuses_what_was_altered(sigstore_judge: Judge, passed: Made):
    cases = {
        name: case(passed, altered(passed, attack(passed.envelope())))
        for name, attack in ATTACKS.items()
    }
    other = new_signer()
    cases["another key under our name"] = case(passed, keys={passed.signer.key.id: made().pem})
    cases["our key under another name"] = case(passed, keys={other.key.id: passed.pem})
    wrong_hint = passed.bundle()
    wrong_hint["verificationMaterial"]["publicKey"]["hint"] = other.key.id
    cases["wrong keyid"] = case(passed, wrong_hint)
    cases["another log's root"] = case(passed, root=made().root)
    foreign = passed.bundle() | {"verificationMaterial": made().bundle()["verificationMaterial"]}
    foreign["verificationMaterial"]["publicKey"]["hint"] = passed.signer.key.id
    cases["another entry"] = case(passed, foreign)
    proof = passed.bundle()
    entry = proof["verificationMaterial"]["tlogEntries"][0]
    entry["inclusionProof"]["hashes"] = entry["inclusionProof"]["hashes"][::-1]
    cases["proof reordered"] = case(passed, proof)
    note = passed.bundle()
    checkpoint = note["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["checkpoint"]
    checkpoint["envelope"] = checkpoint["envelope"].replace("\n8\n", "\n9\n")
    cases["checkpoint altered"] = case(passed, note)
    found = dict(zip(cases, sigstore_judge(list(cases.values())), strict=True))
    assert {name for name, answer in found.items() if answer["accepted"]} == set(), found


def test_sigstore_reads_both_alphabets_of_base64_as_the_same_bytes(
    sigstore_judge: Judge, passed: Made
):
    """So does ours (test_verifying)."""
    [answer] = sigstore_judge([case(passed, altered(passed, url_safe(passed)))])
    assert answer == {"accepted": True}


def key_of(made: Made, keyid: str | None = None) -> SSlibKey:
    parts = {"public": made.pem}
    scheme = "ecdsa-sha2-nistp256"
    return SSlibKey(keyid or made.signer.key.id, "ecdsa", scheme, parts)


@pytest.mark.parametrize("predicate", PREDICATES)
def test_securesystemslib_accepts(passed: Made, predicate: str):
    envelope = Envelope.from_dict(passed.envelope(predicate))
    accepted = envelope.verify([key_of(passed)], 1)
    assert list(accepted) == [passed.signer.key.id]


@pytest.mark.parametrize("attack", ATTACKS)
def test_securesystemslib_refuses(passed: Made, attack: str):
    envelope = Envelope.from_dict(ATTACKS[attack](passed.envelope()))
    with pytest.raises(VerificationError):
        envelope.verify([key_of(passed)], 1)


def test_securesystemslib_refuses_a_wrong_keyid_and_another_key(passed: Made):
    envelope = Envelope.from_dict(wrong_keyid(passed.envelope()))
    with pytest.raises(VerificationError):
        envelope.verify([key_of(passed)], 1)
    with pytest.raises(VerificationError):
        Envelope.from_dict(passed.envelope()).verify([key_of(made(), passed.signer.key.id)], 1)


def openssl(directory: Path, pem: str, envelope: dict[str, Any]) -> bool:
    """`openssl dgst -verify` over the bytes that DSSE signs."""
    signatures = envelope["signatures"]
    signature = b64_decoded(signatures[0]["sig"]) if signatures else b""
    signed = pae(envelope["payloadType"], b64_decoded(envelope["payload"]))
    for name, content in (("key", pem.encode()), ("sig", signature), ("pae", signed)):
        (directory / name).write_bytes(content)
    command = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "sig", "pae"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=directory)
    assert ("Verified OK" in done.stdout) == (done.returncode == 0)
    return done.returncode == 0


@pytest.mark.parametrize("predicate", PREDICATES)
def test_openssl_accepts(tmp_path: Path, passed: Made, predicate: str):
    assert openssl(tmp_path, passed.pem, passed.envelope(predicate))


@pytest.mark.parametrize("attack", ATTACKS)
def test_openssl_refuses(tmp_path: Path, passed: Made, attack: str):
    assert not openssl(tmp_path, passed.pem, ATTACKS[attack](passed.envelope()))


def test_openssl_refuses_another_key(tmp_path: Path, passed: Made):
    assert not openssl(tmp_path, made().pem, passed.envelope())
