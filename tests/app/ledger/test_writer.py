import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text, update

from app.ledger.entries import EntryTooLarge, commitment
from app.ledger.keys import PemSigner, log_signer, new_key_pem
from app.ledger.merkle import verify_inclusion
from app.ledger.note import open_checkpoint
from app.ledger.private import opened, person_named
from app.ledger.tables import (
    audit_checkpoint,
    audit_entry,
    audit_head,
    audit_person,
    audit_private,
    audit_tile,
    evidence_blob,
)
from app.ledger.tiles import LogInconsistent
from app.ledger.work import Conflict, LedgerUnavailable, Work
from app.ledger.writer import Ledger
from tests.app.ledger.works import child, counter, entry, parent, work


def check(receipt, ledger):
    """What a client does with the answer in hand."""
    checkpoint = open_checkpoint(receipt.checkpoint, [ledger.verifier_key])
    assert checkpoint.size == receipt.size
    for placed in receipt.entries:
        verify_inclusion(placed.index, checkpoint.size, placed.leaf, placed.proof, checkpoint.root)
    return receipt


def count(engine, table):
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table))


def make(engine, settings):
    return Ledger(engine, settings, log_signer(settings))


def in_one_batch(ledger, works):
    """Start the ledger only when all works wait, so that they share a batch; outcomes in order."""
    ledger.start()
    ledger.stop()
    ledger._inbox.open()

    async def together():
        tasks = [asyncio.ensure_future(ledger.commit(each)) for each in works]
        await asyncio.sleep(0)
        assert ledger.waiting == len(works)
        ledger.start()
        return await asyncio.gather(*tasks, return_exceptions=True)

    try:
        return asyncio.run(together())
    finally:
        ledger.stop()


def test_a_receipt_proves_that_the_entries_are_in_the_log(engine, ledger):
    given = work(entries=3)
    receipt = check(ledger.commit_sync(given), ledger)
    assert [placed.id for placed in receipt.entries] == [one.id for one in given.entries]
    assert [placed.index for placed in receipt.entries] == [0, 1, 2]
    assert receipt.size == 3
    with engine.connect() as connection:
        rows = connection.execute(select(audit_entry).order_by(audit_entry.c.index)).all()
    for row, one, placed in zip(rows, given.entries, receipt.entries, strict=True):
        assert row.leaf_hash == placed.leaf
        assert json.loads(row.body)["data"] == one.data
        assert json.loads(row.body)["log"] == "clearance.test/log"
    assert count(engine, parent) == count(engine, child) == 1


def test_personal_values_lie_apart(engine, ledger):
    one = entry(private={"author": "Ada", "comment": "looks good"})
    ledger.commit_sync(Work(entries=[one]))
    with engine.connect() as connection:
        found = opened(connection, one.id)
        rows = connection.execute(select(audit_private)).all()
        persons = connection.execute(select(audit_person)).all()
        body = connection.scalar(select(audit_entry.c.body))
    assert body is not None
    stored = json.loads(body)["commitments"]
    assert {f: value for f, (_, value) in found.items()} == one.private
    assert {f: commitment(salt, f, value) for f, (salt, value) in found.items()} == stored
    # The author is about herself, the comment about who wrote it: two persons, two keys.
    assert {row.person for row in rows} == {person.id for person in persons}
    assert {row.person for row in rows} == {person_named("ada"), one.actor}
    assert not any(b"Ada" in content for content in (body, *(row.sealed for row in rows)))


def test_a_person_has_one_key_and_values_stay_in_their_place(engine, ledger):
    for _ in range(2):
        ledger.commit_sync(Work(entries=[entry(private={"author": "Ada"}) for _ in range(2)]))
    with engine.begin() as connection:
        assert len(connection.execute(select(audit_person)).all()) == 1
        first, second, *_ = connection.scalars(select(audit_private.c.entry_id)).all()
        rows = dict(
            connection.execute(select(audit_private.c.entry_id, audit_private.c.sealed)).all()
        )
        swapped = update(audit_private).where(audit_private.c.entry_id == first)
        connection.execute(swapped.values(sealed=rows[second]))
    with engine.connect() as connection:
        assert opened(connection, first) == {}
        assert set(opened(connection, second)) == {"author"}


def test_the_log_goes_on_after_a_restart_under_its_first_name(engine, settings):
    for number in range(3):
        ledger = make(engine, settings)
        ledger.start()
        assert check(ledger.commit_sync(work(entries=1)), ledger).size == number + 1
        ledger.stop()


def test_sixty_four_clients_at_once(engine, settings):
    ledger = make(engine, settings)
    ledger.start()

    async def client(number):
        return [await ledger.commit(work(entries=3)) for _ in range(5)]

    async def all_clients():
        return await asyncio.gather(*(client(number) for number in range(64)))

    receipts = [one for some in asyncio.run(all_clients()) for one in some]
    ledger.stop()
    indexes = sorted(placed.index for one in receipts for placed in one.entries)
    assert indexes == list(range(64 * 5 * 3))
    for one in receipts:
        check(one, ledger)
        first = one.entries[0].index
        assert [placed.index for placed in one.entries] == [first, first + 1, first + 2]
    assert count(engine, audit_entry) == len(indexes)
    assert count(engine, audit_tile) == len(indexes) // 256
    # Group commit: far fewer checkpoints than works.
    assert count(engine, audit_checkpoint) < len(receipts) / 2


def test_threads_and_the_event_loop_share_the_writer(ledger):
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda _: ledger.commit_sync(work()), range(40)))
    assert len({one.entries[0].index for one in receipts}) == 40
    for one in receipts:
        check(one, ledger)


def test_two_ledgers_on_one_database_take_turns(engine, settings):
    ledgers = [make(engine, settings) for _ in range(2)]
    for ledger in ledgers:
        ledger.start()
    with ThreadPoolExecutor(4) as pool:
        receipts = list(
            pool.map(lambda number: ledgers[number % 2].commit_sync(work(entries=7)), range(120))
        )
    for ledger in ledgers:
        ledger.stop()
        assert ledger.alarm is None
    assert sorted(p.index for one in receipts for p in one.entries) == list(range(120 * 7))
    for one in receipts:
        check(one, ledgers[0])
    assert count(engine, audit_tile) == 120 * 7 // 256


def test_a_conflict_fails_alone(engine, settings):
    def refuse(connection):
        raise Conflict("stale-decision", "It moved.")

    works = [work(), work(guard=refuse), work(), work(commutes=False), work(apply=refuse), work()]
    outcomes = in_one_batch(make(engine, settings), works)
    assert [type(one).__name__ for one in outcomes] == [
        "Receipt",
        "Conflict",
        "Receipt",
        "Receipt",
        "Conflict",
        "Receipt",
    ]
    assert outcomes[1].slug == "stale-decision"
    assert count(engine, parent) == 4
    assert count(engine, audit_entry) == 8
    assert {one.size for one in outcomes if not isinstance(one, Conflict)} == {8}


@pytest.mark.parametrize("commutes", [True, False])
def test_of_two_rows_that_must_be_unique_the_second_gets_its_own_answer(engine, settings, commutes):
    works = [work(unique=name, commutes=commutes) for name in ("a", "b", "a", "c")]
    outcomes = in_one_batch(make(engine, settings), works)
    assert [isinstance(one, Conflict) for one in outcomes] == [False, False, True, False]
    assert outcomes[2].slug == "conflict"
    assert "UNIQUE" not in str(outcomes[2])
    assert count(engine, parent) == 3
    assert count(engine, audit_entry) == 6


def test_the_second_of_two_may_learn_from_its_guard_why(engine, settings):
    def not_taken(connection):
        if connection.scalar(select(parent.c.id).where(parent.c.unique == "a")):
            raise Conflict("attempt-taken", "Decide again.")

    works = [work(unique="a", guard=not_taken) for _ in range(2)]
    outcomes = in_one_batch(make(engine, settings), works)
    assert outcomes[1].slug == "attempt-taken"
    assert count(engine, parent) == 1


def test_an_entry_is_never_written_twice(engine, settings):
    one = entry()
    works = [Work(entries=[one], commutes=True), work(), Work(entries=[one], commutes=True)]
    ledger = make(engine, settings)
    outcomes = in_one_batch(ledger, works)
    assert [isinstance(each, Conflict) for each in outcomes] == [False, False, True]
    ledger.start()
    with pytest.raises(Conflict):
        ledger.commit_sync(Work(entries=[one]))
    check(ledger.commit_sync(work()), ledger)
    ledger.stop()
    assert ledger.alarm is None
    assert count(engine, audit_entry) == 5


def test_a_work_that_cannot_be_written_takes_nothing_with_it(engine, settings):
    def broken(connection):
        raise ZeroDivisionError

    orphan = Work(entries=[entry()], rows=[(child, [{"id": "x", "parent": "nobody"}])])
    bad_type = Work(entries=[entry()], rows=[(parent, [{"id": "y", "note": object()}])])
    no_column = Work(entries=[entry()], rows=[(parent, [{"id": "z", "nope": 1}])])
    null = Work(entries=[entry()], rows=[(child, [{"id": "n", "parent": None}])])
    works = [work(), orphan, work(guard=broken), bad_type, no_column, null, work()]
    ledger = make(engine, settings)
    outcomes = in_one_batch(ledger, works)
    names = [type(one).__name__ for one in outcomes]
    assert names[0] == names[6] == "Receipt"
    assert names[1] == "Conflict"
    assert names[2] == "ZeroDivisionError"
    assert "Receipt" not in names[3:6]
    assert isinstance(outcomes[5], LedgerUnavailable)
    assert count(engine, parent) == 2
    assert count(engine, audit_entry) == 4
    assert ledger.alarm is None


def test_guards_see_what_came_before_them_unless_works_commute(engine, settings):
    def must_be(number):
        def guard(connection):
            if connection.scalar(select(func.count()).select_from(parent)) != number:
                raise Conflict("unexpected", "Another number of parents.")

        return guard

    works = [
        work(guard=must_be(0)),
        work(guard=must_be(0)),
        work(commutes=False, guard=must_be(2)),
        work(guard=must_be(3)),
    ]
    outcomes = in_one_batch(make(engine, settings), works)
    assert [type(one).__name__ for one in outcomes] == ["Receipt"] * 4
    assert [one.entries[0].index for one in outcomes] == [0, 2, 4, 6]


def test_apply_compares_and_sets(engine, ledger):
    with engine.begin() as connection:
        connection.execute(counter.insert(), {"id": "c", "value": 0})

    def to(value):
        def apply(connection):
            statement = update(counter).where(counter.c.value == value - 1).values(value=value)
            if connection.execute(statement).rowcount != 1:
                raise Conflict("moved", "The counter moved.")

        return apply

    ledger.commit_sync(work(apply=to(1)))
    with pytest.raises(Conflict):
        ledger.commit_sync(work(apply=to(1)))
    ledger.commit_sync(work(apply=to(2)))
    with engine.connect() as connection:
        assert connection.scalar(select(counter.c.value)) == 2
    assert count(engine, parent) == 2


def test_rows_with_different_columns_keep_their_values(engine, ledger):
    rows = [{"id": "1", "note": "a"}, {"id": "2", "unique": "u"}, {"note": "c", "id": "3"}]
    ledger.commit_sync(Work(entries=[], rows=[(parent, rows)]))
    with engine.connect() as connection:
        found = connection.execute(select(parent).order_by(parent.c.id)).all()
    assert [tuple(row) for row in found] == [
        ("1", None, "a"),
        ("2", "u", None),
        ("3", None, "c"),
    ]


def test_a_blob_that_is_there_already_is_no_conflict(engine, settings):
    blob = (evidence_blob, [{"digest": "sha256:1", "encoding": "x", "body": b"1", "size": 1}])
    works = [Work(entries=[entry()], rows=[blob], commutes=flag) for flag in (True, True, False)]
    outcomes = in_one_batch(make(engine, settings), works)
    assert [type(one).__name__ for one in outcomes] == ["Receipt"] * 3
    assert count(engine, evidence_blob) == 1


def test_a_work_without_entries_is_written_and_the_log_stays(engine, ledger):
    first = ledger.commit_sync(work())
    second = ledger.commit_sync(work(entries=0))
    assert second.entries == ()
    assert (second.size, second.checkpoint) == (first.size, first.checkpoint)
    assert count(engine, parent) == 2


def test_an_entry_that_cannot_be_sealed_is_refused_at_once(engine, ledger):
    with pytest.raises(EntryTooLarge):
        ledger.commit_sync(Work(entries=[entry(data={"x": "a" * 70_000})]))
    check(ledger.commit_sync(work()), ledger)


def test_a_full_queue_refuses_and_forgets_nobody(engine, settings):
    ledger = make(engine, replace(settings, queue_size=4))
    ledger.start()
    entered, leave = threading.Event(), threading.Event()

    def hold(connection):
        entered.set()
        assert leave.wait(60)

    async def clients():
        held = asyncio.ensure_future(ledger.commit(work(guard=hold)))
        await asyncio.to_thread(entered.wait, 60)
        waiting = [asyncio.ensure_future(ledger.commit(work())) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(LedgerUnavailable) as caught:
            await ledger.commit(work())
        assert caught.value.retry_after >= 1
        leave.set()
        return await asyncio.gather(held, *waiting)

    receipts = asyncio.run(clients())
    ledger.stop()
    assert len(receipts) == count(engine, parent) == 5


def test_stopping_writes_what_waits_and_refuses_the_rest(engine, settings):
    ledger = make(engine, settings)
    ledger.start()
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(ledger.commit_sync, work()) for _ in range(20)]
        ledger.stop()
        outcomes = [answer.exception() for answer in answers]
    written = sum(outcome is None for outcome in outcomes)
    assert all(outcome is None or isinstance(outcome, LedgerUnavailable) for outcome in outcomes)
    assert count(engine, parent) == written
    with pytest.raises(LedgerUnavailable, match="shutting down"):
        ledger.commit_sync(work())
    assert not ledger.is_writing


def test_before_it_starts_it_takes_nothing(engine, settings):
    ledger = make(engine, settings)
    with pytest.raises(LedgerUnavailable, match="not open"):
        ledger.commit_sync(work())


def test_a_client_that_went_away_does_not_disturb_the_others(engine, ledger):
    async def clients():
        gone = asyncio.ensure_future(ledger.commit(work()))
        stays = asyncio.ensure_future(ledger.commit(work()))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays

    check(asyncio.run(clients()), ledger)
    check(ledger.commit_sync(work()), ledger)
    assert count(engine, parent) == 3


def test_another_key_or_name_does_not_continue_the_log(engine, settings, ledger):
    ledger.commit_sync(work())
    other = Ledger(engine, settings, PemSigner(new_key_pem(), "other"))
    with pytest.raises(LogInconsistent, match="Restore the key"):
        other.start()
    settings = replace(settings, log_origin="elsewhere.test/log")
    with pytest.raises(LogInconsistent, match=r"named clearance\.test/log"):
        make(engine, settings).start()
    check(ledger.commit_sync(work()), ledger)


def tamper(engine, *statements):
    """As a database administrator would: without the triggers."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            names = connection.scalars(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            ).all()
            for name in names:
                connection.execute(text(f"DROP TRIGGER {name}"))
        for statement in statements:
            connection.execute(text(statement))


ONE_LEAF = '(SELECT leaf_hash FROM audit_entry WHERE "index" = {})'


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE audit_head SET size = 1, edge = {ONE_LEAF.format(0)}",
        f"UPDATE audit_head SET edge = {ONE_LEAF.format(1)}",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET size = 3",
        "UPDATE audit_head SET size = 0, edge = substr(edge, 1, 0)",
    ],
)
def test_a_head_that_was_rewritten_stops_the_writer_for_good(engine, ledger, statement):
    ledger.commit_sync(work(entries=2))
    tamper(engine, statement)
    with pytest.raises(LedgerUnavailable, match="closed for writing"):
        ledger.commit_sync(work())
    assert ledger.alarm is not None
    assert not ledger.is_writing
    with pytest.raises(LedgerUnavailable, match="closed for writing"):
        ledger.commit_sync(work())
    assert count(engine, parent) == 1


@pytest.mark.parametrize(
    "statements",
    [
        ["DELETE FROM audit_checkpoint"],
        ["DELETE FROM audit_checkpoint WHERE size = 4"],
        ["UPDATE audit_checkpoint SET note = replace(note, '4', '5')"],
        ["UPDATE audit_head SET size = 2, edge = substr(edge, 1, 64)"],
    ],
)
def test_a_log_that_contradicts_its_signature_does_not_start(engine, settings, statements):
    ledger = make(engine, settings)
    ledger.start()
    for _ in range(2):
        ledger.commit_sync(work(entries=2))
    ledger.stop()
    tamper(engine, *statements)
    with pytest.raises(LogInconsistent):
        make(engine, settings).start()


def test_a_stored_hash_that_was_changed_is_found_when_its_tile_fills(engine, ledger):
    ledger.commit_sync(work(entries=200))
    tamper(
        engine,
        "UPDATE audit_entry SET leaf_hash = (SELECT leaf_hash FROM audit_entry "
        'WHERE "index" = 1) WHERE "index" = 2',
    )
    with pytest.raises(LedgerUnavailable, match="does not match the tree"):
        ledger.commit_sync(work(entries=100))
    assert count(engine, audit_entry) == 200


def test_entries_beside_the_head_stop_the_writer(engine, ledger):
    ledger.commit_sync(work(entries=2))
    tamper(
        engine,
        'INSERT INTO audit_entry ("index", id, type, subject, leaf_hash, '
        "recorded_at, body) SELECT 2, 'smuggled', type, subject, leaf_hash, recorded_at, body "
        'FROM audit_entry WHERE "index" = 1',
    )
    with pytest.raises(LedgerUnavailable, match="beyond its head"):
        ledger.commit_sync(work())


def test_a_backup_restored_under_a_running_writer_is_noticed(engine, ledger):
    ledger.commit_sync(work(entries=2))
    with engine.connect() as connection:
        edge = connection.scalar(text("SELECT edge FROM audit_head"))
    ledger.commit_sync(work(entries=2))
    tamper(
        engine,
        "DELETE FROM audit_checkpoint WHERE size = 4",
        'DELETE FROM audit_entry WHERE "index" >= 2',
    )
    with engine.begin() as connection:
        connection.execute(update(audit_head).values(size=2, edge=edge))
    with pytest.raises(LedgerUnavailable, match="rolled back or rewritten"):
        ledger.commit_sync(work())


def test_another_process_that_rewrote_the_log_is_not_followed(engine, settings):
    """Two ledgers; behind the back of one, the log is replaced by a shorter and then longer one."""
    first = make(engine, settings)
    first.start()
    first.commit_sync(work(entries=3))
    tamper(
        engine,
        "DELETE FROM audit_checkpoint",
        "DELETE FROM audit_entry",
        "UPDATE audit_head SET size = 0, edge = substr(edge, 1, 0)",
    )
    second = make(engine, settings)
    second.start()
    check(second.commit_sync(work(entries=5)), second)
    with pytest.raises(LedgerUnavailable, match="does not extend"):
        first.commit_sync(work())
    first.stop()
    second.stop()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET type = 'x'",
        "UPDATE audit_entry SET body = body",
        "DELETE FROM audit_entry",
        "UPDATE audit_tile SET number = 5",
        "DELETE FROM audit_tile",
        "UPDATE audit_checkpoint SET size = 5",
        "DELETE FROM audit_checkpoint",
        "DELETE FROM audit_head",
    ],
)
def test_triggers_refuse_what_an_append_only_log_never_needs(engine, ledger, statement):
    ledger.commit_sync(work(entries=300))
    before = [count(engine, table) for table in (audit_entry, audit_tile, audit_checkpoint)]
    with pytest.raises(Exception, match=r"append-only|only head"), engine.begin() as connection:
        connection.execute(text(statement))
    assert [count(engine, table) for table in (audit_entry, audit_tile, audit_checkpoint)] == before


def test_neither_replace_nor_truncate_gets_round_the_triggers(engine, ledger):
    ledger.commit_sync(work(entries=2))
    if engine.dialect.name == "sqlite":
        statements = [
            "INSERT OR REPLACE INTO audit_entry SELECT * FROM audit_entry",
            "REPLACE INTO audit_checkpoint SELECT * FROM audit_checkpoint",
        ]
    else:
        statements = ["TRUNCATE audit_entry", "TRUNCATE audit_checkpoint", "TRUNCATE audit_tile"]
    for statement in statements:
        with pytest.raises(Exception, match="append-only"), engine.begin() as connection:
            connection.execute(text(statement))
    assert count(engine, audit_entry) == 2


def test_recorded_at_is_when_it_was_written_not_when_it_is_said_to_be(engine, ledger):
    said = datetime(2001, 1, 1, tzinfo=UTC)
    started = datetime.now(UTC)
    ledger.commit_sync(Work(entries=[entry(at=said)]))
    with engine.connect() as connection:
        row = connection.execute(select(audit_entry)).one()
    assert json.loads(row.body)["time"] == "2001-01-01T00:00:00.000000Z"
    assert started <= row.recorded_at <= datetime.now(UTC)
