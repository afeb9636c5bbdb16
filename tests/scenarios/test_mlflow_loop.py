"""MLflow triggers the gate and carries its answer, through restarts and lost events."""

import pytest

from tests.scenarios.mlflow_loop import Loop


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_alias_follows_the_decisions_whatever_happens(tmp_path):
    loop = Loop(tmp_path)
    try:
        # Each step raises StepFailed, with the service's log, where it does not hold.
        loop.tell()
    finally:
        loop.server.stop()
    assert loop.history() == [(None, "1"), ("1", "4"), ("4", "5"), ("5", "4")]
    assert loop.heard() == 4
