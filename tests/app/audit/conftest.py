"""One service with every kind of decision, and its archive."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from tests.app.audit.records import FILLED, filled, sealed
from tests.app.http.service import Service, running


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    """A service with a few decisions."""
    with running(settings) as started:
        filled(started, FILLED)
        yield started


def _record(template: Path, directory: Path, origin: str, decisions: int) -> bytes:
    shutil.copy(template, directory / "clearance.db")
    given = Settings(database_url=f"sqlite:///{directory}/clearance.db", log_origin=origin)
    with running(given) as started:
        filled(started, decisions)
        return sealed(started)


@pytest.fixture(scope="session")
def record(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The archive of a record of two bundles; tests read it and change copies of it."""
    directory = tmp_path_factory.mktemp("record")
    return _record(sqlite_template, directory, "clearance.test/log", 110)


@pytest.fixture(scope="session")
def other(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The archive of another deployment."""
    return _record(sqlite_template, tmp_path_factory.mktemp("other"), "other.test/log", 90)


@pytest.fixture
def archive(record: bytes, tmp_path: Path) -> Path:
    """The same as a file."""
    path = tmp_path / "record.tar"
    path.write_bytes(record)
    return path
