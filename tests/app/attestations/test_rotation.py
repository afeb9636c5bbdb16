"""Rotation as an operator does it, on a real database, with a service before and after it."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sqlalchemy import select

from app.attestations.keys import ATTESTATION_KEY_NAME, new_attestation_key_pem
from app.attestations.trust import Trust, keys_of, logs_of
from app.attestations.verifying import verified
from app.cli import clearance
from app.database import make_engine
from app.ledger.keys import LOG_KEY_NAME, new_key_pem
from app.ledger.note import VerifierKey, open_checkpoint
from app.ledger.signing_keys import PublicKey, hand_over_text
from app.ledger.tables import audit_checkpoint
from app.ledger.tiles import LogInconsistent
from app.runtime import start, utc_now
from app.settings import Settings
from app.telemetry import Telemetry
from tests.app.attestations.made import ARTIFACT
from tests.app.attestations.test_service import get, submitted
from tests.app.http.service import running


def clear(settings: Settings, *arguments: str) -> Result:
    environment = {
        "CLEARANCE_DATABASE_URL": settings.database_url,
        "CLEARANCE_DATA_DIR": str(settings.data_dir),
        "CLEARANCE_LOG_KEY_FILE": str(settings.log_key_file or ""),
        "CLEARANCE_ATTESTATION_KEY_FILE": str(settings.attestation_key_file or ""),
        "CLEARANCE_LOG_ORIGIN": settings.log_origin,
    }
    return CliRunner(env=environment).invoke(clearance, arguments)


def refuses_to_start(settings: Settings) -> None:
    engine = make_engine(settings)
    try:
        with pytest.raises(LogInconsistent):
            start(settings, engine, Telemetry(), utc_now)
    finally:
        engine.dispose()


def newest_checkpoint(settings: Settings) -> str:
    engine = make_engine(settings)
    try:
        with engine.connect() as connection:
            notes = select(audit_checkpoint.c.note).order_by(audit_checkpoint.c.size.desc())
            return str(connection.scalars(notes).first())
    finally:
        engine.dispose()


def rotated(settings: Settings, purpose: str, new: Path) -> dict[str, Any]:
    done = clear(settings, "key", "rotate", f"--{purpose}", "--to", str(new), "--output", "json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def written(path: Path, pem: bytes) -> Path:
    path.write_bytes(pem)
    return path


def trust(service) -> Trust:
    keys = service.client.get("/v1/attestations/keys").content
    root = service.client.get("/v1/attestations/trusted_root.json").content
    return Trust({key.id: key for key in keys_of(keys, "keys")}, logs_of(root, "root"))


def test_what_an_old_attestation_key_signed_stays_checkable(settings, tmp_path):
    new = written(tmp_path / "new.pem", new_attestation_key_pem())
    with running(settings) as service:
        service.publish()
        before = submitted(service)
        kept = get(service, before, ".sigstore.json").content
    done = rotated(settings, "attestation", new)
    refuses_to_start(settings)
    with running(replace(settings, attestation_key_file=new)) as service:
        after = submitted(service)
        found = service.client.get("/v1/attestations/keys").json()["items"]
        assert [item["keyid"] for item in found] == [done["new"], done["old"]]
        assert found[0]["valid_until"] is None
        assert found[1]["valid_until"] == found[0]["valid_from"]
        trusted = trust(service)
        assert verified(kept, ARTIFACT, trusted)[0].key_id == done["old"]
        for made, key in ((before, done["old"]), (after, done["new"])):
            content = get(service, made, ".sigstore.json").content
            assert verified(content, ARTIFACT, trusted)[0].key_id == key
        params = {"type": "key.rotated"}
        [entry] = service.call("GET", "/v1/audit/entries", params=params).json()["items"]
    _endorsed(entry["body"], found[1]["keyid"], keys=trusted)


def _endorsed(body: dict[str, Any], old: str, keys: Trust) -> None:
    """The old key itself names the new one."""
    data = body["data"]
    new = PublicKey("attestation", base64.b64decode(data["public_key"]))
    assert (body["subject"], body["refs"]["key"]) == (old, new.id)
    signer = keys.keys[old]
    named = hand_over_text(PublicKey("attestation", signer.spki), new)
    signature = base64.b64decode(data["endorsement"])
    signer.public.verify(signature, named, ec.ECDSA(hashes.SHA256()))
    assert isinstance(load_der_public_key(new.spki), ec.EllipticCurvePublicKey)


def test_who_trusts_either_log_key_can_check_the_hand_over(settings, tmp_path):
    new = written(tmp_path / "new.pem", new_key_pem())
    with running(settings) as service:
        service.publish()
        [old_key] = service.client.get("/v1/audit/keys").json()["items"]
        made = submitted(service)
        kept = get(service, made, ".sigstore.json").content
        old_trust = trust(service)
    rotated(settings, "log", new)
    note = newest_checkpoint(settings)
    refuses_to_start(settings)
    with running(replace(settings, log_key_file=new)) as service:
        keys = service.client.get("/v1/audit/keys").json()["items"]
        assert [item["valid_until"] is None for item in keys] == [True, False]
        assert keys[1]["verifier_key"] == old_key["verifier_key"]
        signed = [open_checkpoint(note, [VerifierKey.parse(k["verifier_key"])]) for k in keys]
        assert signed[0] == signed[1]
        assert service.submit().status_code == 201
        later = service.client.get("/v1/audit/checkpoint").text
        assert open_checkpoint(later, [VerifierKey.parse(keys[0]["verifier_key"])])
        assert len(later.strip().split("\n")) == 5  # the new key alone signs
        assert verified(kept, ARTIFACT, trust(service))
        assert verified(get(service, made, ".sigstore.json").content, ARTIFACT, trust(service))
        params = {"type": "key.rotated"}
        [entry] = service.call("GET", "/v1/audit/entries", params=params).json()["items"]
    assert verified(kept, ARTIFACT, old_trust)
    raw = VerifierKey.parse(old_key["verifier_key"]).public_key
    old, fresh = entry["body"]["subject"], PublicKey("log", _spki(entry))
    encoded = base64.b64encode(fresh.spki).decode()
    message = f"clearance key rotation\nlog\n{old}\n{fresh.id}\n{encoded}\n"
    Ed25519PublicKey.from_public_bytes(raw).verify(_endorsement(entry), message.encode())


def _spki(entry: dict[str, Any]) -> bytes:
    return base64.b64decode(entry["body"]["data"]["public_key"])


def _endorsement(entry: dict[str, Any]) -> bytes:
    return base64.b64decode(entry["body"]["data"]["endorsement"])


@pytest.mark.parametrize("purpose", ["log", "attestation"])
def test_a_running_service_with_the_old_key_stops_writing(settings, tmp_path, purpose):
    pem = new_key_pem() if purpose == "log" else new_attestation_key_pem()
    with running(settings) as service:
        service.publish()
        submitted(service)
        rotated(settings, purpose, written(tmp_path / "new.pem", pem))
        refused = service.submit()
        assert (refused.status_code, refused.json()["type"]) == (503, "record-unavailable")
        assert "is not the current one" in service.client.get("/readyz").json()["ledger"]


def test_a_configured_key_needs_its_successor_named(settings):
    for purpose in ("log", "attestation"):
        done = clear(settings, "key", "rotate", f"--{purpose}")
        assert done.exit_code != 0
        message = str(done.exception or "") + done.output
        assert "successor must be given" in message


def test_a_key_of_the_wrong_kind_or_the_same_key_changes_nothing(settings, tmp_path):
    wrong = written(tmp_path / "wrong.pem", new_attestation_key_pem())
    same = settings.log_key_file
    for path in (wrong, same, tmp_path / "absent.pem"):
        done = clear(settings, "key", "rotate", "--log", "--to", str(path))
        assert done.exit_code != 0, done.output
    with running(settings) as service:
        assert len(service.client.get("/v1/audit/keys").json()["items"]) == 1


@pytest.fixture
def own_keys(sqlite_template, tmp_path) -> Settings:
    """SQLite with keys that nobody configured."""
    path = tmp_path / "own" / "clearance.db"
    path.parent.mkdir()
    path.write_bytes(sqlite_template.read_bytes())
    return Settings(
        database_url=f"sqlite:///{path}", data_dir=path.parent, log_origin="clearance.test/log"
    )


@pytest.mark.parametrize(
    ("purpose", "name"), [("log", LOG_KEY_NAME), ("attestation", ATTESTATION_KEY_NAME)]
)
def test_on_sqlite_the_new_key_takes_the_old_ones_place(own_keys, purpose, name):
    with running(own_keys) as service:
        service.publish()
        before = submitted(service)
    place = own_keys.key_directory / name
    old = place.read_bytes()
    done = clear(own_keys, "key", "rotate", f"--{purpose}")
    assert done.exit_code == 0, done.output
    assert "Restart" in done.output
    assert place.read_bytes() != old
    retired = [p for p in place.parent.glob(f"{place.stem}.*.pem") if p.read_bytes() == old]
    assert len(retired) == 1
    assert {p.stat().st_mode & 0o777 for p in place.parent.glob("*.pem")} == {0o600}
    with running(own_keys) as service:
        assert submitted(service)["status"] == "passed"
        content = get(service, before, ".sigstore.json").content
        assert verified(content, ARTIFACT, trust(service))


def test_an_interrupted_rotation_is_completed_by_repeating_it(own_keys, monkeypatch):
    with running(own_keys):
        place = own_keys.key_directory / ATTESTATION_KEY_NAME
    old = place.read_bytes()

    def dies(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dies)
        done = clear(own_keys, "key", "rotate", "--attestation")
    assert done.exit_code != 0
    assert place.read_bytes() == old
    refuses_to_start(own_keys)
    done = clear(own_keys, "key", "rotate", "--attestation")
    assert done.exit_code == 0, done.output
    with running(own_keys) as service:
        assert len(service.client.get("/v1/attestations/keys").json()["items"]) == 2


def test_neither_key_named_is_wrong_usage(settings):
    done = clear(settings, "key", "rotate")
    assert done.exit_code != 0
    assert "--log or --attestation" in str(done.exception or "") + done.output
