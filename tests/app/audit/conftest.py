"""One service with every kind of decision, and its archive."""

import io
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


@pytest.fixture(scope="session")
def record(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The archive of a record of two bundles; tests read it and change copies of it."""
    directory = tmp_path_factory.mktemp("record")
    shutil.copy(sqlite_template, directory / "clearance.db")
    given = Settings(
        database_url=f"sqlite:///{directory}/clearance.db", log_origin="clearance.test/log"
    )
    with running(given) as started:
        filled(started, 110)
        return sealed(started)


@pytest.fixture
def archive(record: bytes, tmp_path: Path) -> Path:
    """The same as a file."""
    path = tmp_path / "record.tar"
    path.write_bytes(record)
    return path


@pytest.fixture
def file(record: bytes) -> io.BytesIO:
    """The same in memory."""
    return io.BytesIO(record)


@pytest.fixture(scope="session")
def other(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The archive of another deployment."""
    directory = tmp_path_factory.mktemp("other")
    shutil.copy(sqlite_template, directory / "clearance.db")
    given = Settings(
        database_url=f"sqlite:///{directory}/clearance.db", log_origin="other.test/log"
    )
    with running(given) as started:
        filled(started, 90)
        return sealed(started)
