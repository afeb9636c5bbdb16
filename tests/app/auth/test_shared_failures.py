"""Wrong keys counted over processes: what slides with time, and what a dead database means."""

from datetime import UTC, datetime, timedelta

import pytest
from limits import parse
from sqlalchemy import func, select

from app.auth.sessions import forget_expired
from app.auth.shared_failures import SharedFailures
from app.auth.tables import failed_attempt
from app.auth.throttle import Throttle
from app.database import make_engine
from app.errors import Problem
from app.settings import Settings

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
HOUR = parse("4/hour")


class Clock:
    def __init__(self, seconds):
        self.seconds = seconds

    def __call__(self):
        return self.seconds


def test_processes_count_together_and_addresses_apart(engine):
    clock = Clock(3600.0 * 500_000)
    one, two = SharedFailures(engine, clock), SharedFailures(engine, clock)
    assert [one.over(HOUR, "a"), two.over(HOUR, "a"), one.over(HOUR, "a")] == [None] * 3
    assert two.over(HOUR, "a") is None
    assert one.over(HOUR, "a") == 3600
    assert two.over(HOUR, "b") is None


def test_the_hour_before_counts_as_far_as_it_reaches(engine):
    clock = Clock(3600.0 * 500_000 + 3599)
    counting = SharedFailures(engine, clock)
    assert [counting.over(HOUR, "a") for _ in range(4)] == [None] * 4
    clock.seconds += 2
    assert counting.over(HOUR, "a") == 3599, "4 of the last hour, and one more"
    clock.seconds += 1800
    assert counting.over(HOUR, "a") is None, "half of 4, and 2"


def test_old_counts_are_cleaned_up(engine, ledger):
    clock = Clock(3600.0 * 500_000)
    counting = SharedFailures(engine, clock)
    counting.over(HOUR, "a")
    at = datetime.fromtimestamp(clock.seconds, UTC)
    for ahead, left in ((timedelta(days=1), 1), (timedelta(days=3), 0)):
        ledger.commit_sync(forget_expired(at + ahead))
        with engine.connect() as connection:
            assert connection.scalar(select(func.count()).select_from(failed_attempt)) == left


def test_without_the_database_each_process_counts_for_itself(engine, caplog):
    gone = make_engine(Settings(database_url="postgresql://nobody@127.0.0.1:1/none"))
    throttle = Throttle(Settings(failure_limit="2/hour"), SharedFailures(gone))
    for _ in range(3):
        throttle.refuse_blocked("192.0.2.1")
        throttle.failed("192.0.2.1")
    with pytest.raises(Problem):
        throttle.refuse_blocked("192.0.2.1")
    assert "in this process alone" in caplog.text
