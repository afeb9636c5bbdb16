"""The database against its anchors: at the start, while it runs, and after each attack."""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from app.ledger.anchors.anchor import ContradictedByAnchor
from app.ledger.anchors.keeping import Anchoring
from app.ledger.cosignature import WitnessKey, find_cosignature
from app.ledger.keys import PemSigner, log_signer, new_key_pem
from app.ledger.note import claimed_checkpoint, split_note
from app.ledger.reading import cosigned
from app.ledger.tables import audit_cosignature, audit_head
from app.ledger.work import LedgerUnavailable, Work
from app.ledger.writer import Ledger
from app.settings import SettingsError, networks
from app.witness.deciding import Witness
from app.witness.memory import Memory
from tests.app.ledger.anchors.far import far_away
from tests.app.ledger.test_writer import tamper
from tests.app.ledger.works import entry, work


@pytest.fixture
def far():
    with far_away() as started:
        yield started


@pytest.fixture
def settings(settings):
    """As by default, but that a second is long enough between two looks."""
    return replace(settings, anchor_seconds=1, outbound_allow=networks("127.0.0.0/8"))


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def grow(ledger: Ledger, count: int = 3) -> None:
    for _ in range(count):
        ledger.commit_sync(work(entries=1))


def anchored(path: Path) -> list[int]:
    lines = path.read_text("utf-8").splitlines()
    return [claimed_checkpoint(json.loads(line)["note"]).size for line in lines]


def started(engine, settings) -> Ledger:
    ledger = Ledger(engine, settings, log_signer(settings))
    ledger.start()
    return ledger


def cut(engine, head) -> None:
    """As after restoring a backup: everything of the log is that of an earlier time."""
    tamper(
        engine,
        f'DELETE FROM audit_entry WHERE "index" >= {head.size}',
        f"DELETE FROM audit_checkpoint WHERE size > {head.size}",
        f"DELETE FROM audit_cosignature WHERE size > {head.size}",
    )
    with engine.begin() as connection:
        connection.execute(audit_head.update().values(size=head.size, edge=head.edge))


def head_of(engine):
    with engine.connect() as connection:
        return connection.execute(select(audit_head)).one()


def test_what_grew_is_anchored_while_nobody_waits(engine, settings, ledger):
    anchoring = Anchoring(engine, ledger, settings)
    anchoring.require_held()
    assert anchored(settings.anchor_path) == [0]
    anchoring.start()
    grow(ledger)
    until(lambda: anchored(settings.anchor_path)[-1] == 3)
    until(lambda: anchoring.standings()[0].size == 3)
    standing = anchoring.standings()[0]
    assert (standing.name, standing.problem) == ("file", None)
    assert anchoring.waiting_since(standing) is None
    grow(ledger, 2)
    ledger.stop()
    anchoring.stop()
    assert anchored(settings.anchor_path)[-1] == 5


def test_a_database_behind_its_file_is_refused_and_the_way_out_named(engine, settings):
    ledger = started(engine, settings)
    grow(ledger)
    backup = head_of(engine)
    grow(ledger)
    Anchoring(engine, ledger, settings).require_held()
    ledger.stop()
    cut(engine, backup)
    again = started(engine, settings)
    with pytest.raises(ContradictedByAnchor) as caught:
        Anchoring(engine, again, settings).require_held()
    words = str(caught.value)
    assert "it has 3 log entries, and file holds a checkpoint of 6" in words
    assert "docs/anchors.md" in words
    # An insider with the log's key who goes on writing is no better off.
    grow(again, 5)
    with pytest.raises(ContradictedByAnchor, match="rewritten"):
        Anchoring(engine, again, settings).require_held()
    again.stop()


def test_a_backup_of_database_and_file_together_is_known_to_the_witness(
    engine, settings, far, tmp_path
):
    ledger = started(engine, settings)
    signer = PemSigner(new_key_pem(), "witness")
    logs = {ledger.origin: (ledger.verifier_key,)}
    far.witness = Witness("w.test/1", signer, logs, Memory(tmp_path / "w"), lambda: 1_900_000_000)
    settings = replace(settings, witnesses=((str(far.witness.key), far.url),))
    grow(ledger)
    Anchoring(engine, ledger, settings).require_held()
    backup = head_of(engine)
    shutil.copy(settings.anchor_path, tmp_path / "anchor.backup")
    grow(ledger)
    Anchoring(engine, ledger, settings).require_held()
    ledger.stop()
    cut(engine, backup)
    shutil.copy(tmp_path / "anchor.backup", settings.anchor_path)
    again = started(engine, settings)
    with pytest.raises(ContradictedByAnchor, match=r"3 log entries, and witness w\.test/1 .* 6"):
        Anchoring(engine, again, settings).require_held()
    again.stop()


def test_cosignatures_are_stored_once_and_never_changed(engine, settings, ledger, far, tmp_path):
    signer = PemSigner(new_key_pem(), "witness")
    logs = {ledger.origin: (ledger.verifier_key,)}
    far.witness = Witness("w.test/1", signer, logs, Memory(tmp_path / "w"), lambda: 1_900_000_000)
    settings = replace(settings, witnesses=((str(far.witness.key), far.url),))
    grow(ledger)
    for _ in range(2):
        Anchoring(engine, ledger, settings).require_held()
    grow(ledger, 1)
    keys = [ledger.verifier_key]
    with engine.connect() as connection:
        row = connection.execute(select(audit_cosignature)).one()
        found = cosigned(connection, keys)
        beyond = cosigned(connection, keys, above=3)
    assert (row.size, row.witness) == (3, str(far.witness.key))
    assert found.checkpoint.size == 3
    note_text, _ = split_note(found.note)
    line = found.note.rstrip("\n").rpartition("\n")[2]
    assert find_cosignature(note_text, [line], WitnessKey.parse(row.witness)).time == 1_900_000_000
    assert beyond.checkpoint.size == 4
    for statement in ("UPDATE audit_cosignature SET line = ''", "DELETE FROM audit_cosignature"):
        with pytest.raises(Exception, match="append-only"), engine.begin() as connection:
            connection.execute(text(statement))


@pytest.mark.parametrize("status", [422, 409])
def test_a_running_service_that_is_contradicted_closes_the_record(
    engine, settings, ledger, far, status
):
    key = str(WitnessKey("w.test/1", PemSigner(new_key_pem(), "w").public_key))
    settings = replace(settings, anchor_file=Path("none"), witnesses=((key, far.url),))
    far.status = 503
    anchoring = Anchoring(engine, ledger, settings)
    anchoring.require_held()
    (standing,) = anchoring.standings()
    assert standing.problem == "it answered 503"
    assert standing.size is None
    grow(ledger)
    assert anchoring.waiting_since(standing) is not None
    anchoring.start()
    far.status = status
    if status == 409:
        # It says that it has seen more than this database has.
        far.kind, far.body = "text/x.tlog.size", b"12\n"
    until(lambda: ledger.alarm is not None)
    with pytest.raises(LedgerUnavailable, match=r"history was rewritten|behind its anchor"):
        ledger.commit_sync(Work(entries=[entry()]))
    anchoring.stop()


def test_an_anchor_that_was_away_is_brought_up_to_date(engine, settings, ledger, far):
    settings = replace(settings, anchor_url=f"{far.url}/anchor", anchor_file=Path("none"))
    far.status = 500
    anchoring = Anchoring(engine, ledger, settings)
    anchoring.require_held()
    anchoring.start()
    grow(ledger)
    far.status = None
    until(lambda: anchoring.standings()[0].size == 3)
    assert anchoring.standings()[0].problem is None
    assert claimed_checkpoint(far.objects["/anchor"].decode()).size == 3
    anchoring.stop()


def test_another_process_that_writes_meanwhile_is_no_contradiction(engine, settings, ledger):
    other = started(engine, settings)
    mine, theirs = (Anchoring(engine, each, settings) for each in (ledger, other))
    for turn in range(4):
        grow((ledger, other)[turn % 2])
        (mine, theirs)[turn % 2].require_held()
    theirs.require_held()
    mine.require_held()
    assert anchored(settings.anchor_path) == [3, 6, 9, 12]
    other.stop()


def test_a_file_that_cannot_be_written_says_so_at_the_start(engine, settings, ledger, tmp_path):
    (tmp_path / "taken").write_text("", "utf-8")
    settings = replace(settings, anchor_file=tmp_path / "taken" / "anchor.jsonl")
    with pytest.raises(SettingsError, match="CLEARANCE_ANCHOR_FILE"):
        Anchoring(engine, ledger, settings).require_held()
