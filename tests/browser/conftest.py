"""A real browser on a running service: Debian's Chromium, driven by Playwright.

Where Chromium is missing it is installed with apt, as root can on Debian; where that cannot be,
the tests are skipped and say so.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.cli.demo.issuer import Person
from app.cli.demo.walk import free_port
from tests.app.http.guarded import FILE, Guarded, guarded
from tests.app.http.service import Service, running
from tests.scenarios.conftest import migrated

SHOTS = Path(__file__).resolve().parents[2] / ".cache/screenshots"
WITH_LEGAL = FILE.replace(
    "  groups:\n", '  groups:\n    - {{group: legal, roles: ["reviewer:legal"]}}\n'
)
# By default an expectation waits for five seconds, which a busy machine takes for a page.
expect.set_options(timeout=60_000)
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


# Not for the session: while Playwright is open, an event loop runs in this thread, and tests of
# other files that bring their own could not run in the same process.
@pytest.fixture(scope="module")
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
def house(tmp_path: Path) -> Iterator[Guarded]:
    """A service whose people and pipelines come in by a real OpenID provider."""
    port = free_port()
    with guarded(
        migrated(tmp_path),
        tmp_path,
        WITH_LEGAL,
        people=(
            Person("00u-ada", "Ada Lovelace", ("security",)),
            Person("00u-ben", "Ben Ohm", ("legal",)),
            Person("00u-eve", "Eve", ("strangers",)),
        ),
        port=port,
        public_url=f"http://127.0.0.1:{port}",
    ) as started:
        yield started


@pytest.fixture
def page(browser: Browser, service: Service) -> Iterator[Page]:
    """A desktop window of its own at the service."""
    with window(browser, str(service.client.base_url)) as opened:
        yield opened


@pytest.fixture
def house_page(browser: Browser, house: Guarded) -> Iterator[Page]:
    """A desktop window of its own at the guarded service."""
    with window(browser, house.url) as opened:
        yield opened


@contextmanager
def window(browser: Browser, url: str) -> Iterator[Page]:
    """Anything that a page complains of fails the test."""
    context = browser.new_context(base_url=url)
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
