"""The few statements that every submission needs: compiled once, then run by the driver itself.

SQLAlchemy writes them and knows the types, but its way through a single execution costs several
times what the database takes. Errors are SQLAlchemy's all the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    Connection,
    Dialect,
    Insert,
    Integer,
    Select,
    Text,
    bindparam,
    cast,
    column,
    func,
    select,
)
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


class Joined:
    """A SELECT that answers many questions at once, with one row for each, in their order.

    The questions travel as one JSON array of objects, so the statement's text is always the same.
    """

    def __init__(
        self, answers: Callable[[Select[Any]], Select[Any]], fields: tuple[str, ...]
    ) -> None:
        """`answers` gets a SELECT of the fields, all text, and of the `place` to order by."""
        self._answers = answers
        self._fields = fields
        self._known: dict[str, tuple[Select[Any], Compiled, tuple[Convert, ...]]] = {}

    def rows(self, connection: Connection, asked: Sequence[Values]) -> list[tuple[Any, ...]]:
        """The answers. It begins no transaction where none is open."""
        statement, compiled, ways = self.compiled(connection.dialect)
        numbered = [{"place": place, **question} for place, question in enumerate(asked)]
        values = {"asked": orjson.dumps(numbered).decode()}
        cursor = connection.connection.cursor()
        try:
            cursor.execute(compiled.text, compiled.parameters(values))
            found = cursor.fetchall()
        except connection.dialect.loaded_dbapi.Error:
            # Once more by SQLAlchemy, which knows what the driver's error means.
            return [tuple(row) for row in connection.execute(statement, values)]
        finally:
            cursor.close()
        assert len(found) == len(asked)
        return [
            tuple([x if way is None else way(x) for x, way in zip(row, ways, strict=True)])
            for row in found
        ]

    def compiled(self, dialect: Dialect) -> tuple[Select[Any], Compiled, tuple[Convert, ...]]:
        """The statement for SQLAlchemy, for the driver, and how its columns are read."""
        if (known := self._known.get(dialect.name)) is not None:
            return known
        statement = self._answers(_questions(dialect.name, self._fields))
        ways = tuple(
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in statement.selected_columns
        )
        found = statement, _compiled(statement.compile(dialect=dialect), dialect), ways
        self._known[dialect.name] = found
        return found


def _questions(dialect: str, fields: tuple[str, ...]) -> Select[Any]:
    """The array as rows: the place of each in it, and its fields."""
    given = bindparam("asked", type_=Text)
    if dialect == "sqlite":
        each = func.json_each(given).table_valued("key", "value")
        texts = [func.json_extract(each.c.value, f"$.{name}", type_=Text) for name in fields]
        labelled = [text.label(name) for text, name in zip(texts, fields, strict=True)]
        return select(each.c.key.label("place"), *labelled)
    typed = [column(name, Text) for name in fields]
    rows = func.json_to_recordset(cast(given, JSON)).table_valued(column("place", Integer), *typed)
    return select(rows.render_derived(with_types=True))


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
