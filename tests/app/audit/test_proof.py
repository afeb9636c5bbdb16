"""A `.tlog-proof` checked offline: with its entry, the log's key and witnesses alone."""

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from app.verifier import (
    TAMPERED,
    UNANCHORED,
    VERIFIED,
    Key,
    NoRecord,
    Note,
    Report,
    Trust,
    is_proof,
    verify_proof,
)
from tests.app.audit.keys import Cosigner
from tests.app.audit.records import parts
from tests.app.audit.test_verifier import entry_of


def path_to(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1 as it is written down, slowly."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*path_to(index, leaves[:split]), root(leaves[split:])]
    return [*path_to(index - split, leaves[split:]), root(leaves[:split])]


def root(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()


class Proven:
    """An entry of the record, its proof as a file, and the key of the log."""

    def __init__(self, record: bytes, index: int, folder: Path) -> None:
        found = parts(record)
        names = sorted(name for name in found if name.startswith("tile/0/"))
        hashes = b"".join(found[name] for name in names)
        leaves = [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
        lines = [b64encode(node).decode() for node in path_to(index, leaves)]
        self.note = found["checkpoint"].decode()
        head = "\n".join(["c2sp.org/tlog-proof@v1", f"index {index}", *lines])
        self.text = f"{head}\n\n{self.note}"
        self.body = entry_of(found, index)[2]
        self.index, self.size = index, len(leaves)
        self.entry = folder / "entry"
        self.entry.write_bytes(self.body)
        self.file = folder / f"{index}.tlog-proof"
        self.key = Key.parse(json.loads(found["keys.json"])["log"][0])

    def judged(self, text: str | bytes | None = None, witnesses: tuple[Key, ...] = ()) -> Report:
        text = self.text if text is None else text
        self.file.write_bytes(text.encode() if isinstance(text, str) else text)
        trust = Trust(keys=(self.key,), witnesses=witnesses)
        return verify_proof(str(self.file), str(self.entry), trust)


@pytest.fixture
def proven(record: bytes, tmp_path: Path) -> Proven:
    return Proven(record, 17, tmp_path)


@pytest.mark.parametrize("index", [0, 1, 17, 255, 256, -2, -1])
def test_a_proof_holds_for_its_entry_and_no_other(record: bytes, index: int, tmp_path: Path):
    size = Note.parse(parts(record)["checkpoint"].decode(), "it").size
    proven = Proven(record, index % size, tmp_path)
    report = proven.judged()
    assert (report.verdict, report.exit_code) == (UNANCHORED, 3), report
    assert report.size == size
    proven.entry.write_bytes(b'{"a":1,' + proven.body[1:])
    forged = proven.judged()
    assert (forged.verdict, forged.bad) == (TAMPERED, (index % size, index % size))
    assert "do not lead from entry to the root" in forged.claims[-1]


def test_a_witness_makes_it_verified(record: bytes, tmp_path: Path):
    proven = Proven(record, 0, tmp_path)
    witness, now = Cosigner("witness.test/w"), datetime.now(UTC)
    text = proven.text + witness.line(proven.note, now)
    report = proven.judged(text, (witness.key,))
    assert (report.verdict, report.exit_code) == (VERIFIED, 0), report
    assert proven.judged(text).verdict == UNANCHORED
    assert proven.judged(text, (Cosigner("witness.test/w").key,)).verdict == UNANCHORED
    early = proven.text + witness.line(proven.note, now - timedelta(hours=1))
    late = proven.judged(early, (witness.key,))
    assert late.verdict == TAMPERED
    assert "but a witness saw it at" in late.claims[-1]
    of_another = proven.text + witness.line("another" + proven.note, now)
    false = proven.judged(of_another, (witness.key,))
    assert false.verdict == TAMPERED
    assert "the cosignature of witness.test/w" in false.claims[-1]


def _line(number: int, change: Callable[[str], str]) -> Callable[[str], str]:
    def changed(text: str) -> str:
        lines = text.split("\n")
        lines[number - 1] = change(lines[number - 1])
        return "\n".join(lines)

    return changed


def _without(number: int) -> Callable[[str], str]:
    def changed(text: str) -> str:
        lines = text.split("\n")
        del lines[number - 1]
        return "\n".join(lines)

    return changed


MALFORMED: list[tuple[Callable[[str], str], str]] = [
    (lambda _: "", "is no proof"),
    (_line(1, lambda _: "c2sp.org/tlog-proof@v2"), "is no proof"),
    (lambda t: t.replace("\n", "\r\n"), "is no proof"),
    (lambda t: t.partition("\n\n")[0], "is no proof"),
    (_without(2), "line 2 of 17.tlog-proof is no index"),
    (_line(2, lambda _: "index -1"), "line 2 of 17.tlog-proof is no index"),
    (_line(2, lambda _: "index 017"), "line 2 of 17.tlog-proof is no index"),
    (_line(2, lambda _: "index \u0661"), "line 2 of 17.tlog-proof is no index"),
    (_line(2, lambda _: "index 999999"), "is of entry 999999, but its log has"),
    (_line(2, lambda _: "index 16"), "do not lead"),
    (_line(2, lambda _: "extra !\nindex 17"), "line 2 of 17.tlog-proof has extra data"),
    (_line(2, lambda _: "extra AAAA\nindex x"), "line 3 of 17.tlog-proof is no index"),
    (_line(4, lambda _: "AAAA"), "line 4 of 17.tlog-proof is no hash"),
    (_line(4, lambda line: line[:-1]), "line 4 of 17.tlog-proof is no hash"),
    (_line(4, lambda _: b64encode(bytes(32)).decode()), "do not lead"),
    (_without(5), "has too few hashes"),
    (_line(3, lambda line: f"{line}\n{line}"), "has hashes beyond the root"),
    (lambda t: t.replace("clearance.test/log\n", "other.test/log\n", 1), "is not signed by a key"),
    (lambda t: t[:-5] + "AAA=\n", "the signature of clearance.test/log"),
    (lambda t: t.rpartition("\u2014")[0], "the checkpoint in 17.tlog-proof"),
]


@pytest.mark.parametrize(("change", "said"), MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_proof_is_refused_with_the_place(
    proven: Proven, change: Callable[[str], str], said: str
):
    changed = change(proven.text)
    assert changed != proven.text
    report = proven.judged(changed)
    assert (report.verdict, report.exit_code) == (TAMPERED, 1)
    assert said in report.claims[-1]


def test_extra_data_is_passed_over_and_bytes_that_are_no_text_are_refused(proven: Proven):
    assert proven.judged(_line(2, "extra AAAA\n{}".format)(proven.text)).verdict == UNANCHORED
    assert "is not UTF-8" in proven.judged(b"\xff" + proven.text.encode()).claims[-1]


def test_the_entry_may_be_told_in_three_ways(proven: Proven):
    told = {"index": proven.index, "bytes": proven.body.decode()}
    leaf = sha256(b"\0" + proven.body).hexdigest()
    decision = {"audit": {"index": proven.index, "leaf": leaf}}
    for content in (json.dumps(told), json.dumps(decision), proven.body.decode() + "\n"):
        proven.entry.write_text(content, "utf-8")
        assert proven.judged().verdict == UNANCHORED
    proven.entry.write_text(json.dumps(told | {"index": 3}), "utf-8")
    assert "is of entry 17, entry of entry 3" in proven.judged().claims[-1]


@pytest.mark.parametrize("content", ["", "no entry", "[]", '{"audit": {}}', '{"bytes": 1}'])
def test_what_is_no_entry_is_wrong_usage(proven: Proven, content: str):
    proven.entry.write_text(content, "utf-8")
    with pytest.raises(NoRecord, match="holds no entry"):
        proven.judged()


def test_without_key_or_entry_nothing_is_said(proven: Proven):
    proven.judged()
    file, trust = str(proven.file), Trust(keys=(proven.key,))
    assert is_proof(file)
    for entry, brought in ((None, trust), (str(proven.entry), Trust())):
        with pytest.raises(NoRecord, match="--key and --entry"):
            verify_proof(file, entry, brought)
    with pytest.raises(NoRecord, match="cannot be read"):
        verify_proof(file, f"{file}.none", trust)
