"""A runtime as the worker has it, and a kind of job whose runs a test can see."""

import pytest

from app.jobs.kinds import KINDS, Kind
from app.runtime import start
from app.telemetry import Telemetry
from tests.app.http.service import Clock

NOTE = Kind("tests.app.jobs.noting:note", gives_up_after=3)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def runtime(engine, settings, clock, monkeypatch):
    monkeypatch.setitem(KINDS, "test.note", NOTE)
    started = start(settings, engine, Telemetry(), clock)
    yield started
    started.ledger.stop()
