"""`clearance worker`: deadlines, reminders, notices, clean-up. `serve` starts one by itself.

The only process in which DBOS is loaded. Decisions do not depend on it: what is over reads as over.
"""

import fcntl
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from app.cli.exits import UNREACHABLE, CliError
from app.cli.local import database
from app.cli.output import progress
from app.jobs.outbox import CPU, DEFAULT
from app.runtime import start, utc_now
from app.settings import Settings
from app.telemetry import Telemetry

EPILOG = """\b
Examples:
  clearance worker
  clearance worker --queue cpu

\b
`clearance serve` runs one as a child; start your own, beside `clearance serve --no-worker`, to
give the long work a machine or a memory limit of its own. On PostgreSQL any number may run.
"""


@click.command(epilog=EPILOG)
@click.option(
    "--queue",
    "queues",
    type=click.Choice([DEFAULT, CPU]),
    multiple=True,
    help="Listen to this queue only. May be repeated; all by default.",
)
@click.option("--until-eof", is_flag=True, hidden=True, help="Stop when standard input ends.")
def worker(queues: tuple[str, ...], *, until_eof: bool) -> None:
    """Do the long work of the database named by CLEARANCE_DATABASE_URL."""
    # DBOS and its forty packages are loaded here and nowhere else.
    from app.jobs.worker import Worker  # noqa: PLC0415 - the help must not load them

    with database() as (settings, engine):
        listened = queues or (DEFAULT, CPU)
        with _alone(settings, listened):
            runtime = start(settings, engine, Telemetry(), utc_now)
            try:
                working = Worker(runtime, listened)
                _stopped_by(working.stop, until_eof=until_eof)
                progress(f"The worker runs as {working.name} (stop with Ctrl-C).")
                working.run()
            finally:
                runtime.ledger.stop()
    _leave()


def _leave() -> None:
    """End now that all is closed, although a job may still wait for somebody.

    Python would wait for the job's thread, which may ask a system that does not answer again and
    again, until the process is killed from outside. Whoever starts next resumes the job.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _stopped_by(stop: Callable[[], None], *, until_eof: bool) -> None:
    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)
    if until_eof:
        # A parent that is killed cannot say so, but its end of the pipe closes all the same.
        def watch() -> None:
            sys.stdin.buffer.read()
            stop()

        threading.Thread(target=watch, name="parent-watch", daemon=True).start()


@contextmanager
def _alone(settings: Settings, queues: tuple[str, ...]) -> Iterator[None]:
    """On SQLite a worker is known by its queues, so two with the same ones may not run."""
    if not settings.is_sqlite:
        yield
        return
    path = settings.sqlite_path
    lock = Path(path.with_name(f"{path.stem}-jobs-{'-'.join(sorted(queues))}.lock"))
    with lock.open("a") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CliError(
                "A worker for these queues runs on this database already.",
                "`clearance serve` starts one by itself.",
                code=UNREACHABLE,
            ) from None
        yield
