"""Jobs run when they are due, once at a time, and what fails comes back (no engine involved)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.jobs import outbox
from app.jobs.cleaning import KEPT
from app.jobs.running import ring, run_due, run_one
from app.jobs.standing import standing
from app.jobs.tables import job, worker
from app.ledger.work import Conflict, Work

T0 = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def notes(tmp_path):
    return tmp_path / "notes.txt"


def put(runtime, notes, key="one", *, due=T0, kind="test.note", **told):
    row = outbox.put(kind, key, {"file": str(notes), **told}, now=T0, due_at=due)
    runtime.ledger.commit_sync(Work(entries=[], rows=[row]))


def seen(notes):
    return notes.read_text("utf-8").split("\n")[:-1] if notes.exists() else []


def stored(runtime, key="one"):
    with runtime.engine.connect() as connection:
        return connection.execute(select(job).where(job.c.key == key)).one()


def change(runtime, apply):
    answers = []
    work = Work(entries=[], apply=lambda connection: answers.append(apply(connection)))
    runtime.ledger.commit_sync(work)
    return answers[-1]


def test_a_job_runs_when_it_is_due_and_once(runtime, notes):
    put(runtime, notes, due=T0 + timedelta(hours=1))
    assert run_due(runtime, T0) == 0
    assert run_due(runtime, T0 + timedelta(hours=1)) == 1
    assert run_due(runtime, T0 + timedelta(hours=2)) == 0
    assert seen(notes) == ["one 1"]
    assert (stored(runtime).status, stored(runtime).finished_at) == (
        "done",
        T0 + timedelta(hours=1),
    )


def test_a_work_that_fails_takes_its_jobs_with_it(runtime, notes):
    def refuse(_):
        raise Conflict("conflict", "moved")

    row = outbox.put("test.note", "one", {"file": str(notes)}, now=T0)
    with pytest.raises(Conflict):
        runtime.ledger.commit_sync(Work(entries=[], rows=[row], apply=refuse))
    assert run_due(runtime, T0) == 0


def test_the_same_job_put_twice_is_one(runtime, notes):
    put(runtime, notes)
    put(runtime, notes)
    assert run_due(runtime, T0) == 1
    put(runtime, notes)
    assert run_due(runtime, T0 + timedelta(days=1)) == 0
    assert seen(notes) == ["one 1"]


def test_a_job_that_fails_comes_back_later_and_later_until_given_up(runtime, notes):
    put(runtime, notes, fails=9)
    now, waits = T0, []
    while stored(runtime).status in {"new", "set"}:
        assert run_due(runtime, now) == 1
        waits.append((stored(runtime).due_at - now).total_seconds())
        now = stored(runtime).due_at
    assert waits[:2] == [5, 30]
    row = stored(runtime)
    assert (row.status, row.failures, row.error) == ("dead", 3, "OSError: told to fail")
    with runtime.engine.connect() as connection:
        assert standing(connection, now)["jobs_dead"] == 1
    assert change(runtime, lambda c: outbox.again(c, "test.note", "one", now))
    assert stored(runtime).failures == 0


def test_success_after_failures_starts_counting_anew(runtime, notes):
    put(runtime, notes, fails=1, again_seconds=60)
    run_due(runtime, T0)
    run_due(runtime, T0 + timedelta(seconds=5))
    row = stored(runtime)
    assert (row.failures, row.error, row.due_at) == (0, None, T0 + timedelta(seconds=65))
    assert seen(notes) == ["one 1", "one 2"]


def test_moving_and_cancelling(runtime, notes):
    put(runtime, notes, "moved")
    put(runtime, notes, "cancelled")
    later = T0 + timedelta(days=1)
    assert change(runtime, lambda c: outbox.move(c, "test.note", "moved", later))
    assert change(runtime, lambda c: outbox.cancel(c, "test.note", "cancelled", T0))
    assert not change(runtime, lambda c: outbox.cancel(c, "test.note", "cancelled", T0))
    assert not change(runtime, lambda c: outbox.move(c, "test.note", "unknown", later))
    assert run_due(runtime, T0) == 0
    assert run_due(runtime, later) == 1
    assert seen(notes) == ["moved 1"]


def test_an_alarm_that_is_not_the_newest_does_nothing(runtime, notes, clock):
    put(runtime, notes)
    row = stored(runtime)
    change(runtime, lambda c: outbox.move(c, "test.note", "one", clock() + timedelta(hours=2)))
    assert ring(runtime, row.id, row.wake, "w") == 0.0
    assert seen(notes) == []
    early = ring(runtime, row.id, row.wake + 1, "w")
    assert 7100 < early <= 7200
    clock.ahead = timedelta(hours=3)
    assert ring(runtime, row.id, row.wake + 1, "w") == 0.0
    assert seen(notes) == ["one 1"]


def test_a_claim_keeps_others_away_until_it_ends(runtime, notes, clock):
    put(runtime, notes)
    row = stored(runtime)
    until = clock() + timedelta(minutes=5)
    change(
        runtime,
        lambda c: c.execute(update(job).values(claimed_by="other", claimed_until=until)).rowcount,
    )
    assert 250 < ring(runtime, row.id, row.wake, "me") <= 300
    assert run_due(runtime, clock(), "me") == 0
    clock.ahead = timedelta(minutes=6)
    assert run_due(runtime, clock(), "me") == 1
    assert seen(notes) == ["one 1"]


def test_workers_that_reach_for_one_job_get_it_once(runtime, notes):
    put(runtime, notes)
    row = stored(runtime)
    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda n: run_one(runtime, row, f"w{n}", T0), range(6)))
    assert sum(got) == 1
    assert seen(notes) == ["one 1"]


def test_a_job_moved_while_it_runs_stays_moved(runtime, notes, monkeypatch):
    put(runtime, notes)
    later = T0 + timedelta(days=3)

    def moving(runtime, job, now):
        change(runtime, lambda c: outbox.move(c, "test.note", "one", later))

    monkeypatch.setattr("tests.app.jobs.noting.note", moving)
    run_due(runtime, T0)
    row = stored(runtime)
    assert (row.status, row.due_at, row.claimed_by) == ("new", later, None)


def test_a_kind_of_a_newer_version_is_left_for_a_worker_that_knows_it(runtime, notes):
    put(runtime, notes, kind="test.unheard_of")
    assert run_due(runtime, T0) == 1
    row = stored(runtime)
    assert (row.status, row.due_at) == ("new", T0 + timedelta(hours=1))


def test_clean_up_forgets_what_is_over_and_comes_again(runtime, notes):
    put(runtime, notes)
    run_due(runtime, T0)
    put(runtime, notes, "open", due=T0 + timedelta(days=900))
    put(runtime, notes, "jobs.clean", kind="jobs.clean", due=T0 + KEPT + timedelta(days=1))
    now = T0 + KEPT + timedelta(days=1)
    with runtime.engine.begin() as connection:
        old = {"id": "w", "queues": [], "started_at": T0, "beat_at": T0, "stopped_at": T0}
        connection.execute(worker.insert().values(**old))
    assert run_due(runtime, now) == 1
    with runtime.engine.connect() as connection:
        left = connection.execute(select(job.c.key).order_by(job.c.key)).scalars().all()
        assert connection.execute(select(worker.c.id)).scalars().all() == []
    assert left == ["jobs.clean", "open"]
    assert stored(runtime, "jobs.clean").due_at == now + timedelta(hours=1)
