"""Each kind of anchor against a log that grows, forks and shrinks."""

import json
from base64 import b64encode
from pathlib import Path

import pytest

from app.ledger.anchors.anchor import AnchorAhead, AnchorUnavailable, ContradictedByAnchor
from app.ledger.anchors.configured import local_anchors, remote_anchors
from app.ledger.anchors.file import FileAnchor
from app.ledger.anchors.put import PutAnchor
from app.ledger.anchors.witness import WitnessAnchor
from app.ledger.cosignature import WitnessKey, find_cosignature
from app.ledger.keys import PemSigner, new_key_pem
from app.ledger.note import Checkpoint, claimed_checkpoint
from app.ledger.reading import SignedCheckpoint
from app.outbound import Outbound
from app.settings import Settings, SettingsError
from app.witness.deciding import Witness
from app.witness.memory import Memory
from tests.app.ledger.anchors.far import OUTBOUND, Far, far_away
from tests.app.witness.growing import GrowingLog


@pytest.fixture
def log() -> GrowingLog:
    return GrowingLog()


@pytest.fixture
def far():
    with far_away() as started:
        yield started


def hold(anchor, log: GrowingLog, size: int, twist: int = 0) -> None:
    signed = SignedCheckpoint(
        Checkpoint(log.origin, size, log.root(size, twist)), log.note(size, twist)
    )
    anchor.hold(signed, lambda old: log.proof(old, size, twist))


def lines(path: Path) -> list[int]:
    notes = [json.loads(line)["note"] for line in path.read_text("utf-8").splitlines()]
    return [claimed_checkpoint(note).size for note in notes]


def test_the_file_gets_each_size_once(tmp_path, log):
    path = tmp_path / "new" / "anchor.jsonl"
    for size in (0, 3, 3, 8, 300):
        hold(FileAnchor(path), log, size)
    assert lines(path) == [0, 3, 8, 300]
    assert path.read_text("utf-8").endswith("\n")
    assert json.loads(path.read_text("utf-8").splitlines()[-1])["note"] == log.note(300)


def test_the_file_knows_a_cut_a_rewritten_and_another_log(tmp_path, log):
    path = tmp_path / "anchor.jsonl"
    hold(FileAnchor(path), log, 8)
    with pytest.raises(AnchorAhead, match="8 entries"):
        hold(FileAnchor(path), log, 5)
    for size in (8, 9):
        with pytest.raises(ContradictedByAnchor, match="rewritten"):
            hold(FileAnchor(path), log, size, twist=1)
    with pytest.raises(ContradictedByAnchor, match=r"belongs to the log log\.test/one"):
        hold(FileAnchor(path), GrowingLog("log.test/two"), 9)
    assert lines(path) == [8]


def test_a_line_that_a_power_cut_tore_is_passed_over(tmp_path, log):
    path = tmp_path / "anchor.jsonl"
    hold(FileAnchor(path), log, 3)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"at": "2026-11-26T00:00:00Z", "note": "log.te')
    with pytest.raises(AnchorAhead):
        hold(FileAnchor(path), log, 2)
    hold(FileAnchor(path), log, 5)
    first, torn, last = path.read_bytes().splitlines()
    assert first + b"\n" == whole
    assert torn.endswith(b"log.te")
    assert claimed_checkpoint(json.loads(last)["note"]).size == 5


def test_a_long_file_is_read_from_its_end(tmp_path, log):
    path = tmp_path / "anchor.jsonl"
    hold(FileAnchor(path), log, 4)
    path.write_bytes(path.read_bytes() * 3000)
    assert path.stat().st_size > 512 * 1024
    hold(FileAnchor(path), log, 6)
    with pytest.raises(AnchorAhead):
        hold(FileAnchor(path), log, 5)


def test_a_file_that_cannot_be_used_is_unavailable(tmp_path, log):
    other = tmp_path / "notes.txt"
    other.write_text("my notes\n", "utf-8")
    with pytest.raises(AnchorUnavailable, match="another file"):
        hold(FileAnchor(other), log, 3)
    assert other.read_text("utf-8") == "my notes\n"
    with pytest.raises(AnchorUnavailable, match="directory"):
        hold(FileAnchor(tmp_path), log, 3)


def test_a_target_gets_the_newest_checkpoint(far: Far, log):
    anchor = PutAnchor(f"{far.url}/anchor", "s3cret", OUTBOUND)
    hold(anchor, log, 3)
    hold(anchor, log, 5)
    assert far.objects == {"/anchor": log.note(5).encode()}
    # It is read once; after that this process knows what it put there.
    token = "Bearer s3cret"
    assert far.seen == [(verb, "/anchor", token) for verb in ("GET", "PUT", "PUT")]
    with pytest.raises(AnchorAhead):
        hold(PutAnchor(f"{far.url}/anchor", None, OUTBOUND), log, 4)
    with pytest.raises(ContradictedByAnchor, match="rewritten"):
        hold(PutAnchor(f"{far.url}/anchor", None, OUTBOUND), log, 6, twist=1)
    with pytest.raises(ContradictedByAnchor, match="holds the log"):
        hold(PutAnchor(f"{far.url}/anchor", None, OUTBOUND), GrowingLog("log.test/two"), 6)


def test_a_target_with_a_size_keeps_each_and_overwrites_none(far: Far, log):
    anchor = PutAnchor(f"{far.url}/log/{{size}}", None, OUTBOUND)
    hold(anchor, log, 3)
    hold(anchor, log, 5)
    hold(PutAnchor(f"{far.url}/log/{{size}}", None, OUTBOUND), log, 5)
    assert sorted(far.objects) == ["/log/3", "/log/5"]
    with pytest.raises(ContradictedByAnchor, match="rewritten"):
        hold(anchor, log, 5, twist=1)
    assert far.objects["/log/5"] == log.note(5).encode()


@pytest.mark.parametrize("status", [302, 401, 500])
def test_a_target_that_refuses_is_unavailable(far: Far, log, status):
    far.status = status
    for url in (f"{far.url}/anchor", f"{far.url}/{{size}}"):
        with pytest.raises(AnchorUnavailable, match=str(status)):
            hold(PutAnchor(url, None, OUTBOUND), log, 3)


def test_a_target_that_is_not_there_or_not_allowed_is_unavailable(log):
    with far_away() as gone:
        url = f"{gone.url}/anchor"
    with pytest.raises(AnchorUnavailable, match=r"127\.0\.0\.1"):
        hold(PutAnchor(url, None, OUTBOUND), log, 3)
    with pytest.raises(AnchorUnavailable, match="CLEARANCE_OUTBOUND_ALLOW"):
        hold(PutAnchor(url, None, Outbound()), log, 3)


def test_a_target_that_holds_something_else_is_left_alone(far: Far, log):
    far.objects["/anchor"] = b"somebody's page"
    with pytest.raises(AnchorUnavailable, match="no checkpoint"):
        hold(PutAnchor(f"{far.url}/anchor", None, OUTBOUND), log, 3)
    assert far.objects["/anchor"] == b"somebody's page"


@pytest.fixture
def witnessed(far: Far, log, tmp_path):
    """A witness behind HTTP, the anchor that asks it, and what was kept."""
    signer = PemSigner(new_key_pem(), "witness")
    logs = {log.origin: (log.key,)}
    far.witness = Witness("w.test/1", signer, logs, Memory(tmp_path / "w"), lambda: 1_900_000_000)
    kept = []

    def again(key: WitnessKey = far.witness.key) -> WitnessAnchor:
        return WitnessAnchor(key, far.url + "/", OUTBOUND, lambda *item: kept.append(item))

    return again, kept


def test_a_witness_cosigns_growth_and_the_line_is_kept(far: Far, log, witnessed):
    again, kept = witnessed
    anchor = again()
    for size in (3, 5, 300):
        hold(anchor, log, size)
    assert [size for size, _, _ in kept] == [3, 5, 300]
    size, key, found = kept[-1]
    text = Checkpoint(log.origin, size, log.root(size)).text()
    assert find_cosignature(text, [found.line.rstrip("\n")], key) == found
    # A process that starts anew learns the last size from the witness itself.
    hold(again(), log, 301)
    assert kept[-1][0] == 301


def test_a_witness_that_saw_more_or_another_history_says_so(log, witnessed):
    again, _ = witnessed
    hold(again(), log, 8)
    with pytest.raises(AnchorAhead, match="8"):
        hold(again(), log, 5)
    for size in (8, 9):
        with pytest.raises(ContradictedByAnchor, match=r"w\.test/1 cosigned 8 entries"):
            hold(again(), log, size, twist=1)


def test_an_answer_that_proves_nothing_is_unavailable(far: Far, log, witnessed):
    again, kept = witnessed
    stranger = WitnessKey("w.test/1", PemSigner(new_key_pem(), "x").public_key)
    with pytest.raises(AnchorUnavailable, match="has not cosigned"):
        hold(again(stranger), log, 3)
    assert far.witness is not None
    line = f"\u2014 w.test/1 {b64encode(far.witness.key.key_id + bytes(72)).decode()}\n"
    for status, body, why in (
        (200, b"", "cosignature is not valid"),
        (200, line.encode(), "does not match"),
        (200, b"\xff\n", "not valid"),
        (403, b"", "does not know the log's key"),
        (404, b"", "does not know this log"),
        (400, b"", "did not understand"),
        (500, b"", "answered 500"),
        (409, b"12\n", "without its last size"),
    ):
        far.status, far.body = status, body
        with pytest.raises(AnchorUnavailable, match=why):
            hold(again(), log, 4)
    assert kept == []


def test_settings_name_the_anchors(tmp_path):
    key = str(WitnessKey("w.test/1", bytes(32)))
    given = Settings(
        data_dir=tmp_path,
        anchor_url="https://store.test/{size}",
        witnesses=((key, "https://w.test"),),
    )
    assert [anchor.name for anchor in local_anchors(given)] == ["file"]
    found = [anchor.name for anchor in remote_anchors(given, lambda *_: None)]
    assert found == ["put", "witness w.test/1"]
    assert local_anchors(Settings(anchor_file=Path("none"))) == []
    for wrong in (
        Settings(witnesses=(("w.test+x+y", "https://w.test"),)),
        Settings(witnesses=((key, "ftp://w.test"),)),
        Settings(anchor_url="https://user:secret@store.test/x"),
    ):
        with pytest.raises(SettingsError, match=r"CLEARANCE_WITNESSES|cannot be called") as caught:
            remote_anchors(wrong, lambda *_: None)
        assert "secret" not in str(caught.value)


def test_the_place_of_the_file_follows_the_deployment(tmp_path):
    beside = Settings(database_url=f"sqlite:///{tmp_path}/c.db").anchor_path
    assert beside == tmp_path / "clearance-anchor.jsonl"
    server = "postgresql://u@h/d"
    given = Settings(database_url=server, data_dir=tmp_path).anchor_path
    assert given == tmp_path / "clearance-anchor.jsonl"
    assert Settings(database_url=server).anchor_path == Path("clearance-anchor.jsonl")
    assert Settings(anchor_file=Path("none")).anchor_path is None
