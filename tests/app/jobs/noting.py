"""A job's function for tests: it notes each run in a file, waits, fails or comes again as told."""

import time
from datetime import timedelta
from pathlib import Path


def note(runtime, job, now):
    told = job.payload
    with Path(told["file"]).open("a", encoding="utf-8") as file:
        file.write(f"{job.key} {job.attempt}\n")
    if told.get("fails", 0) >= job.attempt:
        raise OSError("told to fail")
    if told.get("hangs") and not Path(told["hangs"]).exists():
        time.sleep(120)
    if again := told.get("again_seconds"):
        return now + timedelta(seconds=again)
    return None


WORKER = """
import sys
from app.jobs.kinds import KINDS, Kind
KINDS["test.note"] = Kind("tests.app.jobs.noting:note")
from app.cli import main
sys.argv[1:] = ["worker"]
main()
"""
"""`clearance worker`, knowing the kind of this module."""
