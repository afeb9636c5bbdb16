"""A real browser on a running service: Debian's Chromium, driven by Playwright.

Where Chromium is missing it is installed with apt, as root can on Debian; where that cannot be,
the tests are skipped and say so.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.app.http.service import Service, running
from tests.scenarios.conftest import migrated

SHOTS = Path(__file__).resolve().parents[2] / ".cache/screenshots"
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def _found() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def _installed() -> str | None:
    """Chromium's path, installed first where it is missing and can be."""
    if (path := _found()) or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return path
    quiet = {"DEBIAN_FRONTEND": "noninteractive", **os.environ}
    for command in (("update", "-qq"), ("install", "-y", "-qq", "chromium")):
        subprocess.run(["apt-get", *command], env=quiet, check=False, capture_output=True)
    return _found()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = _installed()
    if path is None:
        pytest.skip("Chromium is not installed, and cannot be without root and apt.")
    with sync_playwright() as playwright:
        # As root Chromium refuses its sandbox; the pages it opens here are ours.
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """On SQLite: tests/app/http holds what pages do on both databases."""
    with running(migrated(tmp_path)) as started:
        yield started


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    """A desktop window of its own; anything the page complains of fails the test."""
    context = browser.new_context(base_url=str(service.client.base_url))
    context.set_default_timeout(60_000)
    opened = context.new_page()
    said: list[str] = []
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on(
        "console",
        lambda message: (
            said.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    yield opened
    context.close()
    assert said == []
