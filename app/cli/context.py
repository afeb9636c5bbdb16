"""What a submission says of itself: the commit, its author, the run, and who set it off.

Read from the CI system's environment and from git, so that nobody has to write it; the author is
told because who made a change does not judge it. Nothing here is needed: what cannot be read is
left out.
"""

import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

from app.cli.exits import CliError

# What says that this is the system, and what each note is made of; `{A}` is the variable A.
_SYSTEMS: Final[Sequence[tuple[str, Mapping[str, str]]]] = (
    (
        "GITHUB_ACTIONS",
        {
            "commit": "{GITHUB_SHA}",
            "run_url": "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
            "actor": "github:{GITHUB_ACTOR_ID}",
            "triggered_by": "{GITHUB_TRIGGERING_ACTOR}",
        },
    ),
    (
        "GITLAB_CI",
        {
            "commit": "{CI_COMMIT_SHA}",
            "run_url": "{CI_JOB_URL}",
            "author": "{CI_COMMIT_AUTHOR}",
            "actor": "gitlab:{GITLAB_USER_ID}",
            "triggered_by": "{GITLAB_USER_LOGIN}",
        },
    ),
    (
        "TF_BUILD",
        {
            "commit": "{BUILD_SOURCEVERSION}",
            "run_url": "{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results"
            "?buildId={BUILD_BUILDID}",
            "actor": "azure:{BUILD_REQUESTEDFORID}",
            "triggered_by": "{BUILD_REQUESTEDFOREMAIL}",
        },
    ),
    ("JENKINS_URL", {"commit": "{GIT_COMMIT}", "run_url": "{BUILD_URL}"}),
)
_SECONDS: Final = 5
_MAX: Final = 1000


def context(
    environment: Mapping[str, str], given: Sequence[str], *, is_read: bool
) -> Mapping[str, str]:
    """Notes by name: those of the surroundings if they are read, and over them the given ones.

    `given` holds `NAME=VALUE`; an empty value leaves a note out. Raises CliError.
    """
    found = _surroundings(environment) if is_read else {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise CliError(f"--context {text!r} is not NAME=VALUE, such as commit=3f2a91c.")
        found[name.strip()] = value.strip()
    return {name: value[:_MAX] for name, value in found.items() if value}


def _surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    system = next((notes for mark, notes in _SYSTEMS if environment.get(mark)), {})
    found = {name: _filled(text, environment) for name, text in system.items()}
    commit, author = _from_git(found.get("commit") or "HEAD")
    found["commit"] = found.get("commit") or commit
    found["author"] = author or found.get("author", "")
    return found


def _filled(text: str, environment: Mapping[str, str]) -> str:
    """The text with its variables; empty where one of them is not set."""
    try:
        return text.format_map({k: v for k, v in environment.items() if v and v.isprintable()})
    except KeyError:
        return ""


def _from_git(commit: str) -> tuple[str, str]:
    """A commit and its author, `Ada <ada@example.com>`; both empty without git or a repository."""
    if commit.startswith("-"):
        return "", ""
    command = ["git", "show", "--no-patch", "--format=%H%x00%aN <%aE>", commit, "--"]
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, and a commit that is no option
            command, capture_output=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return "", ""
    name, _, author = done.stdout.decode("utf-8", "replace").strip().partition("\0")
    return (name, author) if name.isalnum() and author.isprintable() else ("", "")
