"""Ids are unique, rise strictly within a process, and carry their time."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from app.ids import new_id


def test_ids_rise_and_never_repeat_across_threads():
    alone = [new_id("dec") for _ in range(5000)]
    assert alone == sorted(alone)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda _: new_id("dec"), range(5000)))
    assert len({*alone, *together}) == 10_000


def test_an_id_is_a_uuid_of_version_7_with_the_time_in_front():
    before = time.time_ns() // 1_000_000
    prefix, _, text = new_id("ev").partition("_")
    found = UUID(text)
    assert (prefix, found.version, found.variant) == ("ev", 7, "specified in RFC 4122")
    assert before - 1 <= found.int >> 80 <= time.time_ns() // 1_000_000 + 1
