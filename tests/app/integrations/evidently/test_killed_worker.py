"""kill -9 of the worker in the middle of measuring: the evaluation is kept, and is decided once."""

import signal

import pytest
from sqlalchemy import select

from app.evaluations.data_tables import data_evaluation
from app.evaluations.tables import decision
from app.record.completeness import compare
from tests.app.integrations.evidently.frames import (
    POLICY,
    asking,
    frame,
    parquet,
    queued,
    sent,
    standing,
)
from tests.app.jobs.test_worker import until, working

pytestmark = pytest.mark.slow
PATIENCE_SECONDS = 300
"""Evidently is loaded twice, which takes a loaded machine minutes; on PostgreSQL another worker
takes a dead one's claim over only after a minute of silence."""
WORKER = "import sys; from app.cli import main; sys.argv[1:] = ['worker']; main()"


def test_a_killed_worker_loses_no_evaluation_and_decides_none_twice(service, settings):
    service.publish(POLICY, "churn-data")
    data = (sent(service, parquet(frame(seed=seed))) for seed in (1, 2))
    answer = queued(service, asking(*data))

    def is_at_work():
        # Evidently takes seconds to load, so this is seen before there is an answer.
        found = standing(service, answer)
        return found["status"] == "running" and found["step"] == "starting Evidently"

    with working(settings, WORKER) as first:
        until(is_at_work, first, PATIENCE_SECONDS)
        first.send_signal(signal.SIGKILL)
        first.wait()
    left = standing(service, answer)
    assert (left["status"], left["decision"]) == ("running", None)
    with working(settings, WORKER) as second:
        ended = ("done", "failed")
        until(lambda: standing(service, answer)["status"] in ended, second, PATIENCE_SECONDS)
    found = standing(service, answer)
    assert found["status"] == "done", found
    engine = service.app.state.runtime.engine
    with engine.connect() as connection:
        assert connection.scalars(select(decision.c.evaluation)).all() == [found["id"]]
        assert connection.scalar(select(data_evaluation.c.tries)) == 2
    assert service.call("GET", f"/v1/decisions/{found['decision']}").json()["verdict"] == "pass"
    assert compare(engine).gaps == ()
