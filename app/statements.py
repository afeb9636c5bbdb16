"""The few statements that every submission needs: compiled once, then run by the driver itself.

SQLAlchemy writes them and knows the types, but its way through a single execution costs several
times what the database takes. Errors are SQLAlchemy's all the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Select
from sqlalchemy.sql.compiler import SQLCompiler

Values = Mapping[str, Any]
Convert = Callable[[Any], Any] | None
"""How a column's type turns a value into the driver's, or back; None where it is the same."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement as one database's driver takes it."""

    text: str
    binds: tuple[tuple[str, Convert], ...]
    constants: Values
    is_positional: bool

    def parameters(self, values: Values) -> Any:
        """The values in the driver's form."""
        if self.constants:
            values = {**self.constants, **values}
        if self.is_positional:
            return tuple([values[k] if way is None else way(values[k]) for k, way in self.binds])
        return {k: values[k] if way is None else way(values[k]) for k, way in self.binds}


class Prepared:
    """A SELECT of exactly one row, without parameters that stand for lists."""

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        self._known: dict[str, tuple[Compiled, tuple[Convert, ...]]] = {}

    def row(self, connection: Connection, values: Values) -> tuple[Any, ...]:
        """The row's values. It begins no transaction where none is open."""
        known = self._known.get(connection.dialect.name) or self._compile(connection.dialect)
        compiled, ways = known
        cursor = connection.connection.cursor()
        try:
            cursor.execute(compiled.text, compiled.parameters(values))
            (row,) = cursor.fetchall()
        except connection.dialect.loaded_dbapi.Error:
            # Once more by SQLAlchemy, which knows what the driver's error means.
            return tuple(connection.execute(self._statement, dict(values)).one())
        finally:
            cursor.close()
        return tuple([x if way is None else way(x) for x, way in zip(row, ways, strict=True)])

    def _compile(self, dialect: Dialect) -> tuple[Compiled, tuple[Convert, ...]]:
        ways = tuple(
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in self._statement.selected_columns
        )
        found = _compiled(self._statement.compile(dialect=dialect), dialect), ways
        self._known[dialect.name] = found
        return found


_inserts: dict[tuple[Insert, tuple[str, ...], str], Compiled] = {}


def insert_rows(
    connection: Connection, statement: Insert, columns: tuple[str, ...], rows: Sequence[Values]
) -> None:
    """Insert rows that have exactly these columns, in one call of the driver."""
    dialect = connection.dialect
    key = statement, columns, dialect.name
    compiled = _inserts.get(key)
    if compiled is None:
        made = statement.compile(dialect=dialect, column_keys=columns, for_executemany=True)
        compiled = _inserts[key] = _compiled(made, dialect)
    connection.exec_driver_sql(compiled.text, [compiled.parameters(row) for row in rows])


def _compiled(made: Any, dialect: Dialect) -> Compiled:
    assert isinstance(made, SQLCompiler)
    assert made.string is not None
    named = {name: bind for bind, name in made.bind_names.items()}
    return Compiled(
        text=made.string,
        binds=tuple(
            (name, named[name].type.dialect_impl(dialect).bind_processor(dialect))
            for name in (made.positiontup if made.positional else named) or ()
        ),
        constants={name: bind.value for name, bind in named.items() if not bind.required},
        is_positional=made.positional,
    )
