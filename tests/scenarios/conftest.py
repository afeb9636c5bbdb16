"""Stories run on the SQLite default; tests/app/http holds every promise on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.database import make_engine, migrate
from app.settings import Settings
from tests.app.http.service import Service, running


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/clearance.db", data_dir=tmp_path)
    engine = make_engine(settings)
    migrate(engine)
    engine.dispose()
    with running(settings) as started:
        yield started
