"""What `clearance submit` notes of itself: from CI systems, from git, and from the command line."""

import shutil
import subprocess
from pathlib import Path

import pytest

from app.cli.context import context
from app.cli.exits import CliError

GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SHA": "3f2a91c0",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/bot",
    "GITHUB_RUN_ID": "77",
    "GITHUB_ACTOR_ID": "583231",
    "GITHUB_TRIGGERING_ACTOR": "ada",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_COMMIT_SHA": "77aa",
    "CI_JOB_URL": "https://gitlab.example.com/acme/bot/-/jobs/5",
    "CI_COMMIT_AUTHOR": "Ada <ada@example.com>",
    "GITLAB_USER_ID": "12",
    "GITLAB_USER_LOGIN": "ada",
}


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch) -> Path:
    """A folder that belongs to no repository."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("nowhere")
def test_ci_systems_say_commit_run_and_account():
    assert context(GITHUB, (), is_read=True) == {
        "commit": "3f2a91c0",
        "run_url": "https://github.com/acme/bot/actions/runs/77",
        "actor": "github:583231",
        "triggered_by": "ada",
    }
    gitlab = context(GITLAB, (), is_read=True)
    assert (gitlab["author"], gitlab["actor"]) == ("Ada <ada@example.com>", "gitlab:12")


@pytest.mark.usefixtures("nowhere")
def test_what_is_not_set_or_cannot_be_shown_is_left_out():
    broken = GITHUB | {"GITHUB_RUN_ID": "", "GITHUB_TRIGGERING_ACTOR": "a\x1b[31mb"}
    assert set(context(broken, (), is_read=True)) == {"commit", "actor"}
    assert context({}, (), is_read=True) == {}
    assert context(GITHUB | {"GITHUB_SHA": "--output=x"}, (), is_read=True)["actor"]


@pytest.mark.usefixtures("nowhere")
def test_what_is_given_counts_and_an_empty_value_leaves_out():
    told = context(GITHUB, ("actor=", "ticket = A-1 ", "commit=abc=d"), is_read=True)
    assert told["commit"] == "abc=d"
    assert told["ticket"] == "A-1"
    assert "actor" not in told
    assert context(GITHUB, ("ticket=A-1",), is_read=False) == {"ticket": "A-1"}
    for wrong in ("ticket", "=x"):
        with pytest.raises(CliError, match="NAME=VALUE"):
            context({}, (wrong,), is_read=True)


def test_git_says_who_wrote_the_commit(nowhere: Path):
    who = ["-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.com"]
    if shutil.which("git") is None:
        assert context({}, (), is_read=True) == {}
        return
    subprocess.run(["git", "init", "-q", str(nowhere)], check=True)
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    told = context({}, (), is_read=True)
    assert told["author"] == "Ada Lovelace <ada@example.com>"
    assert len(told["commit"]) == 40
