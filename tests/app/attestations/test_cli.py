"""`clearance attestation verify` and the admission example, as a deployer calls them."""

import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import clearance
from tests.app.attestations.attacks import ATTACKS
from tests.app.attestations.made import ARTIFACT, Made, decision, made, settlement

ADMIT = Path(__file__).parents[3] / "deploy" / "admission" / "admit.sh"
SHIM = """#!/bin/sh
exec {python} -c 'from app.cli import main; main()' "$@"
"""


@pytest.fixture
def files(tmp_path: Path, passed: Made) -> Path:
    return written(tmp_path, passed)


def written(folder: Path, found: Made) -> Path:
    listed = {
        "keyid": found.signer.key.id,
        "public_key": found.pem,
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": None,
    }
    texts = {
        "key.pem": found.pem,
        "keys.json": json.dumps({"items": [listed]}),
        "archived.json": json.dumps({"log": ["…"], "attestation": [listed]}),
        "trusted_root.json": json.dumps(found.root),
        "dsse.json": json.dumps(found.envelope()),
        "bundle.json": json.dumps(found.bundle()),
        "all.jsonl": "".join(json.dumps(found.envelope(n)) + "\n" for n in found.bundles),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def verify(folder: Path, file: str, *options: str, artifact: str = ARTIFACT) -> Result:
    arguments = [str(folder / o) if "." in o else o for o in options]
    command = ["attestation", "verify", str(folder / file), "--artifact", artifact, *arguments]
    return CliRunner().invoke(clearance, command)


@pytest.mark.parametrize("file", ["dsse.json", "all.jsonl", "bundle.json"])
@pytest.mark.parametrize("key", ["key.pem", "keys.json", "archived.json"])
def test_a_valid_pass_is_accepted(files: Path, file: str, key: str):
    done = verify(files, file, "--key", key, "--stage", "limited_release")
    assert (done.exit_code, done.stdout[:8]) == (0, "ACCEPTED"), done.output
    assert "The log was not checked" in done.stdout


def test_with_a_trusted_root_the_log_is_checked(files: Path):
    for options in (("--key", "key.pem"), ()):
        done = verify(files, "bundle.json", "--trusted-root", "trusted_root.json", *options)
        assert done.exit_code == 0, done.output
        assert "It is entry 6 of clearance.test/log" in done.stdout
    without = verify(files, "dsse.json", "--trusted-root", "trusted_root.json", "--key", "key.pem")
    assert without.exit_code == 1
    assert "no proof of the log" in without.stdout


def test_json_says_what_was_found(files: Path):
    done = verify(files, "all.jsonl", "--key", "key.pem", "--output", "json")
    found = json.loads(done.stdout)
    assert found["accepted"] is True
    assert [item["predicate"] for item in found["statements"]] == ["decision", "vsa", "svr"]
    refused = verify(files, "all.jsonl", "--key", "key.pem", "-o", "json", artifact="0" * 64)
    assert (refused.exit_code, json.loads(refused.stdout)["accepted"]) == (1, False)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_altered_one_is_refused_with_1(files: Path, passed: Made, attack: str):
    (files / "altered.json").write_text(json.dumps(ATTACKS[attack](passed.envelope())))
    done = verify(files, "altered.json", "--key", "key.pem")
    assert (done.exit_code, done.stdout[:7]) == (1, "REFUSED")


def test_what_did_not_pass_here_and_now_is_refused(tmp_path: Path):
    past = datetime.now(UTC) - timedelta(minutes=1)
    for number, (settled, says) in enumerate(
        (
            (settlement(status="failed", valid_until=None), "does not say that it passed"),
            (settlement(status="revoked", valid_until=None), "does not say that it passed"),
            (settlement(status="observed", valid_until=None), "does not say that it passed"),
            (settlement(valid_until=past), "valid until"),
            (settlement(valid_until=None), "is not a time"),
            (settlement(decision=decision(stage="evaluation")), "not about the stage"),
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        written(folder, with_some(made(settled)))
        done = verify(folder, "all.jsonl", "--key", "key.pem", "--stage", "limited_release")
        assert done.exit_code == 1, done.output
        assert says in done.stdout


def with_some(found: Made) -> Made:
    """Where there is no summary, the decision stands in its place."""
    found.bundles.setdefault("vsa", found.bundles["decision"])
    return found


@pytest.mark.parametrize(
    "options",
    [(), ("--key", "absent.pem"), ("--key", "dsse.json"), ("--trusted-root", "key.pem")],
)
def test_what_cannot_be_trusted_is_wrong_usage(files: Path, options: tuple[str, ...]):
    done = verify(files, "dsse.json", *options)
    assert done.exit_code != 0
    assert "ACCEPTED" not in done.output


def test_a_digest_of_another_kind_is_wrong_usage(files: Path):
    for artifact in ("x", "sha1:" + "0" * 40, "sha512:" + "0" * 128, ARTIFACT[:-1]):
        done = verify(files, "dsse.json", "--key", "key.pem", artifact=artifact)
        assert "ACCEPTED" not in done.output
        assert done.exit_code != 0
    assert verify(files, "dsse.json", "--key", "key.pem", artifact=f"sha256:{ARTIFACT}")


def admit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    shim = folder / "bin" / "clearance"
    shim.parent.mkdir(exist_ok=True)
    shim.write_text(SHIM.format(python=sys.executable))
    shim.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{shim.parent}:{os.environ['PATH']}",
        "CLEARANCE_TRUST": str(folder),
    }
    command = [str(ADMIT), *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, cwd=ADMIT.parents[2]
    )


def test_the_admission_example_lets_through_this_artifact_and_no_other(tmp_path: Path):
    model = tmp_path / "model.bin"
    model.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    shown = decision()
    shown["candidate"]["digest"] = f"sha256:{digest}"
    written(tmp_path, made(settlement(decision=shown)))
    bundle = str(tmp_path / "bundle.json")
    done = admit(tmp_path, str(model), bundle, "limited_release")
    assert done.returncode == 0, done.stdout + done.stderr
    assert admit(tmp_path, str(model), bundle, "broad_rollout").returncode == 1
    assert admit(tmp_path, str(model), str(tmp_path / "dsse.json"), "limited_release").returncode
    assert admit(tmp_path, str(model)).returncode == 2
    assert admit(tmp_path, str(tmp_path / "none"), bundle, "limited_release").returncode == 2
    model.write_bytes(b"other weights")
    assert admit(tmp_path, str(model), bundle, "limited_release").returncode == 1
