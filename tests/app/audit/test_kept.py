"""Records of older engines verify and replay for as long as this file stands."""

import math
import re
from pathlib import Path

import pytest

from app.audit.reading import ArchiveRecord
from app.audit.replaying import Outcome, Replayed, Replayer, summary
from app.verifier import UNANCHORED, Archive, Trust, verify
from gates.engine import ENGINE_VERSION, engine
from tests.app.audit.kept import RECORDS, path_of, read

KEPT = sorted(RECORDS.iterdir())


def test_this_engine_left_a_record():
    assert path_of(ENGINE_VERSION) in KEPT, "write it with: python -m tests.app.audit.kept"
    assert len(KEPT) > 1


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_a_kept_record_verifies(path: Path):
    report = verify(Archive(read(path)), Trust())
    assert report.verdict == UNANCHORED, report.claims


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_a_kept_record_is_decided_again(path: Path):
    """By its own engine to the byte; by a newer one to every value, unless a formula changed."""
    version = path.name.removesuffix(".tar.gz")
    replayed = list(Replayer(ArchiveRecord(read(path), read(path))).all())
    assert len(replayed) >= 7
    assert {item.recorded_engine for item in replayed} == {version}
    is_own = engine() == version
    alike = Outcome.IDENTICAL if is_own else Outcome.SAME_VALUES
    wrong = [item for item in replayed if item.outcome is not alike and not _is_noise(item)]
    assert wrong == [], (
        f"what engine {version} decided comes out otherwise now. Raise ENGINE_VERSION and keep a "
        "record of it; where a formula changed, say here which records that concerns"
    )
    found = summary(ArchiveRecord(read(path), read(path)))
    assert any(f"decided by engine {version}" in line for line in found.words) is not is_own
    assert is_own or "in every value that their own engine wrote" in found.words[0]


def _is_noise(item: Replayed) -> bool:
    """The last digits of floats are the machine's; a digest over them goes with them."""
    pairs = [re.fullmatch(r"(\S+): (\S+) is now (\S+)", line) for line in item.differences]
    if item.outcome is not Outcome.DIFFERENT or not all(pairs):
        return False
    values = [pair.groups() for pair in pairs if pair and pair[1] != "/digest"]
    return bool(values) and all(_is_close(then, now) for _, then, now in values)


def _is_close(then: str, now: str) -> bool:
    try:
        return math.isclose(float(then), float(now), rel_tol=1e-9)
    except ValueError:
        return False
