"""Commands that work on the database itself: open it, or say which command comes first."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.auth.keys import CreatedKey, KeyRequest, create
from app.cli.exits import UNREACHABLE, CliError
from app.database import SchemaMismatch, make_engine, require_current
from app.errors import Problem
from app.ledger.anchors.keeping import Anchoring
from app.ledger.keys import log_signer
from app.ledger.tiles import LogInconsistent
from app.ledger.work import Conflict, LedgerUnavailable, Work
from app.ledger.writer import Ledger
from app.settings import Settings, SettingsError, read_settings

OPERATOR = "operator"
"""Who acts in the log when somebody works on the database itself."""


@dataclass(frozen=True, slots=True)
class Local:
    """The database and the record's writer, in this process."""

    settings: Settings
    engine: Engine
    ledger: Ledger

    def commit(self, work: Work) -> None:
        """Record it, or say why not."""
        try:
            self.ledger.commit_sync(work)
        except Conflict as error:
            raise CliError(error.detail) from None
        except LedgerUnavailable as error:
            raise CliError(error.detail, code=UNREACHABLE) from None

    def create_key(self, wanted: KeyRequest) -> CreatedKey:
        """A new key, recorded."""
        now = datetime.now(UTC)
        try:
            with self.engine.connect() as connection:
                made = create(connection, wanted, by=OPERATOR, at=now)
        except Problem as error:
            raise CliError(error.detail) from None
        self.commit(made.work)
        return made


def settings() -> Settings:
    """The settings of this environment."""
    try:
        return read_settings()
    except SettingsError as error:
        raise CliError(str(error)) from None


@contextmanager
def database() -> Iterator[tuple[Settings, Engine]]:
    """The database that CLEARANCE_DATABASE_URL names, whatever its schema."""
    given = settings()
    engine = make_engine(given)
    try:
        yield given, engine
    except SchemaMismatch as error:
        raise CliError(str(error)) from None
    except (LogInconsistent, SettingsError) as error:
        raise CliError(str(error)) from None
    except LedgerUnavailable as error:
        raise CliError(error.detail, code=UNREACHABLE) from None
    except SQLAlchemyError as error:
        raise CliError(
            f"The database cannot be used: {type(error).__name__}.",
            "Check CLEARANCE_DATABASE_URL, and that the server runs and the file is writable.",
            code=UNREACHABLE,
        ) from None
    finally:
        engine.dispose()


@contextmanager
def opened() -> Iterator[Local]:
    """The database with this version's schema, ready for writing."""
    with database() as (given, engine):
        require_current(engine)
        ledger = Ledger(engine, given, log_signer(given))
        ledger.start()
        try:
            # Nothing is written on a database that its anchor contradicts.
            Anchoring(engine, ledger, given).require_held()
            yield Local(given, engine, ledger)
        finally:
            ledger.stop()
