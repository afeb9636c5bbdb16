"""The verifier against archives that were cut, reordered, swapped, packed as bombs, or edited."""

import io
import json
import subprocess
import sys
import zlib
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app import verifier
from app.ledger.tile_paths import TilePath
from app.verifier import TAMPERED, UNANCHORED, VERIFIED, Archive, Broken, Key, NoRecord, Trust
from tests.app.audit.keys import Cosigner, key_with_plus
from tests.app.audit.records import Parts, changed, judged, parts, together

HERE = Path(verifier.__file__)


def failure(record: bytes, trust: Trust | None = None) -> str:
    report = judged(record, trust)
    assert report.verdict == TAMPERED, report
    assert report.exit_code == 1
    return report.claims[-1]


def entry_of(found: Parts, index: int) -> tuple[str, int, bytes]:
    """(bundle, where in it the body begins, body) of an entry."""
    name = next(n for n in found if n.startswith(f"tile/entries/{index // 256:03d}"))
    bundle, at = found[name], 0
    for _ in range(index % 256):
        at += 2 + int.from_bytes(bundle[at : at + 2])
    size = int.from_bytes(bundle[at : at + 2])
    return name, at + 2, bundle[at + 2 : at + 2 + size]


def test_a_whole_record_is_valid_and_never_called_verified(record):
    report = judged(record)
    assert (report.verdict, report.exit_code) == (UNANCHORED, 3)
    assert report.size is not None
    assert report.size > 256
    assert "VERIFIED" not in verifier.words(report)


@pytest.mark.parametrize("index", [0, 17, 255, 256, 300])
def test_an_edited_entry_is_named(record, index):
    def edit(found: Parts) -> None:
        name, at, body = entry_of(found, index)
        bundle = bytearray(found[name])
        bundle[at + len(body) // 2] ^= 1
        found[name] = bytes(bundle)

    report = judged(changed(record, edit))
    assert report.bad == (index, index)
    assert f"the first bad one is entry {index}" in verifier.words(report)


def test_entries_that_changed_places_are_named(record):
    def swap(found: Parts) -> None:
        name, at, first = entry_of(found, 40)
        _, _, second = entry_of(found, 41)
        both = b"".join(len(body).to_bytes(2) + body for body in (second, first))
        found[name] = found[name][: at - 2] + both + found[name][at - 2 + len(both) :]

    assert judged(changed(record, swap)).bad == (40, 40)


def test_an_entry_rehashed_in_its_tile_is_found_by_the_checkpoints(record):
    def edit(found: Parts) -> None:
        name, at, body = entry_of(found, 17)
        altered = body[:9] + bytes([body[9] ^ 1]) + body[10:]
        found[name] = found[name][:at] + altered + found[name][at + len(body) :]
        leaf = sha256(b"\0" + altered).digest()
        tile = found["tile/0/000"]
        found["tile/0/000"] = tile[: 17 * 32] + leaf + tile[18 * 32 :]

    first, last = judged(changed(record, edit)).bad or (0, 0)
    assert first <= 17 <= last
    assert last - first < 8


@pytest.mark.parametrize("keep", [0, 1, 511, 512, 700, 5000, 0.5, 0.99, -1, -512, -1024])
def test_a_cut_archive_is_refused(record, keep):
    size = int(len(record) * keep) if isinstance(keep, float) else keep
    try:
        said = failure(record[:size])
    except NoRecord as error:
        said = str(error)
        assert size == 0
    assert "cut off" in said


def test_bytes_after_the_end_are_refused(record):
    assert "goes on after its end" in failure(record + b"x")


def test_members_in_another_order_are_refused(record):
    found = list(parts(record).items())
    for first in (1, 2, 3, 4, 6, len(found) // 2, len(found) - 2):
        swapped = [*found[:first], found[first + 1], found[first], *found[first + 2 :]]
        assert failure(together(swapped)), first


def test_a_member_that_is_missing_or_stands_twice_is_named(record):
    found = list(parts(record).items())
    for at in (2, 4, 5, 8, len(found) // 2, len(found) - 2):
        name = found[at][0]
        assert failure(together([*found[:at], *found[at + 1 :]])), name
        assert failure(together([*found[: at + 1], *found[at:]])), name


def test_evidence_that_was_changed_names_its_entry(record):
    found = parts(record)
    name = next(n for n in found if n.startswith("documents/"))
    report = judged(changed(record, lambda p: p.update({name: found[name] + b" "})))
    assert report.verdict == TAMPERED
    assert report.bad is not None
    index = report.bad[0]
    assert name.removeprefix("documents/").encode() in entry_of(found, index)[2]


def test_a_zip_bomb_is_refused_before_it_unpacks(record, monkeypatch):
    monkeypatch.setattr(verifier, "MAX_EVIDENCE", 3 * 1024 * 1024)
    bomb = zlib.compress(bytes(1024 * 1024 * 64), 9)
    name = f"evidence/{sha256(bytes(1024 * 1024 * 64)).hexdigest()}.zlib"
    found = [(n, c) for n, c in parts(record).items() if not n.startswith(("evidence", "pol", "e"))]
    said = failure(together([*found, (name, bomb)]))
    assert "unpacks to more than 3145728 bytes" in said
    taken: list[int] = []
    with pytest.raises(Broken):
        taken.extend(len(chunk) for chunk in verifier.unpacked([bomb], "the bomb"))
    assert sum(taken) <= 3 * 1024 * 1024


@pytest.mark.parametrize(
    ("packed", "said"),
    [
        (b"not packed", "does not unpack"),
        (zlib.compress(b"x" * 1000)[:-4], "is cut off"),
        (zlib.compress(b"x" * 1000) + b"tail", "goes on after its end"),
    ],
)
def test_damaged_packed_evidence_is_refused(packed, said):
    with pytest.raises(Broken, match=said):
        list(verifier.unpacked([packed], "it"))


@pytest.mark.parametrize("size", [0, 1, 1000, 1024 * 1024, 5_000_001])
def test_packed_evidence_comes_out_whole(size):
    content = (b"0123456789" * (size // 10 + 1))[:size]
    packed = zlib.compress(content, 1)
    pieces = [packed[at : at + 97] for at in range(0, len(packed), 97)]
    assert b"".join(verifier.unpacked(pieces, "it")) == content


def test_what_is_no_archive_is_wrong_usage():
    for content in (b"", b"\x1f\x8b" + bytes(600), b"PK\x03\x04" + bytes(600), b"x" * 2000):
        with pytest.raises((NoRecord, Broken)) as caught:
            list(Archive(io.BytesIO(content)))
        assert content == b"" or caught.type is NoRecord


def test_an_archive_of_another_deployment_is_told_apart(record, other):
    key = Key.parse(json.loads(parts(record)["keys.json"])["log"][0])
    assert "none of the keys that you trust" in failure(other, Trust(keys=(key,)))
    assert judged(record, Trust(keys=(key,))).verdict == UNANCHORED
    kept = kept_from(record)
    assert "another log" in failure(other, Trust(since=(kept,)))


def kept_from(record: bytes, size: int | None = None) -> verifier.Kept:
    """A checkpoint as somebody would have kept it."""
    found = parts(record)
    notes = [
        n for name in found if name.startswith("checkpoints/") for n in json.loads(found[name])
    ]
    note = next(n for n in notes if size is None or int(n.split("\n")[1]) >= size)
    return verifier.Kept(verifier.Note.parse(note if size else notes[-1], "it"), "kept.txt")


def test_members_of_another_deployment_do_not_fit(record, other):
    foreign = parts(other)
    for name in ("checkpoint", "keys.json", "tile/entries/000", "checkpoints/0.json", "tile/0/000"):
        assert failure(together(parts(record) | {name: foreign[name]})), name


def test_an_older_checkpoint_makes_it_verified(record):
    report = judged(record, Trust(since=(kept_from(record, 200),)))
    assert (report.verdict, report.exit_code) == (VERIFIED, 0)
    assert any("rest on the log's key alone" in claim for claim in report.claims)
    whole = judged(record, Trust(since=(kept_from(record),)))
    assert whole.verdict == VERIFIED
    assert not any("rest on the log's key alone" in claim for claim in whole.claims)


def test_old_entries_that_no_copy_covers_are_stale(record):
    later = datetime.now(UTC) + timedelta(hours=25)
    report = judged(record, Trust(since=(kept_from(record, 200),), now=later))
    assert (report.verdict, report.exit_code) == (verifier.STALE, 3)


def test_a_kept_checkpoint_that_the_operator_holds_is_self_anchored(record):
    report = judged(record, Trust(own=(kept_from(record),)))
    assert (report.verdict, report.exit_code) == (verifier.SELF_ANCHORED, 3)


def test_a_kept_checkpoint_with_another_root_is_a_rewrite(record):
    kept = kept_from(record, 100)
    altered = replace(kept, note=replace(kept.note, root=bytes(32)))
    report = judged(record, Trust(since=(altered,)))
    assert report.verdict == TAMPERED
    assert "history was rewritten" in report.claims[-1]
    assert report.bad == (0, kept.note.size - 1)


def test_duplicate_keys_are_refused(record):
    def double(found: Parts) -> None:
        found["archive.json"] = found["archive.json"].replace(b'{"e', b'{"size":1,"e')

    assert "stands twice" in failure(changed(record, double))


@pytest.mark.parametrize(
    "change",
    [
        lambda n: n.replace("\n\n", "\nextra\n\n"),
        lambda n: n.replace("\n\n", "\n"),
        lambda n: n.split("\n\n")[0] + "\n\n",
        lambda n: n.replace("clearance.test/log\n", "clearance.test/other\n", 1),
        lambda n: n.replace("\n", "\n0", 1),
        lambda n: n + "junk\n",
        lambda n: n.replace("\u2014", "-"),
        lambda n: "",
        lambda n: n.split("\n\n")[0] + "\n\n\u2014 clearance.test/log AAAAAAAA\n",
    ],
)
def test_a_malformed_newest_checkpoint_is_refused(record, change):
    def edit(found: Parts) -> None:
        found["checkpoint"] = change(found["checkpoint"].decode()).encode()

    assert "checkpoint" in failure(changed(record, edit))


def test_unknown_signatures_are_ignored_and_named(record):
    line = f"\u2014 stranger.test/w {b64encode(bytes(76)).decode()}\n"

    def edit(found: Parts) -> None:
        found["checkpoint"] += line.encode()

    report = judged(changed(record, edit))
    assert report.verdict == UNANCHORED
    assert any("stranger.test/w was ignored" in claim for claim in report.claims)


@pytest.mark.parametrize(
    "text", ["", "a+b", "name+00000000+AQ==", "a+b+c+d", "n+11223344+" + "A" * 44, "\u2014"]
)
def test_a_key_that_is_none_is_wrong_usage(text):
    with pytest.raises(NoRecord):
        Key.parse(text)


def test_a_key_may_contain_plus_signs():
    assert Key.parse(str(key_with_plus())) == key_with_plus()
    assert str(key_with_plus()).count("+") > 2


@pytest.mark.parametrize("number", [0, 5, 999, 1000, 1234067, 10**9])
def test_tiles_have_the_paths_of_the_service(number):
    for width in (256, 17):
        assert verifier.tile_path("0", number, width) == f"tile/{TilePath(0, number, width)}"


def test_it_runs_alone(archive, record, tmp_path):
    """As an auditor would: the file copied elsewhere, without Clearance on the path."""
    copy = tmp_path / "elsewhere" / "verifier.py"
    copy.parent.mkdir()
    copy.write_bytes(HERE.read_bytes())
    kept = tmp_path / "kept.txt"
    kept.write_bytes(parts(record)["checkpoint"])

    def run(*arguments: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-W", "error", copy, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    plain = run(archive)
    assert (plain.returncode, plain.stderr) == (3, "")
    assert plain.stdout.startswith("VALID, BUT UNANCHORED  clearance.test/log")
    anchored = run(archive, "--since", kept, "--json")
    assert anchored.returncode == 0
    assert json.loads(anchored.stdout)["verdict"] == VERIFIED
    archive.write_bytes(record[:-2000])
    assert run(archive).returncode == 1
    assert run(archive.with_name("none")).returncode == 2
    assert run().returncode == 2


def cosigned(record: bytes, witness: Cosigner, *when: tuple[int, datetime]) -> bytes:
    """The record, in which a witness cosigned the first checkpoint of at least each size."""
    found = parts(record)
    for name in [name for name in found if name.startswith("checkpoints/")]:
        notes = json.loads(found[name])
        for least, time in when:
            at = next((i for i, n in enumerate(notes) if int(n.split("\n")[1]) >= least), None)
            if at is not None and least > 256 * int(name[12:-5]):
                notes[at] += witness.line(notes[at], time)
        found[name] = json.dumps(notes).encode()
    return together(found)


def test_a_witness_makes_it_verified(record):
    witness, now = Cosigner("witness.test/w"), datetime.now(UTC)
    report = judged(cosigned(record, witness, (250, now)), Trust(witnesses=(witness.key,)))
    assert report.verdict == VERIFIED
    assert any("witness.test/w cosigned 25" in claim for claim in report.claims)


def test_a_witness_that_nobody_trusts_counts_for_nothing(record):
    witness = Cosigner("witness.test/w")
    by_stranger = cosigned(record, Cosigner("witness.test/w"), (250, datetime.now(UTC)))
    assert judged(by_stranger, Trust(witnesses=(witness.key,))).verdict == UNANCHORED
    assert judged(by_stranger).verdict == UNANCHORED


def test_a_false_cosignature_is_tampering(record):
    witness, now = Cosigner("witness.test/w"), datetime.now(UTC)
    found = parts(cosigned(record, witness, (250, now)))
    notes = json.loads(found["checkpoints/0.json"])
    donor = next(n for n in notes if "witness.test/w" in n)
    line = donor[donor.index("\u2014 witness.test/w") :]
    found["checkpoint"] += line.encode()
    said = failure(together(found), Trust(witnesses=(witness.key,)))
    assert "cosignature of witness.test/w" in said


def test_an_entry_must_claim_a_time_between_the_cosigned_checkpoints(record):
    """Appended with an old time: only who saw the log before and after can tell."""
    witness = Cosigner("witness.test/w")
    trust = Trust(witnesses=(witness.key,))
    future = datetime.now(UTC) + timedelta(hours=1)
    early = judged(cosigned(record, witness, (100, future)), trust)
    assert early.verdict == TAMPERED
    assert early.bad is not None
    assert 100 <= early.bad[0] <= 110
    assert "after a witness had cosigned" in early.claims[-1]
    past = datetime.now(UTC) - timedelta(hours=1)
    late = judged(cosigned(record, witness, (100, past)), trust)
    assert late.verdict == TAMPERED
    assert "a witness saw it at" in late.claims[-1]


def test_each_signature_is_checked_where_that_is_wanted(record):
    def edit(found: Parts) -> None:
        notes = json.loads(found["checkpoints/0.json"])
        notes[5] = notes[5][:-12] + "AAAAAAA=" + "\n"
        found["checkpoints/0.json"] = json.dumps(notes).encode()

    assert judged(changed(record, edit)).verdict == UNANCHORED
    assert failure(changed(record, edit), Trust(every_signature=True))
