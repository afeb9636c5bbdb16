"""Others' verifiers, installed below .cache once; a test that needs one is skipped without it."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from tests.app.attestations.made import Made, made
from tests.app.attestations.verifiers import CannotInstall, sigstore
from tests.app.http.service import running

HERE = Path(__file__).parent
Judge = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture
def service(settings: Settings):
    with running(settings) as started:
        started.publish()
        yield started


@pytest.fixture(scope="session")
def passed() -> Made:
    """A pass whose signature is spelled differently in the two alphabets of base64."""
    while True:
        found = made()
        if set(found.envelope()["signatures"][0]["sig"]) & {"+", "/"}:
            return found


@pytest.fixture(scope="session")
def sigstore_judge() -> Judge:
    """The unmodified @sigstore/verify: a list of cases in, what it says about each out."""
    try:
        node, modules = sigstore()
    except CannotInstall as error:
        pytest.skip(f"@sigstore/verify cannot be installed here: {error}")

    def judge(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
        done = subprocess.run(
            [str(node), str(HERE / "sigstore" / "verify.mjs"), str(modules)],
            input=json.dumps(cases),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    return judge
