"""The service of `tests/app/http`, and one measuring process for all tests."""

import pytest

from app.integrations.evidently.process import measuring
from tests.app.http.conftest import service

__all__ = ["service"]


@pytest.fixture(scope="session", autouse=True)
def one_process():
    yield
    measuring.end()
