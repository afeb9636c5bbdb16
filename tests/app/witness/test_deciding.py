"""Every answer of C2SP tlog-witness, and that only proven growth is ever cosigned."""

import threading
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.ledger.add_checkpoint import MAX_BODY, SIZE_TYPE, written
from app.ledger.cosignature import find_cosignature
from app.ledger.keys import PemSigner, new_key_pem
from app.ledger.note import claimed_checkpoint, open_checkpoint, split_note
from app.witness.deciding import Reply, Witness
from app.witness.memory import Memory, MemoryDamaged, WitnessBusy
from tests.app.witness.growing import ORIGIN, GrowingLog

NOW = 1_900_000_000


@pytest.fixture
def log() -> GrowingLog:
    return GrowingLog()


@pytest.fixture
def witness(tmp_path: Path, log: GrowingLog) -> Witness:
    return made(tmp_path, log)


def made(path: Path, *logs: GrowingLog) -> Witness:
    known = {each.origin: (each.key,) for each in logs}
    signer = PemSigner(new_key_pem(), "witness")
    return Witness("witness.test/w1", signer, known, Memory(path / "state"), lambda: NOW)


def ask(witness: Witness, log: GrowingLog, old: int, size: int, twist: int = 0) -> Reply:
    """An honest request of this log, or of its other history."""
    proof = log.proof(old, size, twist) if old <= size else ()
    return witness.add_checkpoint(written(old, proof, log.note(size, twist)))


def test_growth_is_cosigned_and_each_time_under_the_clock(witness, log):
    for old, size in ((0, 3), (3, 3), (3, 8), (8, 300)):
        reply = ask(witness, log, old, size)
        assert reply.status == 200, reply.body
        text, _ = split_note(log.note(size))
        found = find_cosignature(text, [reply.body.rstrip("\n")], witness.key)
        assert (found.time, found.line) == (NOW, reply.body)
    kept = witness.last(ORIGIN)
    assert kept.status == 200
    assert open_checkpoint(kept.body, [log.key]).size == 300
    assert kept.body.endswith(reply.body)


def test_an_empty_log_may_be_cosigned_and_grow(witness, log):
    assert ask(witness, log, 0, 0).status == 200
    assert ask(witness, log, 0, 5).status == 200


def test_an_old_size_that_is_not_the_last_gets_the_last(witness, log):
    ask(witness, log, 0, 8)
    for old, size in ((0, 9), (3, 9), (0, 5), (9, 12)):
        reply = ask(witness, log, old, size)
        assert (reply.status, reply.body, reply.media_type) == (409, "8\n", SIZE_TYPE)


def test_what_does_not_extend_the_last_is_not_cosigned(witness, log):
    ask(witness, log, 0, 8)
    # The same size with another root, a fork that grew, and an honest tree with another's proof.
    assert ask(witness, log, 8, 8, twist=1).status == 422
    assert ask(witness, log, 8, 9, twist=1).status == 422
    wrong = written(8, log.proof(7, 9), log.note(9))
    assert witness.add_checkpoint(wrong).status == 422
    for proof in ((), (*log.proof(8, 9), bytes(32)), log.proof(8, 9)[:-1]):
        assert witness.add_checkpoint(written(8, proof, log.note(9))).status == 422
    assert claimed_checkpoint(witness.last(ORIGIN).body).size == 8
    assert ask(witness, log, 8, 9).status == 200


def test_a_first_checkpoint_has_no_proof(witness, log):
    assert witness.add_checkpoint(written(0, (bytes(32),), log.note(4))).status == 422
    assert witness.last(ORIGIN).status == 404


def test_an_empty_tree_has_one_root_only(witness, log):
    lying = log.note(0).replace(b64encode(log.root(0)).decode(), b64encode(bytes(32)).decode())
    assert witness.add_checkpoint(written(0, (), lying)).status == 403
    log.root = lambda size, twist=0: bytes(32)
    assert witness.add_checkpoint(written(0, (), log.note(0))).status == 422


def test_strangers_are_refused(witness, log):
    other = PemSigner(new_key_pem(), "other")
    assert witness.add_checkpoint(written(0, (), log.note(3, 0, other))).status == 403
    changed = log.note(3).replace("\n3\n", "\n4\n")
    assert witness.add_checkpoint(written(0, (), changed)).status == 403
    unknown = GrowingLog("log.test/two", log.signer)
    assert witness.add_checkpoint(written(0, (), unknown.note(3))).status == 404
    assert witness.last("log.test/two").status == 404


def test_unknown_signatures_are_ignored_and_not_kept(witness, log):
    stranger = PemSigner(new_key_pem(), "other")
    both = log.note(3, 0, stranger, log.signer)
    assert witness.add_checkpoint(written(0, (), both)).status == 200
    filling = "".join(
        f"\u2014 x{number} {b64encode(bytes(80)).decode()}\n" for number in range(400)
    )
    reply = witness.add_checkpoint(written(3, log.proof(3, 4), log.note(4) + filling))
    assert reply.status == 200
    kept = witness.last(ORIGIN).body
    assert len(split_note(kept)[1]) == 2
    assert "x399" not in kept


HASH = b64encode(bytes(32)) + b"\n"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (b"old 0\n", b"old\n", "first line"),
        (b"old 0\n", b"size 0\n", "first line"),
        (b"old 0\n", b"old 00\n", "leading zeroes"),
        (b"old 0\n", b"old -1\n", "first line"),
        (b"old 0\n", b"old " + b"9" * 30 + b"\n", "first line"),
        (b"old 0\n", b"old 5\n", "above the checkpoint"),
        (b"old 0\n", b"old 0\nAAAA\n", "proof line 1"),
        (b"old 0\n", b"old 0\n" + HASH + b"AAAA\n", "proof line 2"),
        (b"old 0\n", b"old 0\n!\n", "base64"),
        (b"old 0\n", b"old 0\n" + HASH * 64, "at most 63"),
        (b"old 0\n", b"\xffold 0\n", "UTF-8"),
        (b"\n3\n", b"\n03\n", "decimal"),
        (b"\n3\n", b"\n3\n\n", "three lines"),
        (b"\n\n\xe2", b"\nan extension\n\n\xe2", "three lines"),
        (b"\n\n\xe2", b"\n\xe2", "empty line"),
        (b"\xe2\x80\x94 ", b"- ", "em dash"),
    ],
)
def test_a_malformed_request_says_what_is_wrong(witness, log, old, new, why):
    body = written(0, (), log.note(3))
    changed = body.replace(old, new)
    if why == "empty line":
        changed = b"old 0\n" + log.note(3).encode().replace(b"\n\n", b"\n")
    assert changed != body
    reply = witness.add_checkpoint(changed)
    assert reply.status == 400, reply
    assert why in reply.body
    assert witness.last(ORIGIN).status == 404


def test_an_empty_and_an_endless_request_are_malformed(witness, log):
    assert witness.add_checkpoint(b"").status == 400
    assert witness.add_checkpoint(written(0, (), log.note(3))[:-1]).status == 400
    endless = written(0, (), log.note(3)) + b"x" * MAX_BODY
    assert "at most" in witness.add_checkpoint(endless).body


def test_of_requests_at_one_time_none_rolls_another_back(witness, log):
    """The race that the specification warns of: check, check, persist, persist."""
    ask(witness, log, 0, 4)
    bodies = [written(4, log.proof(4, size), log.note(size)) for size in range(5, 37)]
    gate = threading.Barrier(8)

    def send(chunk: list[bytes]) -> list[Reply]:
        gate.wait(timeout=30)
        return [witness.add_checkpoint(body) for body in chunk]

    with ThreadPoolExecutor(8) as pool:
        replies = [r for chunk in pool.map(send, [bodies[i::8] for i in range(8)]) for r in chunk]
    accepted = [reply for reply in replies if reply.status == 200]
    assert len(accepted) == 1
    last = claimed_checkpoint(witness.last(ORIGIN).body).size
    assert {r.body for r in replies if r.status == 409} == {f"{last}\n"}


def test_what_it_cosigned_survives_a_restart_and_a_failed_write(tmp_path, log, monkeypatch):
    first = made(tmp_path, log)
    assert ask(first, log, 0, 4).status == 200
    kept = first.last(ORIGIN).body

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        ask(first, log, 4, 6)
    monkeypatch.undo()
    assert first.last(ORIGIN).body == kept
    assert list((tmp_path / "state").glob(".new-*")) == []
    first._memory.close()
    again = made(tmp_path, log)
    assert again.last(ORIGIN).body == kept
    assert ask(again, log, 0, 6).body == "4\n"


def test_one_directory_has_one_witness(tmp_path, log):
    first = made(tmp_path, log)
    with pytest.raises(WitnessBusy, match="Another witness"):
        made(tmp_path, log)
    first._memory.close()
    made(tmp_path, log)


def test_a_damaged_memory_cosigns_nothing(witness, log, tmp_path):
    ask(witness, log, 0, 4)
    (path,) = (tmp_path / "state").glob("*.checkpoint")
    for damage in ("", "nonsense", GrowingLog("log.test/two").note(2)):
        path.write_text(damage, "utf-8")
        with pytest.raises(MemoryDamaged):
            ask(witness, log, 4, 5)


def test_several_logs_are_kept_apart(tmp_path):
    one, two = GrowingLog(), GrowingLog("log.test/two")
    witness = made(tmp_path, one, two)
    assert ask(witness, one, 0, 4).status == 200
    assert ask(witness, two, 0, 7).status == 200
    assert ask(witness, one, 4, 5).status == 200
    assert witness.last(None).status == 404
    assert "log.test/two" in witness.last(None).body
    assert claimed_checkpoint(witness.last("log.test/two").body).size == 7
