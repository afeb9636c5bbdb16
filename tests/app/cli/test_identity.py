"""`clearance identity`: a file before it is deployed, and a token that does not get in."""

import base64
import json
from pathlib import Path
from typing import Any

from tests.app.cli.shell import ROOT, clearance

FILE = ROOT / "deploy/identity/github.yaml"


def token(folder: Path, **changes: Any) -> Path:
    claims = {
        "iss": "https://token.actions.githubusercontent.com",
        "aud": "https://clearance.example.com",
        "repository_id": "192056896",
        "environment": "production",
        "exp": 4_000_000_000,
        **changes,
    }
    parts = ({"alg": changes.pop("alg", "RS256"), "kid": "1"}, claims)
    made = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
    path = folder / "token.txt"
    path.write_text(".".join([*made, "c2VhbA"]) + "\n")
    return path


def test_it_says_whom_a_file_lets_in():
    done = clearance("identity", FILE)
    assert done.returncode == 0, done.stderr
    assert "support-bot-production: submitter of support-bot*" in done.stdout
    assert "where repository_id 192056896, environment production" in done.stdout
    people = clearance("identity", ROOT / "deploy/identity/people.yaml")
    assert "group ai-security: reviewer:security of support-*" in people.stdout


def test_it_says_on_which_line_a_file_is_wrong(tmp_path: Path):
    wrong = tmp_path / "identity.yaml"
    wrong.write_text(FILE.read_text("utf-8").replace("repository_id: 192056896", "ref: main"))
    done = clearance("identity", wrong)
    assert done.returncode == 2
    assert "line 12: /issuers/0/rules/0/claims: pins no stable id" in done.stderr
    assert clearance("identity", tmp_path / "nowhere").returncode == 2


def test_it_says_which_rule_a_token_meets_or_what_keeps_it_out(tmp_path: Path):
    def explained(**changes: Any) -> tuple[int, str]:
        done = clearance("identity", FILE, "--token-file", token(tmp_path, **changes))
        return done.returncode, done.stdout + done.stderr

    code, said = explained()
    assert code == 0
    assert "the rule support-bot-production of github: submitter of support-bot*" in said
    assert "only the service can check" in said
    assert "expired meanwhile" in explained(exp=1)[1]
    for changes, words in (
        ({"repository_id": "1"}, "another repository_id is wanted"),
        ({"aud": "https://github.com/acme"}, "ask the CI system for 'https://clearance"),
        ({"iss": "https://evil.example"}, "the file does not list"),
        ({"alg": "none"}, "signed with none"),
        ({"event_name": "pull_request"}, "pull request"),
    ):
        code, said = explained(**changes)
        assert (code, words in said) == (1, True), said


def test_a_service_does_not_start_on_a_wrong_file_and_says_why(tmp_path: Path):
    wrong = tmp_path / "identity.yaml"
    wrong.write_text("issuers: []\n")
    env = {"CLEARANCE_IDENTITY_FILE": str(wrong)}
    done = clearance("serve", "--port", "0", env=env, cwd=tmp_path)
    assert done.returncode == 2
    assert "line 1: /: names neither `issuers` nor `people`" in done.stderr
