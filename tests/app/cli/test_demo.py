"""`make demo` is the first thing that a visitor runs: it holds, and it is done in a minute."""

import resource
from pathlib import Path

import pytest

from tests.app.cli.shell import clearance


@pytest.mark.slow
def test_the_demo_tells_its_whole_story(tmp_path: Path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
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
    # A minute on a machine that does nothing else; here other tests run beside it.
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 60
