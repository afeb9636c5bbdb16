"""The engine for SQLite and PostgreSQL, shared metadata, column types, and the schema's state.

It refuses databases that are not durable and times without a zone. Tables live with their nouns.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_never

from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    Text,
    TypeDecorator,
    create_engine,
    event,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.types import TypeEngine

from app.settings import Settings
from gates.canonical import canonical

if TYPE_CHECKING:
    from alembic.config import Config

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
"""Beside `app` in a checkout and in site-packages alike."""

MIGRATION_LOCK = 0x636C6561
"""PostgreSQL advisory lock: two replicas that start together migrate one after the other."""

IMMEDIATE = "clearance_immediate"
"""Execution option: begin as a writer, so that SQLite never has to upgrade a read lock."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time with microseconds: timestamptz, or text of fixed width that sorts."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text on SQLite, which has no type for times."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuses naive times: nobody could say when they were."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return to_text(value) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Always in UTC, whatever zone the session has."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            value = datetime.fromisoformat(value)
        return value.astimezone(UTC)  # type: ignore[no-any-return]  # the driver gives a datetime


class CanonicalJson(TypeDecorator[Any]):
    """A JSON value stored as its canonical text, the same bytes on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """None is SQL NULL; everything else is RFC 8785 text."""
        del dialect
        return None if value is None else canonical(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """The value as Python's plain types."""
        del dialect
        return None if value is None else json.loads(value)


def to_text(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds: `2026-11-24T09:30:00.000000Z`."""
    if time.tzinfo is not UTC:
        time = time.astimezone(UTC)
    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


_POSTGRESQL_OPTIONS = (
    "-c timezone=UTC -c lock_timeout={} -c statement_timeout={} "
    "-c idle_in_transaction_session_timeout=60000"
)
"""A process that hangs or vanishes must not hold the head of the log against the others, and a
statement that hangs must not hold the event loop."""

_POSTGRESQL_GONE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""A server that is gone is given up within a minute, whether or not it owes an answer."""


def make_engine(settings: Settings) -> Engine:
    """A synchronous engine; connections open when first used."""
    if settings.is_sqlite:
        return _sqlite_engine(settings)
    return create_engine(
        settings.database_url,
        pool_size=settings.pool_size,
        pool_timeout=settings.pool_timeout_seconds,
        pool_use_lifo=True,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            **_POSTGRESQL_GONE,
            "options": _POSTGRESQL_OPTIONS.format(
                settings.busy_timeout_seconds * 1000, settings.statement_timeout_seconds * 1000
            ),
        },
    )


def _sqlite_engine(settings: Settings) -> Engine:
    engine = create_engine(
        settings.database_url,
        pool_size=settings.pool_size,
        pool_timeout=settings.pool_timeout_seconds,
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args={"timeout": settings.busy_timeout_seconds, "check_same_thread": False},
    )

    def prepare(connection: Any, record: object) -> None:
        del record
        # The driver would open transactions by itself and only before some statements.
        connection.isolation_level = None
        cursor = connection.cursor()
        try:
            cursor.execute(f"PRAGMA busy_timeout = {settings.busy_timeout_seconds * 1000}")
            _use_wal(cursor)
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA foreign_keys = ON")
        finally:
            cursor.close()

    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get(IMMEDIATE)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _use_wal(cursor: Any) -> None:
    """WAL stays in the file; asking first lets a read-only database still be read."""
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        cursor.execute("PRAGMA journal_mode = WAL")


def reading_engine(engine: Engine) -> Engine:
    """For reads whose result is checked again when it is written.

    On PostgreSQL without BEGIN and ROLLBACK: two round trips less, and the writer's guard finds
    out if the statements saw different states.
    """
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection to read with: one snapshot on SQLite, rolled back in the end."""
    with engine.connect() as connection:
        yield connection


class SchemaState(StrEnum):
    """How the database's tables stand to what this version of Clearance expects."""

    EMPTY = "empty"
    CURRENT = "current"
    BEHIND = "behind"
    AHEAD = "ahead"


class SchemaMismatch(Exception):  # noqa: N818 - named for what it says
    """The tables are not those of this version; the message says which command to run."""


def schema_state(engine: Engine) -> SchemaState:
    """Compare the recorded revision with the newest migration.

    Raises SchemaMismatch where tables exist that no migration made.
    """
    with engine.connect() as connection:
        recorded = _recorded(connection)
        if recorded is None:
            if inspect(connection).has_table("audit_entry"):
                raise SchemaMismatch(
                    "The database holds Clearance tables without a recorded revision; "
                    "restore it from a backup, it cannot be migrated."
                )
            return SchemaState.EMPTY
    known = revisions()
    if recorded == known[-1]:
        return SchemaState.CURRENT
    return SchemaState.BEHIND if recorded in known else SchemaState.AHEAD


_CHAINED = re.compile(r'^down_revision(?:: .*)? = (?:None|"(\w+)")', re.MULTILINE)


@cache
def revisions() -> list[str]:
    """The revisions of this version, oldest first: each follows what its `down_revision` names.

    Read from the files, because a running service has no other use for Alembic's twelve
    megabytes; a test holds this to what Alembic says.
    """
    after: dict[str | None, str] = {}
    for path in MIGRATIONS.glob("versions/[0-9]*.py"):
        chained = _CHAINED.search(path.read_text("utf-8"))
        assert chained is not None
        after[chained[1]] = path.name.partition("_")[0]
    found: list[str] = []
    while (following := after.get(found[-1] if found else None)) is not None:
        found.append(following)
    return found


def _recorded(connection: Connection) -> str | None:
    """The revision that Alembic recorded, None where it never ran."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def require_current(engine: Engine) -> None:
    """Raise SchemaMismatch, with the command to run, unless the schema is this version's."""
    match schema_state(engine):
        case SchemaState.CURRENT:
            return
        case SchemaState.EMPTY:
            raise SchemaMismatch("The database is empty. Create its tables: clearance migrate")
        case SchemaState.BEHIND:
            raise SchemaMismatch(
                "The database is older than this version. Make a backup, then run: "
                "clearance migrate"
            )
        case SchemaState.AHEAD:
            raise SchemaMismatch(
                "The database was migrated by a newer version of Clearance. "
                "Install that version, or restore the backup made before."
            )
        case other:
            assert_never(other)


def migrate(engine: Engine) -> None:
    """Bring the schema to this version: one transaction, one migrating process at a time."""
    from alembic import command  # noqa: PLC0415 - only migrating needs it

    with engine.execution_options(**{IMMEDIATE: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.execute(select(func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        config = _alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _alembic_config() -> "Config":
    """No .ini and no pyproject.toml: neither lies beside an installed wheel."""
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
