"""Runs the real command in a process of its own, as a pipeline would."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data" / "formats"
COMMAND = (sys.executable, "-c", "from app.cli import main; main()")
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
        timeout=120,
        env=environment(**(env or {})),
        cwd=cwd,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)
