"""The whole road over a real service: set up, publish, submit, ask, answer, prove."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.attestations.keys import new_attestation_key_pem
from app.ledger.keys import new_key_pem
from tests.app.cli.shell import COMMAND, clearance, environment
from tests.app.http.service import PLAIN

POLICY = """
policy: bot-release
owner: team
applies_to: {model: "bot*", stage: [limited_release]}
gates:
  quality:
    - {metric: accuracy, min: 0.85}
escalation: {reviews: [{role: security, min: 1}]}
grants: {traffic_max: 0.05}
"""
FOR = ("-m", "bot", "-s", "limited_release")


@contextmanager
def serving(env: dict[str, str], folder: Path) -> Iterator[str]:
    """`clearance serve` on a free port, until the block ends; gives what it printed."""
    with (folder / "serve.err").open("wb") as errors:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment(**env),
            cwd=folder,
        )
    assert process.stdout is not None
    try:
        said = ""
        while "stop with Ctrl-C" not in said:
            line = process.stdout.readline().decode()
            assert line, (folder / "serve.err").read_text()
            said += line
        url = re.search(r"http://\S+", said)
        assert url is not None
        wait_until_ready(url[0])
        yield url[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_database(request, tmp_path):
    """An empty database, by its URL, and where the log's key is."""
    if request.param == "sqlite":
        return {"CLEARANCE_DATABASE_URL": f"sqlite:///{tmp_path}/clearance.db"}
    key = tmp_path / "log-key.pem"
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(new_key_pem())
    url = request.getfixturevalue("empty_postgres_url")
    return {
        "CLEARANCE_DATABASE_URL": url,
        "CLEARANCE_DATA_DIR": str(tmp_path),
        "CLEARANCE_LOG_KEY_FILE": str(key),
        "CLEARANCE_ATTESTATION_KEY_PEM": new_attestation_key_pem().decode(),
    }


def results(folder: Path, count: int) -> Path:
    path = folder / f"r{count}.json"
    path.write_text(json.dumps([{"metric": "accuracy", "count": count, "n": 500}]))
    return path


def key_for(env: dict[str, str], role: str, name: str, *more: str) -> str:
    done = clearance("key", "create", "--role", role, "--name", name, *more, "-o", "json", env=env)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert set(made) == {"id", "key"}
    return str(made["key"])


def wait_until_ready(url: str) -> None:
    with httpx.Client(timeout=60, verify=PLAIN) as client:
        assert client.get(f"{url}/readyz").status_code == 200


@pytest.mark.slow
def test_the_story_from_an_empty_database(empty_database, tmp_path):
    env = empty_database
    assert clearance("migrate", env=env).stdout == "The tables are created.\n"
    assert "nothing to do" in clearance("migrate", env=env).stdout
    admin = key_for(env, "admin", "root", "--person")
    ci = key_for(env, "submitter", "ci", "--models", "bot*", "--expires-days", "30")
    ada = key_for(env, "reviewer:security", "ada", "--person")
    (tmp_path / "p.yaml").write_text(POLICY)
    with serving(env, tmp_path) as url:
        as_admin, as_ci, as_ada = (
            {"CLEARANCE_URL": url, "CLEARANCE_TOKEN": token} for token in (admin, ci, ada)
        )
        pushed = clearance("policy", "push", tmp_path / "p.yaml", env=as_admin)
        assert pushed.stdout.startswith("bot-release version 1, sha256:")
        shown = clearance("policy", "show", "bot-release", env=as_admin)
        assert shown.stdout == POLICY
        decided(tmp_path, as_ci)
        answered(as_admin, as_ada)
        proven(as_admin, tmp_path)
        refused(url, as_ci, tmp_path)


def decided(folder, as_ci):
    """Three candidates pass, fail and escalate; the exit codes say so."""
    for count, code, word in ((445, 0, "PASSED"), (400, 1, "FAILED"), (435, 3, "NEEDS")):
        done = clearance("submit", results(folder, count), *FOR, "-v", str(count), env=as_ci)
        assert done.returncode == code, done.stderr
        assert word in done.stdout
        assert done.stderr == ""
        status = clearance("status", *FOR, "-v", str(count), env=as_ci)
        assert status.returncode == code
        assert status.stdout.startswith("CLEARED" if code == 0 else "NOT CLEARED")


def answered(as_admin, as_ada):
    """A person approves what they have seen, and only that."""
    waiting = json.loads(clearance("review", "list", "-o", "json", env=as_ada).stdout)["items"]
    assert [item["version"] for item in waiting] == ["435"]
    name = waiting[0]["id"]
    assert name in clearance("review", "list", "--role", "security", env=as_ada).stdout
    shown = clearance("review", "show", name, env=as_ada).stdout
    digest = shown.rsplit("Decision digest ", 1)[1].strip()
    answer = ("review", "approve", name, "--role", "security")
    blind = clearance(*answer, env=as_ada)
    assert blind.returncode == 2
    assert "--digest" in blind.stderr
    stale = clearance(*answer, "--digest", "sha256:" + "0" * 64, env=as_ada)
    assert stale.returncode == 2
    forbidden = clearance(*answer, "--digest", digest, env=as_admin)
    assert forbidden.returncode == 4
    done = clearance(*answer, "--digest", digest, "--comment", "5% is fine", env=as_ada)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Recorded. Review approved, decision passed until")
    again = clearance(*answer, "--digest", digest, env=as_ada)
    assert again.returncode == 2
    cleared = clearance("status", *FOR, "-v", "435", "-o", "json", env=as_ada)
    assert cleared.returncode == 0
    assert json.loads(cleared.stdout)["grants"] == {"traffic_max": 0.05}


def proven(as_admin, folder):
    """Replay, report, proof, backtest."""
    found = json.loads(
        clearance("review", "list", "--status", "all", "-o", "json", env=as_admin).stdout
    )
    name = found["items"][0]["decision"]
    shown = clearance("decision", "show", name, env=as_admin)
    assert shown.returncode == 0
    assert "APPROVED BY PEOPLE" in shown.stdout
    replayed = clearance("decision", "replay", name, env=as_admin)
    assert (replayed.returncode, replayed.stdout[:9]) == (0, "IDENTICAL")
    page = clearance("decision", "report", name, "--as", "html", env=as_admin)
    assert page.stdout.startswith("<!doctype html>")
    junit = clearance("decision", "report", name, "--as", "junit", env=as_admin)
    assert 'failures="0"' in junit.stdout
    note = clearance("audit", "checkpoint", env=as_admin).stdout
    assert note.count("\n") >= 5
    proof = clearance("audit", "prove", name, env=as_admin)
    assert (proof.returncode, proof.stdout[:6]) == (0, "PROVEN")
    entry = clearance("audit", "prove", "1", "-o", "json", env=as_admin)
    assert json.loads(entry.stdout)["proven"] is True
    looser = folder / "looser.yaml"
    looser.write_text(POLICY.replace("0.85", "0.7"))
    tried = clearance("policy", "backtest", looser, "--since", "2026-01-01", env=as_admin)
    assert "2 of 3 verdicts would change" in tried.stdout
    compared = clearance("policy", "diff", "bot-release@1", looser, env=as_admin)
    assert compared.stdout == "quality/accuracy: min 0.85 -> 0.7\n"


def refused(url, as_ci, folder):
    """What the service refuses is told apart: input 2, credentials 4."""
    submit = ("submit", results(folder, 445), *FOR, "-v", "9")
    wrong = clearance(*submit, env={**as_ci, "CLEARANCE_TOKEN": "clr_wrong"})
    assert wrong.returncode == 4
    assert "refused the credentials" in wrong.stderr
    none = clearance(*submit, env={"CLEARANCE_URL": url})
    assert none.returncode == 4
    other = clearance(
        "submit", folder / "r445.json", "-m", "cat", "-s", FOR[3], "-v", "1", env=as_ci
    )
    assert other.returncode == 4
    unknown = clearance(*submit, "--policy", "no-such", env=as_ci)
    assert unknown.returncode == 2
    assert "no-such" in unknown.stderr
    baseline = clearance(*submit, "--baseline-version", "0", env=as_ci)
    assert baseline.returncode == 2
    missing = clearance("decision", "show", "dec_none", env=as_ci)
    assert missing.returncode == 2
    pushed = clearance("policy", "push", folder / "p.yaml", env=as_ci)
    assert pushed.returncode == 4


@pytest.mark.slow
def test_waiting_ends_with_the_answer_of_people(tmp_path):
    env = {"CLEARANCE_DATABASE_URL": f"sqlite:///{tmp_path}/clearance.db"}
    clearance("migrate", env=env)
    admin = key_for(env, "admin", "root", "--person")
    ada = key_for(env, "reviewer:security", "ada", "--person")
    (tmp_path / "p.yaml").write_text(POLICY)
    with serving(env, tmp_path) as url:
        as_admin = {"CLEARANCE_URL": url, "CLEARANCE_TOKEN": admin}
        as_ada = {"CLEARANCE_URL": url, "CLEARANCE_TOKEN": ada}
        clearance("policy", "push", tmp_path / "p.yaml", env=as_admin)
        submit = ("submit", results(tmp_path, 435), *FOR, "-v", "1")
        short = clearance(*submit, "--wait", "1s", "--ask", env=as_admin)
        assert short.returncode == 3
        with subprocess.Popen(
            [*COMMAND, *map(str, submit), "--wait", "60s"],
            env=environment(**as_admin),
            stdout=subprocess.PIPE,
        ) as waiting:
            newest = _newest_review(as_ada)
            rejected = clearance(
                *("review", "reject", newest["id"], "--role", "security"),
                *("--digest", newest["decision_digest"], "--comment", "too risky"),
                env=as_ada,
            )
            assert rejected.returncode == 0, rejected.stderr
            out, _ = waiting.communicate(timeout=60)
        assert waiting.returncode == 1
        assert "REJECTED BY PEOPLE" in out.decode()


def _newest_review(env):
    """The open review of the second submission; it appears once that has been decided."""
    for _ in range(60):
        everything = clearance("review", "list", "--status", "all", "-o", "json", env=env)
        items = json.loads(everything.stdout)["items"]
        # One listing, not two: between two of them the first review gives way to the second.
        if len(items) == 2:
            (newest,) = [item for item in items if item["status"] == "open"]
            return newest
    raise AssertionError("the second submission opened no review")


def test_an_empty_database_is_set_up_and_its_first_key_shown_once(tmp_path):
    env = {"CLEARANCE_DATABASE_URL": f"sqlite:///{tmp_path}/clearance.db"}
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(**env),
    )
    assert process.stdout is not None
    said = ""
    while "key create" not in said:
        line = process.stdout.readline().decode()
        assert line
        said += line
    token = re.search(r"CLEARANCE_TOKEN=(clr_\S+)", said)
    url = re.search(r"CLEARANCE_URL=(http://\S+)", said)
    assert token is not None
    assert url is not None
    curl = re.search(r'curl -H "Authorization: Bearer \$CLEARANCE_TOKEN" (\S+)', said)
    assert curl is not None
    with httpx.Client(timeout=60, verify=PLAIN) as client:
        answer = client.get(curl[1], headers={"Authorization": f"Bearer {token[1]}"})
    assert answer.status_code == 200
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    with serving(env, tmp_path) as again:
        assert again
    assert "clr_" not in (tmp_path / "serve.err").read_text()
    listed = clearance("key", "list", "-o", "json", env=env)
    assert [item["roles"] for item in json.loads(listed.stdout)["items"]] == [["admin"]]
    assert token[1] not in listed.stdout
