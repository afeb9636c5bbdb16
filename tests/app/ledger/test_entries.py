import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785

from app.ledger.entries import MAX_BODY, EntryTooLarge, commitment, seal
from app.ledger.work import NewEntry
from gates.canonical import NotCanonical

ENTRY = NewEntry(
    id="ent_1",
    type="decision.recorded",
    at=datetime(2026, 11, 24, 10, 30, tzinfo=timezone(timedelta(hours=1))),
    actor="key_1",
    subject="dec_1",
    refs={"policy": "sha256:00"},
    data={"verdict": "pass", "limits": ("0.85",)},
    private={"author": "Ada Lovelace", "comment": "fine"},
)


def test_the_body_is_canonical_and_has_the_fields_of_the_design():
    sealed = seal(ENTRY, "clearance.test/log")
    body = json.loads(sealed.body)
    assert sealed.body == rfc8785.dumps(body)
    assert set(body) == {
        "v",
        "log",
        "type",
        "id",
        "time",
        "actor",
        "subject",
        "refs",
        "data",
        "commitments",
    }
    assert body["v"] == 1
    assert body["log"] == "clearance.test/log"
    assert body["time"] == "2026-11-24T09:30:00.000000Z"
    assert body["data"] == {"verdict": "pass", "limits": ["0.85"]}
    assert sealed.leaf == hashlib.sha256(b"\x00" + sealed.body).digest()


def test_personal_values_are_committed_to_and_not_written():
    sealed = seal(ENTRY, "log")
    assert b"Ada" not in sealed.body
    commitments = json.loads(sealed.body)["commitments"]
    for row in sealed.private:
        message = f"{row['field']}\0{row['value']}".encode()
        expected = hmac.new(row["salt"], message, hashlib.sha256).hexdigest()
        assert commitments[row["field"]] == expected
        assert len(row["salt"]) == 32
        assert row["entry_id"] == "ent_1"
    assert {row["field"]: row["value"] for row in sealed.private} == ENTRY.private


def test_two_commitments_to_one_value_have_nothing_in_common():
    first, second = (json.loads(seal(ENTRY, "log").body)["commitments"] for _ in range(2))
    assert set(first.values()).isdisjoint(second.values())
    assert commitment(b"s", "ab", "c") != commitment(b"s", "a", "bc")


def test_a_body_may_have_just_so_many_bytes():
    room = MAX_BODY - len(seal(replace(ENTRY, data={"x": ""}), "log").body)
    assert len(seal(replace(ENTRY, data={"x": "a" * room}), "log").body) == MAX_BODY
    with pytest.raises(EntryTooLarge, match="65536"):
        seal(replace(ENTRY, data={"x": "a" * (room + 1)}), "log")


@pytest.mark.parametrize("value", [float("nan"), 2**60, b"x", "\ud800", datetime.now(UTC)])
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises(NotCanonical):
        seal(replace(ENTRY, data={"x": value}), "log")


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        seal(replace(ENTRY, at=datetime(2026, 1, 1)), "log")  # noqa: DTZ001 - that is the test
