"""Each attack of the design on a real database, and the table of who detects it."""

import pytest

from app.settings import Settings
from tests.app.audit.attacks import ATTACKS, COLUMNS, PAGE, committed, found, table, target
from tests.app.http.service import running


@pytest.mark.slow
def test_the_documented_table_is_what_happens(settings: Settings):
    with running(settings) as service:
        aim = target(service)
        untouched = aim.run(None)
        results = found(aim)
        again = aim.run(None)
    assert untouched == again == dict.fromkeys(COLUMNS, False)
    assert table(results) == committed()
    with_key = [results[attack.name] for attack in ATTACKS if attack.has_key]
    assert len(with_key) >= 5
    # What the page says in bold: the holder of database and key is seen from outside only.
    assert not any(row["in place"] or row["checkpoints beside it"] for row in with_key)
    assert all(row["witness"] for row in with_key)
    assert all(any(row.values()) for row in results.values())


def test_the_page_says_what_cannot_be_done():
    page = PAGE.read_text("utf-8")
    assert "who also holds the log's key cannot be caught" in page
