"""One transaction's worth of Works: guards, rows, and who survives.

Works that commute share multi-row inserts; every other runs alone, in order, behind a savepoint,
so that one that fails takes nothing with it and each guard sees what came before it.
"""

import asyncio
import concurrent.futures
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import sort_tables

from app.ledger.entries import SealedEntry
from app.ledger.faults import concerns_all, for_caller
from app.ledger.tables import CONTENT_ADDRESSED
from app.ledger.work import Conflict, JointGuard, Receipt, Work
from app.statements import insert_rows

Answer = asyncio.Future[Receipt] | concurrent.futures.Future[Receipt]
Outcome = Receipt | BaseException


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A Work on its way, with its entries sealed and the one who waits for the answer."""

    work: Work
    entries: tuple[SealedEntry, ...]
    answer: Answer


def run(connection: Connection, items: Sequence[Item]) -> tuple[list[Item], dict[Item, Outcome]]:
    """Write all rows; returns the items that hold, in order, and why the others do not.

    Raises what concerns the whole transaction (database down, full, read-only).
    """
    held: list[Item] = []
    refused: dict[Item, Outcome] = {}
    sole = len(items) == 1
    for group in _groups(items):
        if len(group) > 1 and _run_together(connection, group, held, refused):
            continue
        for item in group:
            try:
                with nullcontext() if sole else connection.begin_nested():
                    _run_alone(connection, item.work)
            except Exception as error:
                if concerns_all(error):
                    raise
                refused[item] = for_caller(error)
            else:
                held.append(item)
    return held, refused


def settle(outcomes: Mapping[Item, Outcome]) -> None:
    """Wake everyone who waits; one call into each event loop, however many wait in it."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Answer, Outcome]]] = {}
    for item, outcome in outcomes.items():
        if isinstance(item.answer, asyncio.Future):
            by_loop.setdefault(item.answer.get_loop(), []).append((item.answer, outcome))
        else:
            _resolve([(item.answer, outcome)])
    for loop, answers in by_loop.items():
        # A loop that closed meanwhile has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_resolve, answers)


def _resolve(answers: Sequence[tuple[Answer, Outcome]]) -> None:
    for answer, outcome in answers:
        if answer.done():
            continue
        if isinstance(outcome, BaseException):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)


def _groups(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Runs of neighbours that commute; arrival order is kept."""
    group: list[Item] = []
    for item in items:
        if item.work.commutes and item.work.apply is None:
            group.append(item)
            continue
        if group:
            yield group
            group = []
        yield [item]
    if group:
        yield group


def _run_together(
    connection: Connection,
    group: Sequence[Item],
    held: list[Item],
    refused: dict[Item, Outcome],
) -> bool:
    """Guards first, then one insert per table; False, and nothing done, if any of it fails."""
    try:
        with connection.begin_nested():
            lost = _lost(connection, group)
            passed = [item for item in group if item not in lost]
            _insert_together(connection, [item.work for item in passed])
    except Exception as error:
        if concerns_all(error):
            raise
        return False
    held.extend(passed)
    refused.update(lost)
    return True


def _lost(connection: Connection, group: Sequence[Item]) -> dict[Item, Conflict]:
    """The items whose guards found that something has changed."""
    lost: dict[Item, Conflict] = {}
    joint: dict[Any, list[tuple[Item, Any]]] = {}
    for item in group:
        guard = item.work.guard
        if isinstance(guard, JointGuard):
            joint.setdefault(guard.check, []).append((item, guard.about))
        elif guard is not None:
            try:
                guard(connection)
            except Conflict as conflict:
                lost[item] = conflict
    for check, asked in joint.items():
        answers = check(connection, [about for _, about in asked])
        for (item, _), answer in zip(asked, answers, strict=True):
            if answer is not None:
                lost[item] = answer
    return lost


def _run_alone(connection: Connection, work: Work) -> None:
    if work.guard is not None:
        work.guard(connection)
    for table, rows in work.rows:
        _insert(connection, table, rows)
    if work.apply is not None:
        work.apply(connection)


def _insert_together(connection: Connection, works: Sequence[Work]) -> None:
    """Parents before children by foreign keys: no single Work's order speaks for all of them."""
    rows_of: dict[Table, list[Any]] = {}
    for work in works:
        for table, rows in work.rows:
            rows_of.setdefault(table, []).extend(rows)
    for table in _parents_first(frozenset(rows_of)):
        _insert(connection, table, rows_of[table])


def _insert(connection: Connection, table: Table, rows: Sequence[Any]) -> None:
    """SQLAlchemy takes the columns from the first row: rows with other columns go separately."""
    by_columns: dict[tuple[str, ...], list[Any]] = {}
    for row in rows:
        by_columns.setdefault(tuple(row), []).append(row)
    for columns, same in by_columns.items():
        # SQLAlchemy drops what the table does not have; a value dropped is a record that lies.
        if unknown := set(columns).difference(table.c.keys()):
            raise TypeError(f"{table.name} has no column {', '.join(sorted(unknown))}")
        insert_rows(connection, _statement(table, connection.dialect.name), columns, same)


@cache
def _statement(table: Table, dialect: str) -> Insert:
    if not table.info.get(CONTENT_ADDRESSED):
        return insert(table)
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


@cache
def _parents_first(tables: frozenset[Table]) -> Sequence[Table]:
    return sort_tables(tables)
