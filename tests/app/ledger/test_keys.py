import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.ledger.keys import LOG_KEY_NAME, PemSigner, log_signer, new_key_pem
from app.settings import Settings, SettingsError

POSTGRES = "postgresql://user:secret@host/db"


def test_on_sqlite_the_key_is_created_once_for_the_owner_alone(tmp_path):
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'sub' / 'clearance.db'}")
    first = log_signer(settings)
    path = tmp_path / "sub" / LOG_KEY_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert log_signer(settings).public_key == first.public_key
    assert list(path.parent.iterdir()) == [path]


def test_a_race_to_create_it_ends_with_one_key(tmp_path):
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'clearance.db'}")
    with ThreadPoolExecutor(8) as pool:
        signers = list(pool.map(lambda _: log_signer(settings), range(24)))
    assert len({signer.public_key for signer in signers}) == 1
    assert [file.name for file in tmp_path.iterdir()] == [LOG_KEY_NAME]


def test_on_postgresql_a_missing_key_says_how_to_make_one():
    with pytest.raises(SettingsError, match="openssl genpkey -algorithm ed25519") as caught:
        log_signer(Settings(database_url=POSTGRES))
    assert "CLEARANCE_LOG_KEY_FILE" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_the_command_that_the_message_names_makes_a_key(tmp_path):
    path = tmp_path / "log-key.pem"
    command = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    settings = Settings(database_url=POSTGRES, log_key_file=path)
    verify(log_signer(settings))


def test_a_key_may_come_as_text():
    verify(log_signer(Settings(database_url=POSTGRES, log_key_pem=new_key_pem().decode())))


def verify(signer):
    public = ed25519.Ed25519PublicKey.from_public_bytes(signer.public_key)
    public.verify(signer.sign(b"message"), b"message")


@pytest.mark.parametrize("text", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_key_is_refused(tmp_path, text):
    path = tmp_path / "key.pem"
    path.write_bytes(text)
    with pytest.raises(SettingsError, match="not an unencrypted PEM"):
        log_signer(Settings(log_key_file=path))


def test_a_key_of_another_kind_is_refused():
    other = ec.generate_private_key(ec.SECP256R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(SettingsError, match="Ed25519"):
        PemSigner(pem, "this")


def test_a_key_file_that_is_not_there_is_not_invented(tmp_path):
    path = tmp_path / "absent.pem"
    with pytest.raises(SettingsError, match="cannot be read"):
        log_signer(Settings(log_key_file=path))
    assert not path.exists()


def test_a_place_where_no_key_can_be_created_is_named(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(SettingsError, match="CLEARANCE_DATA_DIR"):
        log_signer(Settings(data_dir=blocked / "sub"))


def test_a_signer_does_not_show_its_key():
    signer = PemSigner(new_key_pem(), "x")
    assert "PRIVATE" not in repr(signer)


def test_importing_settings_stays_light():
    program = "import sys, app.settings; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
