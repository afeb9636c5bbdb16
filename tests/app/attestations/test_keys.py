import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)

from app.attestations.keys import (
    ATTESTATION_KEY_NAME,
    PemAttestationSigner,
    attestation_signer,
    introduce,
    new_attestation_key_pem,
)
from app.ledger.keys import new_key_pem
from app.ledger.signing_keys import ATTESTATION, current_id, recorded
from app.ledger.tiles import LogInconsistent
from app.settings import Settings, SettingsError
from tests.app.attestations.made import new_signer

POSTGRES = "postgresql://user:secret@host/db"


def verify(signer):
    public = load_der_public_key(signer.key.spki)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(signer.sign(b"message"), b"message", ec.ECDSA(SHA256()))


def test_on_sqlite_the_key_is_created_once_for_the_owner_alone(tmp_path):
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'sub' / 'clearance.db'}")
    with ThreadPoolExecutor(8) as pool:
        signers = list(pool.map(lambda _: attestation_signer(settings), range(16)))
    assert len({signer.key.id for signer in signers}) == 1
    path = tmp_path / "sub" / ATTESTATION_KEY_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    verify(signers[0])


def test_on_postgresql_a_missing_key_says_how_to_make_one_and_that_command_works(tmp_path):
    with pytest.raises(SettingsError, match="CLEARANCE_ATTESTATION_KEY_FILE") as caught:
        attestation_signer(Settings(database_url=POSTGRES))
    said = str(caught.value)
    assert "secret" not in said
    command = said[said.index("openssl ") : said.index(" and name it")].split()
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    path = tmp_path / "attestation-key.pem"
    verify(attestation_signer(Settings(database_url=POSTGRES, attestation_key_file=path)))


def test_a_key_may_come_as_text_but_not_twice(tmp_path):
    pem = new_attestation_key_pem().decode()
    verify(attestation_signer(Settings(database_url=POSTGRES, attestation_key_pem=pem)))
    with pytest.raises(SettingsError, match="not both"):
        Settings(attestation_key_pem=pem, attestation_key_file=tmp_path / "key.pem")


@pytest.mark.parametrize("text", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(SettingsError, match="not an unencrypted PEM"):
        PemAttestationSigner(text, "this")


def test_a_key_of_another_kind_is_refused():
    other = ec.generate_private_key(ec.SECP384R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for wrong in (pem, new_key_pem()):
        with pytest.raises(SettingsError, match="not an ECDSA P-256 key"):
            PemAttestationSigner(wrong, "this")


def test_the_keyid_is_the_sha256_of_the_public_key(tmp_path):
    signer = new_signer()
    (tmp_path / "key.der").write_bytes(signer.key.spki)
    command = ["openssl", "dgst", "-sha256", "-r", "key.der"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.split()[0] == signer.key.id
    assert "PRIVATE" not in repr(signer)


def test_the_first_key_is_recorded_once_and_another_is_refused(engine, ledger):
    signer, now = new_signer(), datetime.now(UTC)
    introduce(engine, ledger, signer.key, now)
    introduce(engine, ledger, signer.key, now)
    with engine.connect() as connection:
        assert current_id(connection, ATTESTATION) == signer.key.id
        assert len(recorded(connection, ATTESTATION)) == 1
    with pytest.raises(LogInconsistent, match="is not the current one"):
        introduce(engine, ledger, new_signer().key, now)
