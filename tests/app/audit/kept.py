"""Writes the record that later engines must replay: `python -m tests.app.audit.kept`.

It is made once for each version of the engine, by that version, and stays. It holds a service's
story in small: passes, failures, escalations, an approval, a waiver, broken glass, revocations.
"""

import gzip
import io
import tempfile
from pathlib import Path

from app.audit.archive import members, snapshot, tar
from app.database import make_engine, migrate
from app.settings import Settings
from gates.engine import ENGINE_VERSION
from tests.app.http.service import running
from tests.app.record.test_completeness import tell

RECORDS = Path(__file__).parents[2] / "data" / "records"


def path_of(version: str) -> Path:
    """Where the record of an engine's version is."""
    return RECORDS / f"{version}.tar.gz"


def read(path: Path) -> io.BytesIO:
    """A kept record as an archive."""
    return io.BytesIO(gzip.decompress(path.read_bytes()))


def made() -> bytes:
    """The archive of a new service after its story."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            database_url=f"sqlite:///{folder}/clearance.db",
            log_origin="kept.test/log",
        )
        engine = make_engine(settings)
        migrate(engine)
        engine.dispose()
        with running(settings) as service:
            tell(service)
            with snapshot(service.app.state.runtime.engine) as connection:
                return b"".join(tar(members(connection)))


if __name__ == "__main__":
    RECORDS.mkdir(exist_ok=True)
    path_of(ENGINE_VERSION).write_bytes(gzip.compress(made(), mtime=0))
