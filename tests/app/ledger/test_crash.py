"""Law 4: whatever the instant of death, what was answered is in the log, and once."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from app.ledger import reading
from app.ledger.merkle import leaf_hash, parent_hash, root_of
from app.ledger.tables import audit_entry, audit_head
from app.ledger.tiles import StoredNodes
from tests.app.ledger.test_writer import check, make
from tests.app.ledger.works import child, parent, work

ROOT = Path(__file__).parents[3]
KILLS = 5


def environment(settings):
    return os.environ | {
        "CLEARANCE_DATABASE_URL": settings.database_url,
        "CLEARANCE_LOG_KEY_FILE": str(settings.log_key_file),
        "CLEARANCE_LOG_ORIGIN": settings.log_origin,
        "PYTHONPATH": str(ROOT),
    }


def start(settings, output):
    program = str(Path(__file__).with_name("crash_child.py"))
    return subprocess.Popen([sys.executable, program], env=environment(settings), stdout=output)


def wait_for_answers(path, more_than):
    deadline = time.monotonic() + 30
    while path.read_bytes().count(b"\n") <= more_than:
        assert time.monotonic() < deadline, "the writing process answers nothing"
        time.sleep(0.01)


def answered(path):
    """Whole lines only: the last may have been cut by the kill."""
    return [line.split() for line in path.read_text().split("\n")[:-1]]


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_every_answer_given_before_a_kill_is_in_the_log_once(engine, settings, tmp_path, processes):
    # The seed is fixed; the instant is as random as the scheduler.
    instants = random.Random(6962)
    path = tmp_path / "answers"
    path.touch()
    for _ in range(KILLS):
        before = path.read_bytes().count(b"\n")
        with path.open("ab") as output:
            running = [start(settings, output) for _ in range(processes)]
            try:
                wait_for_answers(path, before + 5)
                time.sleep(instants.uniform(0, 0.3))
            finally:
                for process in running:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
        with path.open("ab") as output:
            output.write(b"\n")
    answers = [words for words in answered(path) if len(words) == 3]
    assert len(answers) > KILLS * 5
    verify_log(engine, answers)

    ledger = make(engine, settings)
    ledger.start()
    check(ledger.commit_sync(work()), ledger)
    with engine.connect() as connection:
        reading.inclusion(connection, int(answers[0][1]), [ledger.verifier_key])
    ledger.stop()


def verify_log(engine, answers):
    with engine.connect() as connection:
        entries = connection.execute(select(audit_entry).order_by(audit_entry.c.index)).all()
        parents = set(connection.scalars(select(parent.c.id)))
        children = set(connection.scalars(select(child.c.parent)))
        head = connection.execute(select(audit_head)).one()
        root = root_of(head.size, StoredNodes(connection, head.size))
    assert [row.index for row in entries] == list(range(head.size))
    assert all(leaf_hash(row.body) == row.leaf_hash for row in entries)
    leaves = [row.leaf_hash for row in entries]
    whole = root_of(head.size, lambda level, number: naive(leaves, level, number))
    assert root == whole
    # Business rows and entries came together or not at all.
    subjects = [row.subject for row in entries]
    assert parents == children == set(subjects)
    assert len(subjects) == 3 * len(parents)
    for name, index, size in answers:
        assert subjects[int(index) : int(index) + 3] == [name] * 3
        assert head.size >= int(size)
    assert len({name for name, _, _ in answers}) == len(answers)


def naive(leaves, level, number):
    row = leaves[number << level : (number + 1) << level]
    while len(row) > 1:
        row = [parent_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]
