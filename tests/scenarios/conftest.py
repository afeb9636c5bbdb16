"""Stories run on the SQLite default; tests/app/http holds every promise on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.database import make_engine, migrate
from app.settings import Settings
from tests.app.http.service import Service, running


def migrated(folder: Path) -> Settings:
    """Settings of a new SQLite database in a folder."""
    settings = Settings(database_url=f"sqlite:///{folder}/clearance.db", data_dir=folder)
    engine = make_engine(settings)
    migrate(engine)
    engine.dispose()
    return settings


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(migrated(tmp_path)) as started:
        yield started
