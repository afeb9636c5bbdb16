"""What a database error means for the caller: a conflict, or a record that cannot be written now.

No sentence carries SQL, a parameter or a secret; the log keeps the original error.
"""

from sqlalchemy.exc import DBAPIError, IntegrityError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.ledger.work import Conflict, LedgerUnavailable

CONFLICT = (
    "Something with the same identity was recorded at the same time, or what this refers to is "
    "gone. Read the current state and try again."
)
_UNIQUE_OR_FOREIGN = {
    "SQLITE_CONSTRAINT_UNIQUE",
    "SQLITE_CONSTRAINT_PRIMARYKEY",
    "SQLITE_CONSTRAINT_FOREIGNKEY",
    "SQLITE_CONSTRAINT_TRIGGER",
    "23000",
    "23503",
    "23505",
}
_SENTENCES = (
    (("SQLITE_READONLY", "25006"), "The database is read-only.", 30),
    (("SQLITE_FULL", "53100"), "The disk that holds the database is full.", 30),
    (("SQLITE_BUSY", "SQLITE_LOCKED", "55P03"), "Another process holds the database.", 1),
    (("SQLITE_CANTOPEN",), "The database file cannot be opened.", 30),
    (("SQLITE_IOERR",), "The disk that holds the database reports an error.", 30),
    (("SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002"), "The database file is damaged.", 60),
    (("57014",), "The database took too long over a statement.", 5),
    (("42501",), "The database account may not write the record.", 60),
    (("53300", "53"), "The database has no room for more connections or memory.", 5),
    (("40",), "The database asked to try again.", 1),
)


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, and with it whatever had not been committed."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


def concerns_all(error: BaseException) -> bool:
    """Whether the transaction is beyond saving, so that no other item can go on in it."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error, (OperationalError, InternalError))
    return isinstance(error, PoolTimeout)


def is_hopeless(error: BaseException) -> bool:
    """Whether trying the items one by one would meet the same error each time, slowly."""
    codes = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_READONLY", "SQLITE_CANTOPEN", "25006", "55P03")
    return (
        isinstance(error, PoolTimeout)
        or is_lost(error)
        or (isinstance(error, DBAPIError) and _code(error).startswith(codes))
    )


def for_caller(error: BaseException) -> BaseException:
    """The error as the caller should see it; what is no database error stays as it is."""
    if isinstance(error, IntegrityError) and _code(error) in _UNIQUE_OR_FOREIGN:
        return Conflict("conflict", CONFLICT)
    if isinstance(error, PoolTimeout):
        return LedgerUnavailable("All connections to the database are in use.", 1)
    if not isinstance(error, DBAPIError):
        return error
    if is_lost(error):
        return LedgerUnavailable("The connection to the database was lost.", 5)
    code = _code(error)
    for codes, sentence, retry_after in _SENTENCES:
        if code.startswith(codes):
            return LedgerUnavailable(sentence, retry_after)
    if isinstance(error, OperationalError) and not code:
        return LedgerUnavailable("The database cannot be reached.", 5)
    return LedgerUnavailable("The database refused to store the record.", 30)


def _code(error: DBAPIError) -> str:
    """SQLite's error name or PostgreSQL's SQLSTATE; empty where the driver gives neither."""
    original = error.orig
    code = getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None)
    return code or ""
