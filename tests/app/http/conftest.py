"""A running service, on both databases: one per test, or one for the refusals of a file."""

from collections.abc import Iterator

import pytest

from app.settings import Settings
from tests.app.http.service import Service, running


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    with running(settings) as started:
        yield started


@pytest.fixture(scope="module")
def standing(standing_settings: Settings) -> Iterator[Service]:
    """One service for all tests of a file that only ask for what is refused and leaves nothing.

    Starting one takes ten times as long as such a test. Each of them checks what is stored, so one
    that does leave something fails.
    """
    with running(standing_settings) as started:
        yield started
