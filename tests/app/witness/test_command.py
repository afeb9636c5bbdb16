"""The real command, over HTTP."""

import re
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from app.ledger.add_checkpoint import MAX_BODY, SIZE_TYPE, written
from app.ledger.cosignature import WitnessKey, find_cosignature
from app.ledger.note import claimed_checkpoint, split_note
from tests.app.cli.shell import COMMAND, clearance, environment
from tests.app.witness.growing import GrowingLog


@pytest.fixture
def log() -> GrowingLog:
    return GrowingLog()


def arguments(log: GrowingLog, state: Path) -> list[str]:
    named = ["--name", "witness.test/w1", "--log", str(log.key)]
    return ["witness", *named, "--state", str(state), "--port", "0"]


@pytest.fixture
def running(log: GrowingLog, tmp_path: Path):
    process = subprocess.Popen(
        [*COMMAND, *arguments(log, tmp_path / "state")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(PYTHONUNBUFFERED="1"),
    )
    try:
        assert process.stdout is not None
        first, key = process.stdout.readline(), process.stdout.readline().strip()
        where = re.search(r"http://\S+", first)
        assert where, first + (process.stderr.read() if process.stderr else "")
        with httpx.Client(base_url=where[0], timeout=60) as client:
            yield client, WitnessKey.parse(key)
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_it_serves_the_protocol_and_its_memory(running, log, tmp_path):
    client, key = running
    answer = client.post("/add-checkpoint", content=written(0, (), log.note(5)))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    find_cosignature(split_note(log.note(5))[0], answer.text.splitlines(), key)
    stale = client.post("/add-checkpoint", content=written(0, (), log.note(6)))
    assert (stale.status_code, stale.text) == (409, "5\n")
    assert stale.headers["content-type"] == SIZE_TYPE
    last = client.get("/checkpoint")
    assert claimed_checkpoint(last.text).size == 5
    assert last.headers["cache-control"] == "no-store"
    assert client.get("/checkpoint?origin=other").status_code == 404
    assert client.post("/add-checkpoint", content=b"x" * (MAX_BODY + 1)).status_code == 413
    assert client.get("/add-checkpoint").status_code == 405
    assert client.get("/healthz").text == "ok\n"
    assert (tmp_path / "state" / "witness-key.pem").stat().st_mode & 0o777 == 0o600
    busy = clearance(*arguments(log, tmp_path / "state"))
    assert busy.returncode == 2
    assert "Another witness keeps" in busy.stderr


def test_what_it_cannot_use_is_named(log, tmp_path):
    wrong = clearance("witness", "--name", "w", "--log", "nonsense", "--state", tmp_path)
    assert wrong.returncode == 2
    assert "'nonsense' is no public key of a log" in wrong.stderr
    spaced = arguments(log, tmp_path)
    spaced[2] = "two words"
    refused = clearance(*spaced)
    assert refused.returncode == 2
    assert "no spaces" in refused.stderr
