"""One running service per test, on both databases."""

from collections.abc import Iterator

import pytest

from app.settings import Settings
from tests.app.http.service import Service, running


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    with running(settings) as started:
        yield started
