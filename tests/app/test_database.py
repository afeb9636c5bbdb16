import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Integer, MetaData, Table, create_engine, inspect, select, text
from sqlalchemy.exc import DBAPIError, StatementError

from app.database import (
    MIGRATIONS,
    CanonicalJson,
    SchemaMismatch,
    SchemaState,
    UtcDateTime,
    make_engine,
    metadata,
    migrate,
    reading,
    require_current,
    revisions,
    schema_state,
)
from app.ledger.faults import for_caller
from app.ledger.work import LedgerUnavailable
from app.settings import Settings

things = Table(
    "thing",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime),
    Column("value", CanonicalJson),
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_engine(request, tmp_path):
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        url = request.getfixturevalue("empty_postgres_url")
    engine = make_engine(Settings(database_url=url))
    yield engine
    engine.dispose()


def test_the_schema_is_empty_then_current(empty_engine):
    assert schema_state(empty_engine) is SchemaState.EMPTY
    with pytest.raises(SchemaMismatch, match="clearance migrate"):
        require_current(empty_engine)
    migrate(empty_engine)
    assert schema_state(empty_engine) is SchemaState.CURRENT
    require_current(empty_engine)
    migrate(empty_engine)


def test_another_revision_is_behind_or_ahead(engine):
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    assert schema_state(engine) is SchemaState.AHEAD
    with pytest.raises(SchemaMismatch, match="newer version"):
        require_current(engine)

    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert schema_state(engine) is SchemaState.BEHIND
    with pytest.raises(SchemaMismatch, match="clearance migrate"):
        require_current(engine)


def test_file_names_say_what_alembic_says():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert revisions() == scripts[::-1]


def test_tables_that_no_migration_made_are_refused(engine):
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(SchemaMismatch, match="backup"):
        schema_state(engine)


def test_processes_that_start_together_migrate_once(empty_engine):
    url = empty_engine.url.render_as_string(hide_password=False)
    program = (
        "import sys; from app.settings import Settings; from app.database import *; "
        "e = make_engine(Settings(database_url=sys.argv[1])); migrate(e); require_current(e)"
    )
    started = [subprocess.Popen([sys.executable, "-c", program, url]) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    with empty_engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit_head")) == 1


def test_a_migration_that_fails_leaves_nothing(empty_engine, monkeypatch):
    monkeypatch.setattr("alembic.operations.Operations.bulk_insert", _fail)
    with pytest.raises(RuntimeError, match="half way"):
        migrate(empty_engine)
    assert inspect(empty_engine).get_table_names() == []


def _fail(*args, **kwargs):
    raise RuntimeError("half way")


def test_migrations_and_metadata_agree(engine):
    # migrate() has run env.py, which imports every noun's tables into `metadata`.
    migrate(engine)
    assert {"audit_entry", "audit_tile", "evidence_blob"} <= set(metadata.tables)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_times_come_back_aware_in_utc_and_sort(engine):
    things.create(engine)
    early = datetime(2026, 3, 29, 1, 30, 0, 1, tzinfo=UTC)
    late = datetime(2026, 3, 29, 4, 0, tzinfo=timezone(timedelta(hours=2)))
    with engine.begin() as connection:
        connection.execute(things.insert(), [{"id": 1, "at": late}, {"id": 2, "at": early}])
        found = connection.scalars(select(things.c.at).order_by(things.c.at)).all()
        assert found == [early, late]
        assert all(time.tzinfo is UTC for time in found)
        after = select(things.c.id).where(things.c.at > early)
        assert connection.scalars(after).all() == [1]


def test_a_time_without_a_zone_is_refused(engine):
    things.create(engine)
    with engine.begin() as connection, pytest.raises(StatementError, match="without a zone"):
        connection.execute(things.insert(), {"id": 1, "at": datetime(2026, 1, 1)})  # noqa: DTZ001 - that it is refused is the test


def test_json_is_stored_as_canonical_text(engine):
    things.create(engine)
    with engine.begin() as connection:
        connection.execute(things.insert(), {"id": 1, "value": {"b": 1.0, "a": ["\u20ac"]}})
        assert connection.scalar(select(things.c.value)) == {"a": ["\u20ac"], "b": 1}
        stored = connection.scalar(text("SELECT value FROM thing"))
    assert stored == '{"a":["\u20ac"],"b":1}'


def test_sqlite_is_durable_and_keeps_references(tmp_path):
    engine = make_engine(Settings(database_url=f"sqlite:///{tmp_path / 'a.db'}"))
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10_000,
    }


def test_a_reader_sees_one_snapshot_while_others_write(tmp_path):
    engine = make_engine(Settings(database_url=f"sqlite:///{tmp_path / 'a.db'}"))
    things.create(engine)
    with reading(engine) as connection:
        assert connection.scalars(select(things.c.id)).all() == []

        def write():
            with engine.begin() as writer:
                writer.execute(things.insert(), {"id": 1})

        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
        assert connection.scalars(select(things.c.id)).all() == []
    with reading(engine) as connection:
        assert connection.scalars(select(things.c.id)).all() == [1]
    engine.dispose()


def test_an_error_shows_no_parameters(engine):
    things.create(engine)
    with engine.begin() as connection:
        connection.execute(things.insert(), {"id": 1, "value": "s3cret"})
    with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(things.insert(), {"id": 1, "value": "s3cret"})
    assert "s3cret" not in str(caught.value)


def test_the_alembic_command_finds_its_settings(tmp_path):
    root = Path(__file__).parents[2]
    database = tmp_path / "cli.db"
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=root,
        env={"CLEARANCE_DATABASE_URL": f"sqlite:///{database}", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    engine = create_engine(f"sqlite:///{database}")
    assert "audit_entry" in inspect(engine).get_table_names()
    engine.dispose()


@pytest.mark.postgres
def test_a_statement_that_hangs_is_given_up_and_said_so(empty_postgres_url):
    settings = Settings(database_url=empty_postgres_url, statement_timeout_seconds=1)
    engine = make_engine(settings)
    try:
        with engine.connect() as connection, pytest.raises(DBAPIError) as failed:
            connection.execute(text("SELECT pg_sleep(600)"))
        answer = for_caller(failed.value)
        assert isinstance(answer, LedgerUnavailable)
        assert "too long" in answer.detail
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1
    finally:
        engine.dispose()
