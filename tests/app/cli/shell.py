"""Runs the real command in a process of its own, as a pipeline would."""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from app.cli import main

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data" / "formats"
COMMAND = (sys.executable, "-c", "from app.cli import main; main()")
PATIENCE_SECONDS = 600
"""A command takes seconds, on a machine with other work minutes; none takes this long."""
Done = subprocess.CompletedProcess[str]


def environment(**more: str) -> dict[str, str]:
    """The test's environment without anything that would steer Clearance or GitHub output."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CLEARANCE_", "GITHUB_"))
    }
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", **more}


def clearance(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    cwd: Path | None = None,
) -> Done:
    """`clearance <arguments>`; output is text."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=PATIENCE_SECONDS,
        env=environment(**(env or {})),
        cwd=cwd,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def clearance_here(*arguments: str | Path) -> Done:
    """The same in this process: for many calls in a row, where loading is no part of the test."""
    given = list(map(str, arguments))
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n") for _ in range(2))
    with (
        mock.patch.object(sys, "argv", ["clearance", *given]),
        mock.patch.dict(os.environ, environment(), clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        else:
            raise AssertionError("the command did not end with an exit code")
    assert isinstance(code, int)
    texts = []
    for stream in (out, err):
        stream.flush()
        stream.seek(0)
        texts.append(stream.read())
    assert "Traceback" not in texts[1], texts[1]
    return subprocess.CompletedProcess(given, code, *texts)
