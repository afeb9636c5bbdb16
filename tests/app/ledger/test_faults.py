"""Databases that refuse, fill up, vanish, and lose the answer to COMMIT: real ones, each time."""

import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import OperationalError

from app.database import make_engine
from app.ledger.keys import log_signer
from app.ledger.tables import audit_entry
from app.ledger.work import LedgerUnavailable, Work
from app.ledger.writer import Ledger
from tests.app.ledger.test_writer import check, count, in_one_batch, make
from tests.app.ledger.works import entry, parent, work

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)
SQL = ("INSERT", "SELECT", "UPDATE", "audit_", "sqlite", "psycopg", "[", "%(")


def says(error, words):
    assert words in error.detail
    assert not any(part in error.detail for part in SQL)


def test_a_read_only_database_is_named(engine, ledger):
    ledger.commit_sync(work())
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA query_only = ON"))
    else:
        with engine.begin() as connection:
            alter = f'ALTER DATABASE "{engine.url.database}" SET default_transaction_read_only = on'
            connection.execute(text(alter))
    engine.dispose()
    with pytest.raises(LedgerUnavailable) as caught:
        ledger.commit_sync(work())
    says(caught.value, "read-only")
    assert caught.value.retry_after >= 1
    assert count(engine, audit_entry) == 2
    assert ledger.alarm is None


@on_sqlite
def test_a_full_disk_is_named_and_writing_resumes_when_there_is_room(settings, engine):
    ledger = make(engine, settings)
    ledger.start()
    ledger.commit_sync(work())
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    def limit(raw, _):
        raw.execute(f"PRAGMA max_page_count = {pages + 4}")

    engine.dispose()
    event.listen(engine, "connect", limit)
    written = 2
    refused = None
    while refused is None and written < 100:
        try:
            ledger.commit_sync(Work(entries=[entry(data={"x": "a" * 6000})]))
            written += 1
        except LedgerUnavailable as error:
            refused = error
    says(refused, "full")
    assert count(engine, audit_entry) == written

    event.remove(engine, "connect", limit)
    engine.dispose()
    check(ledger.commit_sync(work()), ledger)
    ledger.stop()
    assert ledger.alarm is None


@on_sqlite
def test_in_a_batch_too_large_for_the_disk_the_small_ones_get_through(settings, engine):
    ledger = make(engine, settings)
    ledger.start()
    ledger.commit_sync(work())
    ledger.stop()
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    engine.dispose()
    event.listen(
        engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count = {pages + 12}")
    )
    huge = Work(entries=[], rows=[(parent, [{"id": "huge", "note": "x" * 400_000}])])
    outcomes = in_one_batch(ledger, [work(), huge, work()])
    assert [type(one).__name__ for one in outcomes] == ["Receipt", "LedgerUnavailable", "Receipt"]
    says(outcomes[1], "full")
    assert count(engine, audit_entry) == 6


def test_a_database_held_by_another_process_is_named(engine, settings):
    ledger = make(engine, settings)
    ledger.start()
    with engine.connect() as other:
        if settings.is_sqlite:
            other.exec_driver_sql("COMMIT")
            other.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            other.execute(text("SELECT * FROM audit_head FOR UPDATE"))
        started = time.monotonic()
        with pytest.raises(LedgerUnavailable) as caught:
            ledger.commit_sync(work())
        says(caught.value, "Another process")
        assert time.monotonic() - started < settings.busy_timeout_seconds + 30
        other.rollback()
    check(ledger.commit_sync(work()), ledger)
    ledger.stop()


def test_a_file_that_is_no_database_is_named(tmp_path, settings):
    path = tmp_path / "garbage.db"
    path.write_bytes(b"this is not a database, however long one looks at it" * 100)
    broken = replace(settings, database_url=f"sqlite:///{path}")
    engine = make_engine(broken)
    with pytest.raises(LedgerUnavailable) as caught:
        Ledger(engine, broken, log_signer(settings)).start()
    says(caught.value, "damaged")
    engine.dispose()


def test_a_server_that_is_not_there_is_named(settings):
    gone = replace(settings, database_url="postgresql://nobody:hunter2@127.0.0.1:1/none")
    engine = make_engine(gone)
    with pytest.raises(LedgerUnavailable) as caught:
        Ledger(engine, gone, log_signer(settings)).start()
    says(caught.value, "cannot be reached")
    assert "hunter2" not in caught.value.detail
    engine.dispose()


def kill_backend(engine, pid):
    with engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})


@on_postgresql
def test_a_connection_lost_half_way_is_made_good(engine, ledger):
    killed: list[int] = []

    def kill_once(connection):
        if not killed:
            killed.append(connection.scalar(text("SELECT pg_backend_pid()")))
            kill_backend(engine, killed[0])

    check(ledger.commit_sync(work(guard=kill_once)), ledger)
    assert killed
    assert count(engine, parent) == 1
    assert count(engine, audit_entry) == 2


@pytest.mark.parametrize("is_done", [True, False], ids=["after", "before"])
def test_an_answer_lost_at_commit_writes_nothing_twice(engine, settings, monkeypatch, is_done):
    """COMMIT reaches the database or does not; either way the writer hears of an error only."""
    # One look must do: the failed connection may not come back with its transaction open.
    monkeypatch.setattr("app.ledger.writer.LOOK_UP_PAUSES", (0,))
    ledger = make(engine, settings)
    ledger.start()
    ledger.commit_sync(work())
    failures = [1]
    really = engine.dialect.do_commit

    def commit(raw):
        if failures and threading.current_thread().name == "ledger-writer":
            failures.pop()
            if is_done:
                really(raw)
            if engine.dialect.name == "postgresql":
                raw.close()
            raise engine.dialect.loaded_dbapi.OperationalError("server closed the connection")
        really(raw)

    monkeypatch.setattr(engine.dialect, "do_commit", commit)
    receipt = check(ledger.commit_sync(work()), ledger)
    assert not failures
    assert [placed.index for placed in receipt.entries] == [2, 3]
    check(ledger.commit_sync(work()), ledger)
    ledger.stop()
    assert ledger.alarm is None
    assert count(engine, parent) == 3
    assert count(engine, audit_entry) == 6
    with engine.connect() as connection:
        distinct = connection.scalar(select(func.count(audit_entry.c.id.distinct())))
    assert distinct == 6


def test_a_database_that_never_answers_after_commit_is_admitted(engine, settings, monkeypatch):
    monkeypatch.setattr("app.ledger.writer.LOOK_UP_PAUSES", (0, 0))
    ledger = make(engine, settings)
    ledger.start()
    is_down = []

    def commit(raw):
        del raw
        is_down.append(True)
        raise engine.dialect.loaded_dbapi.OperationalError("server closed the connection")

    def begin(connection):
        if is_down:
            raise OperationalError("begin", None, Exception("down"))

    monkeypatch.setattr(engine.dialect, "do_commit", commit)
    event.listen(engine, "begin", begin, insert=True)
    with pytest.raises(LedgerUnavailable, match="not known yet"):
        ledger.commit_sync(work())
    is_down.clear()
    monkeypatch.undo()
    check(ledger.commit_sync(work()), ledger)
    ledger.stop()


def test_a_writer_that_breaks_says_so_to_everyone(engine, settings, monkeypatch):
    ledger = make(engine, settings)
    ledger.start()

    def explode(*args):
        raise MemoryError

    monkeypatch.setattr("app.ledger.writer._receipts", explode)
    with pytest.raises(MemoryError):
        ledger.commit_sync(work())
    monkeypatch.undo()
    check(ledger.commit_sync(work()), ledger)
    ledger.stop()
    assert count(engine, parent) == 1
