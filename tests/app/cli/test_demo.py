"""`make demo` is the first thing that a visitor runs: it holds, and it is done in a minute."""

import time
from pathlib import Path

import pytest

from tests.app.cli.shell import clearance


@pytest.mark.slow
def test_the_demo_tells_its_whole_story(tmp_path: Path):
    started = time.monotonic()
    done = clearance("demo", "--keep", str(tmp_path / "demo"), cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for words in (
        "with the pipeline's OIDC token; it holds no key",
        "This needs permission to sign off; you have the roles submitter",
        "Ada signs in at the provider, reads, and approves",
        "APPROVED BY PEOPLE  digit-reader 2",
        "CLEARED  digit-reader 2",
        "IDENTICAL",
        "PROVEN",
        "Ada's pages: http://127.0.0.1:",
    ):
        assert words in done.stdout, words
    assert (tmp_path / "demo" / "report.html").read_text().count("<svg") > 1
    assert time.monotonic() - started < 60
