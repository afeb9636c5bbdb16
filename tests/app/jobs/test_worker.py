"""The real `clearance worker` on both databases: killed at the worst moments, it goes on."""

import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from app.jobs import outbox
from app.jobs.alarm import file_of
from app.jobs.standing import standing
from app.jobs.tables import job, worker
from app.ledger.work import Work
from app.runtime import utc_now
from tests.app.cli.shell import environment
from tests.app.jobs.noting import WORKER

PATIENCE_SECONDS = 60

pytestmark = pytest.mark.slow


@contextmanager
def working(settings, program=WORKER):
    """A worker process; killed at the end unless it has ended."""
    env = environment(
        CLEARANCE_DATABASE_URL=settings.database_url,
        CLEARANCE_LOG_KEY_FILE=str(settings.log_key_file),
        CLEARANCE_ATTESTATION_KEY_FILE=str(settings.attestation_key_file),
        CLEARANCE_LOG_ORIGIN=str(settings.log_origin),
        CLEARANCE_DATA_DIR=str(settings.data_dir),
    )
    started = subprocess.Popen([sys.executable, "-c", program], env=env)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def until(holds, started=None, patience=PATIENCE_SECONDS):
    """Wait for something to become true, however slow the machine."""
    end = time.monotonic() + patience
    while not (found := holds()):
        assert time.monotonic() < end, "it never became true"
        assert started is None or started.poll() is None, "the worker ended"
        time.sleep(0.05)
    return found


class Outbox:
    def __init__(self, engine, ledger, tmp_path):
        self.engine, self.ledger, self.tmp_path = engine, ledger, tmp_path
        self.file = tmp_path / "notes.txt"

    def put(self, key, *, seconds=0.0, **told):
        now = utc_now()
        row = outbox.put(
            "test.note",
            key,
            {"file": str(self.file), **told},
            now=now,
            due_at=now + timedelta(seconds=seconds),
        )
        self.ledger.commit_sync(Work(entries=[], rows=[row]))

    def status(self, key):
        with self.engine.connect() as connection:
            query = select(job.c.status).where(job.c.kind == "test.note", job.c.key == key)
            return connection.execute(query).scalar_one()

    def seen(self):
        return self.file.read_text("utf-8").split("\n")[:-1] if self.file.exists() else []

    def write(self, statement):
        with self.engine.begin() as connection:
            connection.execute(statement)


@pytest.fixture
def box(engine, ledger, tmp_path):
    return Outbox(engine, ledger, tmp_path)


def test_a_killed_worker_resumes_its_timers_and_what_it_was_doing(box, settings):
    finished = box.tmp_path / "may-finish"
    box.put("running", hangs=str(finished))
    with working(settings) as first:
        until(lambda: box.seen() == ["running 1"], first)
        box.put("timer", seconds=8)
        until(lambda: box.status("timer") in {"set", "done"}, first)
        first.send_signal(signal.SIGKILL)
        first.wait()
    finished.touch()
    # An alarm that the engine lost, and a minute of silence without waiting for it.
    box.put("lost", seconds=-300)
    box.write(update(job).where(job.c.key == "lost").values(status="set"))
    box.write(update(worker).values(beat_at=utc_now() - timedelta(minutes=2)))
    with working(settings) as second:
        keys = ("timer", "running", "lost")
        until(lambda: {box.status(key) for key in keys} == {"done"}, second)
        with box.engine.connect() as connection:
            assert standing(connection, utc_now())["jobs"] == "running"
        second.send_signal(signal.SIGTERM)
        assert second.wait(PATIENCE_SECONDS) == 0
    assert sorted(box.seen()) == ["lost 1", "running 1", "running 1", "timer 1"]
    with box.engine.connect() as connection:
        assert standing(connection, utc_now())["jobs"] == "stopped"
        own = connection.dialect.get_table_names(connection)
    # The engine's own tables are elsewhere.
    assert "job" in own
    assert [name for name in own if "workflow" in name] == []
    if settings.is_sqlite:
        assert Path(file_of(settings)).stat().st_mode & 0o077 == 0


def test_a_stopped_worker_does_not_wait_for_a_job_that_hangs(box, settings):
    finished = box.tmp_path / "may-finish"
    box.put("stuck", hangs=str(finished))
    with working(settings) as first:
        until(lambda: box.seen() == ["stuck 1"], first)
        first.send_signal(signal.SIGTERM)
        assert first.wait(PATIENCE_SECONDS) == 0
    with box.engine.connect() as connection:
        assert standing(connection, utc_now())["jobs"] == "stopped"
    finished.touch()
    # Long overdue, without waiting for it.
    box.write(update(job).values(due_at=utc_now() - timedelta(minutes=5)))
    with working(settings) as second:
        until(lambda: box.status("stuck") == "done", second)
    assert box.seen() == ["stuck 1", "stuck 1"]


def test_two_workers_share_a_postgresql_and_the_second_on_sqlite_is_refused(box, settings):
    for number in range(12):
        box.put(f"n{number}")
    with working(settings) as first, working(settings) as second:
        if settings.is_sqlite:
            until(lambda: 4 in {first.poll(), second.poll()})
        until(lambda: len(box.seen()) >= 12)
        until(lambda: {box.status(f"n{number}") for number in range(12)} == {"done"})
    assert sorted(box.seen()) == sorted(f"n{number} 1" for number in range(12))
